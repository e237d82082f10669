"""The functions of the optimizer `optax`."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from stylepipe.errors import StageError, reason_of
from stylepipe.neural.optimizers.optax_optimizer import Optax
from stylepipe.neural.optimizers.optax_signatures import CONTRIB
from stylepipe.neural.optimizers.optimizer import Evaluate, Pixels


class State(NamedTuple):
    """The iterate, and the state of the transformation."""

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    inner: Any  # of optax


def start(spec: Optax, pixels: Pixels, terms: int) -> State:
    """Returns the initial state. Raises StageError for an optimizer that refuses its arguments, or more than gradients."""
    try:
        transformation = _transformation(spec)
        inner = transformation.init(jnp.copy(pixels))  # some keep the initial picture; a step donates each buffer once
        jax.eval_shape(lambda state: transformation.update(pixels, state, pixels, value=jnp.zeros(())), inner)
    except Exception as error:
        raise StageError(f"Optax's '{spec.name}' cannot optimize a picture: {reason_of(error).rstrip('.')}.") from error
    return State(jnp.zeros(()), jnp.zeros(terms), pixels, inner)


def step(spec: Optax, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Evaluates and updates the iterate."""
    loss, terms, gradient = evaluate(state.pixels)
    change, inner = _transformation(spec).update(gradient * gradient.size, state.inner, state.pixels, value=loss)
    moved = jnp.asarray(optax.apply_updates(state.pixels, change))
    pixels = jnp.where(jnp.isfinite(loss), jnp.clip(moved, 0, 1) if clamp else moved, state.pixels)
    return State(loss, terms, pixels, inner)


def awaited(spec: Optax, state: State) -> Pixels:
    """Returns the iterate."""
    return state.pixels


def result(spec: Optax, state: State) -> Pixels:
    """Returns the iterate."""
    return state.pixels


def enlarged(spec: Optax, state: State, pixels: Pixels) -> State:
    """Starts anew: what a state holds differs from optimizer to optimizer."""
    return start(spec, pixels, len(state.terms))


def _transformation(spec: Optax) -> optax.GradientTransformationExtraArgs:
    home = optax.contrib if spec.name.startswith(CONTRIB) else optax
    return optax.with_extra_args_support(getattr(home, spec.name.removeprefix(CONTRIB))(**spec.arguments))
