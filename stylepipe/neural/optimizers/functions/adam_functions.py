"""The functions of the optimizer `adam`."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.optimizer import Evaluate, Pixels


class State(NamedTuple):
    """The iterate, Adam's moments, and the iterates' moving average with its missing weight, averaging^steps."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    moments: Any  # of optax
    average: Pixels
    lacking: Float[Array, ""]


def start(spec: Adam, pixels: Pixels, terms: int) -> State:
    """Returns a state with zero moments and average."""
    return State(jnp.zeros(()), jnp.zeros(terms), pixels, _moments(spec).init(pixels), jnp.zeros_like(pixels), jnp.ones(()))


def step(spec: Adam, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Evaluates and updates the iterate."""
    loss, terms, gradient = evaluate(state.pixels)
    direction, moments = _moments(spec).update(gradient, state.moments)
    moved = state.pixels - spec.learning_rate * direction
    pixels = jnp.where(jnp.isfinite(loss), jnp.clip(moved, 0, 1) if clamp else moved, state.pixels)
    average = spec.averaging * state.average + (1 - spec.averaging) * pixels
    return State(loss, terms, pixels, moments, average, spec.averaging * state.lacking)


def awaited(spec: Adam, state: State) -> Pixels:
    """Returns the iterate."""
    return state.pixels


def result(spec: Adam, state: State) -> Pixels:
    """Returns the moving average of the iterates, bias-corrected; before the first step, the initial picture."""
    return jnp.where(state.lacking < 1, state.average / jnp.maximum(1 - state.lacking, 1e-12), state.pixels)


def enlarged(spec: Adam, state: State, pixels: Pixels) -> State:
    """Interpolates Adam's moments and scales them to the next scale's gradients.

    The gradient of a mean over n pixels is proportional to 1/n at each pixel: the first moment is scaled by the ratio of the
    pixel counts, the second by its square. (style-transfer-pytorch interpolates without scaling.)
    """
    ratio = state.pixels.size / pixels.size
    mu, nu = (jax.image.resize(moment, pixels.shape, "linear") for moment in (state.moments.mu, state.moments.nu))
    fresh = start(spec, pixels, len(state.terms))
    return fresh._replace(moments=state.moments._replace(mu=mu * ratio, nu=nu * ratio**2))


def _moments(spec: Adam) -> Any:
    return optax.scale_by_adam(spec.beta1, spec.beta2, eps=1e-12)  # a mean over millions of pixels has tiny gradients
