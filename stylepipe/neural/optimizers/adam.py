"""Adam (Kingma and Ba 2015, arXiv 1412.6980), with an average of its iterates as the result."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.optimizers.optimizer import Evaluate, Optimizer, Pixels, StateSize


class Adam(Optimizer):
    """Adam, one evaluation a step; the result is an exponential average of the iterates, corrected for its start.

    The averaging, and the settings, are those of K. Crowson's style-transfer-pytorch.
    """

    kind: Literal["adam"] = "adam"
    learning_rate: float = Field(default=0.02, gt=0, le=1, description="About how far a pixel may move in one step.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of the gradient's running mean.")
    beta2: float = Field(default=0.99, ge=0, lt=1, description="Decay of the running mean of its square.")
    averaging: float = Field(
        default=0.99, ge=0, lt=1, description="Decay of the average of the iterates; 0 gives the last one."
    )


class State(NamedTuple):
    """The iterate, Adam's moments, and the average of the iterates with what it still lacks of its full weight."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    moments: Any  # of optax
    average: Pixels
    lacking: Float[Array, ""]


def start(spec: Adam, pixels: Pixels, terms: int) -> State:
    """Moments and average at zero."""
    return State(jnp.zeros(()), jnp.zeros(terms), pixels, _moments(spec).init(pixels), jnp.zeros_like(pixels), jnp.ones(()))


def step(spec: Adam, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Evaluates the iterate and moves it."""
    loss, terms, gradient = evaluate(state.pixels)
    direction, moments = _moments(spec).update(gradient, state.moments)
    moved = state.pixels - spec.learning_rate * direction
    pixels = jnp.where(jnp.isfinite(loss), jnp.clip(moved, 0, 1) if clamp else moved, state.pixels)
    average = spec.averaging * state.average + (1 - spec.averaging) * pixels
    return State(loss, terms, pixels, moments, average, spec.averaging * state.lacking)


def awaited(spec: Adam, state: State) -> Pixels:
    """The iterate."""
    return state.pixels


def state_size(spec: Adam) -> StateSize:
    """The iterate, two moments and the average."""
    return StateSize(held=4, working=1)


def result(spec: Adam, state: State) -> Pixels:
    """The average of the iterates, each weighing `averaging` times as much as the next; before the first step, the start."""
    return jnp.where(state.lacking < 1, state.average / jnp.maximum(1 - state.lacking, 1e-12), state.pixels)


def enlarged(spec: Adam, state: State, pixels: Pixels) -> State:
    """Adam's moments carried over: interpolated, and scaled to the gradients to come.

    A loss that is a mean over n pixels has gradients in proportion to 1/n by pixel: the first moment shrinks by the ratio of
    the pixel counts, the second by its square. (style-transfer-pytorch interpolates without scaling.)
    """
    ratio = state.pixels.size / pixels.size
    mu, nu = (jax.image.resize(moment, pixels.shape, "linear") for moment in (state.moments.mu, state.moments.nu))
    fresh = start(spec, pixels, len(state.terms))
    return fresh._replace(moments=state.moments._replace(mu=mu * ratio, nu=nu * ratio**2))


def _moments(spec: Adam) -> Any:
    import optax  # only here: it takes a sixth of the time that JAX takes to start, which every command would wait for

    return optax.scale_by_adam(spec.beta1, spec.beta2, eps=1e-12)  # a mean over millions of pixels has tiny gradients
