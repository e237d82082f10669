"""L-BFGS with a line search, by jaxopt (Nocedal and Wright 2006, algorithms 7.5 and 3.6)."""

import warnings
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.optimizers.base import Evaluate, Evaluation, Pixels
from stylepipe.neural.spec import Spec

_FIRST = 0.01
"""The root mean square of the first step that is tried."""


class LbfgsZoom(Spec):
    """L-BFGS whose step length is searched for until it meets the strong Wolfe conditions: two evaluations a step or more."""

    kind: Literal["lbfgs_zoom"] = "lbfgs_zoom"
    memory: int = Field(default=10, ge=1, le=100, description="Steps remembered; each takes the memory of two pictures.")
    line_search: int = Field(default=15, ge=1, le=100, description="The most step lengths to try in one step.")


class State(NamedTuple):
    """The picture, not clamped, and jaxopt's state; `scale` multiplies the loss so that jaxopt's first step is a good one."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    solver: Any
    scale: Float[Array, ""]


def start(spec: LbfgsZoom, pixels: Pixels, terms: int) -> State:
    """An empty memory; the first step evaluates the picture before it moves it."""
    nothing = Evaluation(jnp.zeros(()), jnp.zeros(terms), jnp.zeros_like(pixels))
    solver = _solver(spec, lambda _: ((nothing.loss, nothing.terms), nothing.gradient)).init_state(pixels)
    return State(nothing.loss, nothing.terms, pixels, solver, jnp.zeros(()))


def step(spec: LbfgsZoom, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Finds a step length along the direction and takes it.

    With `clamp`, it is the loss of the clamped picture that is searched: pixels beyond their bounds have no gradient.
    """

    def found(pixels: Pixels) -> Evaluation:
        if not clamp:
            return evaluate(pixels)
        inside = (pixels >= 0) & (pixels <= 1)
        evaluation = evaluate(jnp.clip(pixels, 0, 1))
        return evaluation._replace(gradient=jnp.where(inside, evaluation.gradient, 0))

    def scaled(pixels: Pixels, scale: Array) -> tuple[tuple[Array, Array], Array]:
        loss, terms, gradient = found(pixels)
        return (loss * scale, terms), gradient * scale

    def first() -> tuple[Any, Array]:
        loss, terms, gradient = found(state.pixels)
        scale = _FIRST / jnp.maximum(jnp.sqrt(jnp.mean(gradient**2)), 1e-30)
        return state.solver._replace(value=loss * scale, aux=terms, grad=gradient * scale), scale

    solver, scale = jax.lax.cond(state.scale == 0, first, lambda: (state.solver, state.scale))
    moved, solver = _solver(spec, scaled).update(state.pixels, solver, scale)
    loss = solver.value / scale
    return State(loss, solver.aux, jnp.where(jnp.isfinite(loss), moved, state.pixels), solver, scale)


def result(spec: LbfgsZoom, state: State) -> Pixels:
    """The picture as it is."""
    return state.pixels


def enlarged(spec: LbfgsZoom, state: State, pixels: Pixels) -> State:
    """A new start: the memory of one size says little of another."""
    return start(spec, pixels, len(state.terms))


def _solver(spec: LbfgsZoom, evaluate: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # jaxopt announces that it is no longer developed
        import jaxopt
    return jaxopt.LBFGS(
        evaluate,
        value_and_grad=True,
        has_aux=True,
        history_size=spec.memory,
        maxls=spec.line_search,
        linesearch="zoom",
        implicit_diff=False,
    )
