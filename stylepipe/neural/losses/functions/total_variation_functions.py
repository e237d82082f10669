"""The functions of the loss `total_variation`."""

import jax.numpy as jnp
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.sums import Sums
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.losses.total_variation import TotalVariation


def statistic(spec: TotalVariation, inputs: LossInputs) -> Sums:
    """Computes the sum of (dx² + dy²)^(p/2) over pixels and channels, and their count: O(n) time and memory."""
    pixels = inputs.picture.pixels
    down, across = (jnp.diff(pixels, axis=axis, append=slice_in_dim(pixels, -1, None, axis=axis)) for axis in (0, 1))
    powers = _power(down**2 + across**2, spec.exponent / 2)
    if inputs.counted is None:
        return Sums(powers.sum()[None], jnp.float32([powers.size]))
    counted = inputs.counted[:, :, None]
    return Sums((counted * powers).sum()[None], counted.sum()[None] * powers.shape[-1])


def _power(squares: Float[Array, "*shape"], exponent: float) -> Float[Array, "*shape"]:
    if exponent == 1:
        return squares
    positive = squares > 0  # below exponent 1 the gradient at 0 is infinite; the loss uses 0
    return jnp.where(positive, jnp.where(positive, squares, 1.0) ** exponent, 0.0)


def target(spec: TotalVariation, references: References) -> None:
    """Returns None: the loss has no reference."""


def distance(spec: TotalVariation, statistic: Sums, target: None) -> Float[Array, ""]:
    """Returns the mean over pixels and channels."""
    return statistic.mean[0]
