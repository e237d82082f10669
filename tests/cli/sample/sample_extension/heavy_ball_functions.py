"""The functions of the optimizer `heavy_ball`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sample_extension.heavy_ball import HeavyBall
from stylepipe.neural.optimizers.optimizer import Evaluate, Pixels


class State(NamedTuple):
    """The picture and its last change."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    change: Pixels


def start(spec: HeavyBall, pixels: Pixels, terms: int) -> State:
    """Returns a state at rest."""
    return State(jnp.zeros(()), jnp.zeros(terms), pixels, jnp.zeros_like(pixels))


def step(spec: HeavyBall, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Evaluates the picture and moves it."""
    loss, terms, gradient = evaluate(state.pixels)
    change = spec.momentum * state.change - spec.rate * gradient / jnp.maximum(jnp.mean(jnp.abs(gradient)), 1e-20)
    moved = state.pixels + change
    pixels = jnp.where(jnp.isfinite(loss), jnp.clip(moved, 0, 1) if clamp else moved, state.pixels)
    return State(loss, terms, pixels, change)


def awaited(spec: HeavyBall, state: State) -> Pixels:
    """Returns the picture, which the next step evaluates."""
    return state.pixels


def result(spec: HeavyBall, state: State) -> Pixels:
    """Returns the picture."""
    return state.pixels


def enlarged(spec: HeavyBall, state: State, pixels: Pixels) -> State:
    """Returns the state at the next size, with the change resized."""
    change = jax.image.resize(state.change, pixels.shape, "linear")
    return State(state.loss, state.terms, jnp.asarray(pixels), change)
