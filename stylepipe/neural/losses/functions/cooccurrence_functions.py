"""The functions of the loss `cooccurrence`."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from stylepipe.errors import StageError
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.functions.sums import MeanTarget, Sums, mean_target, squared_error, sum_products
from stylepipe.neural.losses.loss_inputs import LossInputs, References

_LEAST = 1e-3
"""The least number of pairs in a region; a region with fewer counts as empty."""


Pairs = tuple[tuple[Sums, Sums], ...]
"""The sums of one layer for each shift: over pairs of positions one below the other, and one beside the other."""


def statistic(spec: Cooccurrence, inputs: LossInputs) -> dict[str, Pairs]:
    """Computes Σ_p m_p m_{p+δ} F_pᵀ F_{p+δ} (regions, c, c) by layer, shift and axis: O(n c²) time each, O(n c) memory.

    Raises StageError for a layer that is not larger than the shift.
    """
    return {layer: _pairs_of_layer(spec, inputs, layer) for layer in spec.table}


def _pairs_of_layer(spec: Cooccurrence, inputs: LossInputs, layer: str) -> Pairs:
    spec.check_map(layer, inputs.picture.features[layer].shape[:2])
    return tuple(_pairs(inputs, layer, shift) for shift in spec.shifts)


def _pairs(inputs: LossInputs, layer: str, shift: int) -> tuple[Sums, Sums]:
    features = inputs.picture.features[layer]
    channels = features.shape[-1]

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
