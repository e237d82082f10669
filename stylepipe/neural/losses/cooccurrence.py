"""Style as co-occurrence at a distance: shifted Gram matrices (Berger and Memisevic 2016, arXiv 1606.01286)."""

from collections.abc import Mapping
from typing import Annotated, Literal

import jax.numpy as jnp
from jax.lax import slice_in_dim
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.neural.losses.loss import (
    LossInputs,
    MeanTarget,
    References,
    StyleLoss,
    Sums,
    mean_target,
    squared_error,
    sum_products,
)

_LEAST = 1e-3
"""The least number of pairs in a region; a region with fewer counts as empty."""

Pairs = tuple[tuple[Sums, Sums], ...]
"""The sums of one layer for each shift: over pairs of positions one below the other, and one beside the other."""


class Cooccurrence(StyleLoss):
    """Compares which features occur together at a distance, along columns and rows: produces long structures.

    For features F of shape (h, w, c) and a shift δ, G_δ = Σ_p F_pᵀ F_{p+δ} / n over the n pairs of positions that lie δ apart
    in the layer, once down and once across. The loss of a layer is Σ_δ mean((G_δ − G_δ,style)²), the mean taken of both axes,
    each over the mean square of its G_δ,style unless `normalize: none`. A pair counts by the product of its masks; a region
    that is too small to hold a pair leaves it out. Several styles: the target is the mean of their G_δ by their weights; with
    masks, each style's are compared in its own region, and the losses are summed by those weights.
    """

    kind: Literal["cooccurrence"] = "cooccurrence"
    shifts: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        default=(4,),
        min_length=1,
        max_length=32,
        description="The distances δ, in positions of the layer: at relu3_1, one is 4 pixels. Tseng takes 4 at each layer.",
    )


def statistic(spec: Cooccurrence, inputs: LossInputs) -> dict[str, Pairs]:
    """Computes Σ_p m_p m_{p+δ} F_pᵀ F_{p+δ} (regions, c, c) by layer, shift and axis: O(n c²) time each, O(n c) memory.

    Raises StageError for a layer that is not larger than the shift.
    """
    return {layer: tuple(_pairs(inputs, layer, shift) for shift in spec.shifts) for layer in spec.table}


def _pairs(inputs: LossInputs, layer: str, shift: int) -> tuple[Sums, Sums]:
    features = inputs.picture.features[layer]
    height, width, channels = features.shape
    if min(height, width) <= shift:
        raise StageError(
            f"The layer '{layer}' has {width}×{height} positions; a shift of {shift} takes at least {shift + 1}×{shift + 1}.",
            hint="Work at a larger size, or use smaller shifts, or layers of earlier blocks.",
        )

    def along(axis: int) -> Sums:
        def ends(values: Float[Array, "h w *c"]) -> tuple[Float[Array, "_ _ *c"], Float[Array, "_ _ *c"]]:
            return slice_in_dim(values, 0, -shift, axis=axis), slice_in_dim(values, shift, None, axis=axis)

        masks = [None if region is None else jnp.multiply(*ends(region[layer])).ravel() for region in inputs.regions]
        one, other = ends(features)
        return sum_products(one.reshape(-1, channels), other.reshape(-1, channels), masks)

    return along(0), along(1)


def target(spec: Cooccurrence, references: References) -> MeanTarget:
    """Returns the styles' G_δ (regions, c, c) by layer, shift and axis: one per region, or blended into one."""
    return mean_target(references)


def check_style(spec: Cooccurrence, statistic: Mapping[str, Pairs]) -> None:
    """Raises StageError for a mask without two positions at that distance."""
    for layer, by_shift in statistic.items():
        for shift, axes in zip(spec.shifts, by_shift, strict=True):
            if min(sums.positions.min() for sums in axes) < _LEAST:
                raise StageError(
                    f"Within its mask no two positions lie {shift} apart at the layer '{layer}'.",
                    hint="Give a larger region of the style, or use smaller shifts.",
                )


def distance(spec: Cooccurrence, statistic: Mapping[str, Pairs], target: MeanTarget) -> Float[Array, ""]:
    """Σ over layers, regions and shifts of their weights times the mean over both axes of mean((G_δ − G_δ,style)²)."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        for axes, examples_of_axes in zip(statistic[layer], target.means[layer], strict=True):
            for sums, wanted in zip(axes, examples_of_axes, strict=True):
                held = sums.positions > _LEAST
                mean = Sums(sums.total, jnp.where(held, sums.positions, 1)).mean
                total += weight * jnp.dot(target.weights, held * squared_error(spec, mean, wanted)) / 2
    return total
