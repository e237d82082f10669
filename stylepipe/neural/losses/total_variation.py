"""Smoothness: the total variation of the picture itself (Mahendran and Vedaldi 2015, arXiv 1412.0035)."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.losses.base import Loss, References, Sums, View


class TotalVariation(Loss):
    """Smooths the picture: mean((dx² + dy²)^(exponent/2)).

    dx and dy are the differences of each pixel to its right and lower neighbour, by channel; pixels of the last row and column
    have none and are left out. The exponent is 2.5 in INetwork and in stylenet.
    """

    additive = True

    kind: Literal["total_variation"] = "total_variation"
    exponent: float = Field(
        default=2.0, ge=1, le=4, description="Above 2, strong edges weigh more; at 1, they weigh as ramps do."
    )


def statistic(spec: TotalVariation, view: View) -> Sums:
    """The sum of (dx² + dy²)^(p/2) over pixels and channels, and their number: O(n) time and memory."""
    pixels = view.picture.pixels
    corner = pixels[:-1, :-1]
    squares = (pixels[:-1, 1:] - corner) ** 2 + (pixels[1:, :-1] - corner) ** 2
    powers = _power(squares, spec.exponent / 2)
    if view.counted is None:
        return Sums(powers.sum()[None], jnp.float32([squares.size]))
    counted = view.counted[:-1, :-1, None]
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
