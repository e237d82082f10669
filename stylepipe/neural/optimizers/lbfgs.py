"""L-BFGS without a line search: one evaluation per step (Liu and Nocedal 1989)."""

from typing import ClassVar, Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from pydantic import Field

from stylepipe.neural.optimizers.lbfgs_memory import Memory, Precision, empty, forget, newton, remember
from stylepipe.neural.optimizers.optimizer import FIRST_STEP, Evaluate, Optimizer, Pixels, StateSize, steepest

_SHRINK = 0.25
"""The factor by which a rejected step is shortened."""

_PATIENCE = 4
"""The number of consecutive rejections after which the memory is cleared."""


class Lbfgs(Optimizer):
    """L-BFGS with full steps; a step that does not reduce the loss is rejected and retried at a quarter of its length.

    A rejection costs one evaluation and is rare (a few in 200); a line search needs several evaluations for many steps. A loss
    that is not finite is rejected.
    """

    compares_losses: ClassVar[bool] = True

    kind: Literal["lbfgs"] = "lbfgs"
    memory: int = Field(default=10, ge=1, le=100, description="Stored steps; each takes the memory of two pictures.")
    history: Precision = Field(
        default="float32",
        description="The precision of stored steps: `bfloat16` takes half the memory, for large pictures.",
    )


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


def state_size(spec: Lbfgs) -> StateSize:
    """The best picture, its gradient, the trial, and two pictures per stored step (halved in bfloat16)."""
    return StateSize(held=3 + (2 if spec.history == "float32" else 1) * spec.memory, working=4)


def result(spec: Lbfgs, state: State) -> Pixels:
    """Returns the best picture so far."""
    return state.pixels


def enlarged(spec: Lbfgs, state: State, pixels: Pixels) -> State:
    """Returns a new initial state: curvature does not transfer between sizes."""
    return start(spec, pixels, len(state.terms))
