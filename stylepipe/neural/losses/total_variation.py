"""Smoothness: the total variation of the picture itself (Mahendran and Vedaldi 2015, arXiv 1412.0035)."""

from typing import Literal

import jax.numpy as jnp
from jax.lax import slice_in_dim
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.losses.loss import Loss, References, Sums, View


class TotalVariation(Loss):
    """Smooths the picture: mean((dx² + dy²)^(exponent/2)).

    dx and dy are the differences of each pixel to its right and lower neighbor, by channel; at the border, where one is not
    there, 0. (INetwork leaves out the last row and column altogether: nothing smooths them along the border then, and pools
    that drop an odd last position do not let deep layers see them either. They fill with ticks.) The exponent is 2.5 in
    INetwork and in stylenet.
    """

    additive = True

    kind: Literal["total_variation"] = "total_variation"
    exponent: float = Field(
        default=2.0, ge=1, le=4, description="Above 2, strong edges weigh more; at 1, they weigh as ramps do."
    )


def statistic(spec: TotalVariation, view: View) -> Sums:
    """The sum of (dx² + dy²)^(p/2) over pixels and channels, and their number: O(n) time and memory."""
    pixels = view.picture.pixels
    down, across = (jnp.diff(pixels, axis=axis, append=slice_in_dim(pixels, -1, None, axis=axis)) for axis in (0, 1))
    powers = _power(down**2 + across**2, spec.exponent / 2)
    if view.counted is None:
        return Sums(powers.sum()[None], jnp.float32([powers.size]))
    counted = view.counted[:, :, None]
    return Sums((counted * powers).sum()[None], counted.sum()[None] * powers.shape[-1])


def _power(squares: Float[Array, "*shape"], exponent: float) -> Float[Array, "*shape"]:
    if exponent == 1:
        return squares
    positive = squares > 0  # below exponent 1 the slope at 0 is infinite; that of the loss is taken as 0 there
    return jnp.where(positive, jnp.where(positive, squares, 1.0) ** exponent, 0.0)


def target(spec: TotalVariation, references: References) -> None:
    """None: the picture is compared with no other."""


def distance(spec: TotalVariation, statistic: Sums, target: None) -> Float[Array, ""]:
    """The mean over pixels and channels."""
    return statistic.mean[0]
