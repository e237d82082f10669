"""L-BFGS without a line search: one evaluation a step (Liu and Nocedal 1989)."""

from typing import ClassVar, Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from pydantic import Field

from stylepipe.neural.optimizers.lbfgs_memory import Memory, Precision, empty, forget, newton, remember
from stylepipe.neural.optimizers.optimizer import FIRST_STEP, Evaluate, Optimizer, Pixels, StateSize, steepest

_SHRINK = 0.25
"""What is left of a step that was rejected."""

_PATIENCE = 4
"""After so many rejections in a row the memory is dropped: it points in no useful direction."""


class Lbfgs(Optimizer):
    """L-BFGS whose full step is taken as it is; a step that does not lower the loss is taken back and tried at a quarter.

    That costs an evaluation, as any step does, and it is rare (a few in 200); a line search proper spends more than one
    evaluation on many steps. A loss that is not finite counts as one that was not lowered.
    """

    compares_losses: ClassVar[bool] = True

    kind: Literal["lbfgs"] = "lbfgs"
    memory: int = Field(default=10, ge=1, le=100, description="Steps remembered; each takes the memory of two pictures.")
    history: Precision = Field(
        default="float32",
        description="The numbers that steps are remembered in: `bfloat16` takes half the memory, for large pictures.",
    )


class State(NamedTuple):
    """The best picture so far with its loss and gradient, the picture to try next, and the memory."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    gradient: Pixels
    trial: Pixels
    memory: Memory
    rejections: Int[Array, ""]


def start(spec: Lbfgs, pixels: Pixels, terms: int) -> State:
    """An infinite loss, so that the first evaluation is accepted, and an empty memory."""
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
    """Evaluates the trial, accepts or rejects it, and finds the next one."""
    found = evaluate(state.trial)
    first = jnp.isposinf(state.loss)
    accepted = first | (found.loss <= state.loss)
    moved = state.trial - state.pixels
    # A pixel held at its bound did not move: what its gradient did there says nothing about the curvature.
    changed = jnp.where(moved == 0, 0, found.gradient - state.gradient)

    pixels = jnp.where(accepted, state.trial, state.pixels)
    gradient = jnp.where(accepted, found.gradient, state.gradient)
    rejections = jnp.where(accepted, 0, state.rejections + 1)
    memory = remember(state.memory, moved, changed, gradient, learn=accepted & ~first)
    memory = forget(memory, when=rejections >= _PATIENCE)

    length = jnp.where(first, FIRST_STEP, jnp.sqrt(jnp.mean(moved**2)) * jnp.where(accepted, 1, _SHRINK))
    ahead = pixels - jnp.where(memory.taken, newton(memory, gradient), steepest(gradient, length))
    ahead = jnp.clip(ahead, 0, 1) if clamp else ahead
    return State(
        loss=jnp.where(accepted, found.loss, state.loss),
        terms=jnp.where(accepted, found.terms, state.terms),
        pixels=pixels,
        gradient=gradient,
        trial=jnp.where(accepted | ~memory.taken, ahead, pixels + _SHRINK * moved),
        memory=memory,
        rejections=rejections,
    )


def awaited(spec: Lbfgs, state: State) -> Pixels:
    """The trial."""
    return state.trial


def state_size(spec: Lbfgs) -> StateSize:
    """The best picture with its gradient, the trial, and two for each step remembered, or two halves."""
    return StateSize(held=3 + (2 if spec.history == "float32" else 1) * spec.memory, working=4)


def result(spec: Lbfgs, state: State) -> Pixels:
    """The best picture so far."""
    return state.pixels


def enlarged(spec: Lbfgs, state: State, pixels: Pixels) -> State:
    """A new start: the memory of one size says little of another."""
    return start(spec, pixels, len(state.terms))
