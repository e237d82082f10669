"""The functions of the optimizer `lbfgs_zoom`."""

import warnings
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.optimizers.functions.lbfgs_memory import Memory, empty, forget, newton, remember
from stylepipe.neural.optimizers.functions.steepest_descent import FIRST_STEP, steepest
from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom
from stylepipe.neural.optimizers.optimizer import Evaluate, Evaluation, Pixels


class State(NamedTuple):
    """The picture, its loss (infinite before the first step) and gradient, and the memory."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    gradient: Pixels
    memory: Memory


def start(spec: LbfgsZoom, pixels: Pixels, terms: int) -> State:
    """Returns a state with an empty memory; the first step also evaluates the initial picture."""
    return State(jnp.float32(jnp.inf), jnp.zeros(terms), pixels, jnp.zeros_like(pixels), empty(spec.memory, pixels.size))


def step(spec: LbfgsZoom, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Searches a step length in (0, 1] along the direction, which `clamp` truncates at the bounds, and applies it."""
    pixels = state.pixels
    previous = Evaluation(state.loss, state.terms, state.gradient)
    now = jax.lax.cond(jnp.isposinf(state.loss), lambda: evaluate(pixels), lambda: previous)
    bounded = partial(_bounded, pixels) if clamp else lambda direction: direction
    direction = bounded(-newton(state.memory, now.gradient))
    # Truncated at the bounds, the quasi-Newton direction may not be a descent direction.
    useful = state.memory.taken & (jnp.vdot(direction, now.gradient) < 0)
    direction = jnp.where(useful, direction, bounded(-steepest(now.gradient, FIRST_STEP)))

    reached, evaluation = _search(spec, evaluate, pixels, now, direction)
    lower = evaluation.loss <= now.loss
    reached = jnp.where(lower, jnp.clip(reached, 0, 1) if clamp else reached, pixels)
    loss, terms, gradient = jax.tree.map(partial(jnp.where, lower), evaluation, now)
    moved = reached - pixels
    changed = jnp.where(moved == 0, 0, gradient - now.gradient)
    memory = forget(remember(state.memory, moved, changed, gradient, learn=lower), when=~lower)
    return State(loss, terms, reached, gradient, memory)


def _bounded(pixels: Pixels, direction: Pixels) -> Pixels:
    """Truncates the direction so that its end, and every point before it, lies in [0, 1]."""
    return jnp.clip(pixels + direction, 0, 1) - pixels


def _search(
    spec: LbfgsZoom, evaluate: Evaluate, pixels: Pixels, now: Evaluation, direction: Pixels
) -> tuple[Pixels, Evaluation]:
    """Returns the picture of the line search, and its evaluation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # jaxopt announces that it is no longer developed
        import jaxopt

    # The terms are passed as the gradient of unused parameters: jaxopt evaluates auxiliary results once more.
    def value_and_gradient(at: tuple[Pixels, Array]) -> tuple[Array, tuple[Pixels, Array]]:
        loss, terms, gradient = evaluate(at[0])
        return loss, (gradient, terms)

    unused = jnp.zeros_like(now.terms)
    search: Any = jaxopt.ZoomLineSearch(value_and_gradient, value_and_grad=True, maxiter=spec.line_search, max_stepsize=1.0)
    _, end = search.run(
        1.0, (pixels, unused), value=now.loss, grad=(now.gradient, now.terms), descent_direction=(direction, unused)
    )
    return end.params[0], Evaluation(end.value, end.grad[1], end.grad[0])


def awaited(spec: LbfgsZoom, state: State) -> None:
    """Returns None: each trial depends on the previous ones."""


def result(spec: LbfgsZoom, state: State) -> Pixels:
    """Returns the picture."""
    return state.pixels


def enlarged(spec: LbfgsZoom, state: State, pixels: Pixels) -> State:
    """Returns a new initial state: curvature does not transfer between sizes."""
    return start(spec, pixels, len(state.terms))
