"""The functions of the optimizer `lbfgs`."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from stylepipe.neural.optimizers.functions.lbfgs_memory import Memory, empty, forget, newton, remember
from stylepipe.neural.optimizers.functions.steepest_descent import FIRST_STEP, steepest
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.optimizer import Evaluate, Pixels

_SHRINK = 0.25
"""The factor by which a rejected step is shortened."""

_PATIENCE = 4
"""The number of consecutive rejections after which the memory is cleared."""


class State(NamedTuple):
    """The best picture so far with its loss and gradient, the next trial, and the memory."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    gradient: Pixels
    trial: Pixels
    memory: Memory
    rejections: Int[Array, ""]


def start(spec: Lbfgs, pixels: Pixels, terms: int) -> State:
    """Returns a state with an empty memory and an infinite loss, so that the first evaluation is accepted."""
    return State(
        loss=jnp.float32(jnp.inf),
        terms=jnp.zeros(terms),
        pixels=pixels,
        gradient=jnp.zeros_like(pixels),
        trial=jnp.copy(pixels),
        memory=empty(spec.memory, pixels.size, spec.history),
        rejections=jnp.int32(0),
    )


def step(spec: Lbfgs, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Evaluates the trial, accepts or rejects it, and computes the next one."""
    evaluation = evaluate(state.trial)
    first = jnp.isposinf(state.loss)
    accepted = first | (evaluation.loss <= state.loss)
    moved = state.trial - state.pixels
    # A pixel clamped at a bound did not move: its gradient change has no curvature information.
    changed = jnp.where(moved == 0, 0, evaluation.gradient - state.gradient)

    pixels = jnp.where(accepted, state.trial, state.pixels)
    gradient = jnp.where(accepted, evaluation.gradient, state.gradient)
    rejections = jnp.where(accepted, 0, state.rejections + 1)
    memory = remember(state.memory, moved, changed, gradient, learn=accepted & ~first)
    memory = forget(memory, when=rejections >= _PATIENCE)

    length = jnp.where(first, FIRST_STEP, jnp.sqrt(jnp.mean(moved**2)) * jnp.where(accepted, 1, _SHRINK))
    ahead = pixels - jnp.where(memory.taken, newton(memory, gradient), steepest(gradient, length))
    ahead = jnp.clip(ahead, 0, 1) if clamp else ahead
    return State(
        loss=jnp.where(accepted, evaluation.loss, state.loss),
        terms=jnp.where(accepted, evaluation.terms, state.terms),
        pixels=pixels,
        gradient=gradient,
        trial=jnp.where(accepted | ~memory.taken, ahead, pixels + _SHRINK * moved),
        memory=memory,
        rejections=rejections,
    )


def awaited(spec: Lbfgs, state: State) -> Pixels:
    """Returns the trial."""
    return state.trial


def result(spec: Lbfgs, state: State) -> Pixels:
    """Returns the best picture so far."""
    return state.pixels


def enlarged(spec: Lbfgs, state: State, pixels: Pixels) -> State:
    """Returns a new initial state: curvature does not transfer between sizes."""
    return start(spec, pixels, len(state.terms))
