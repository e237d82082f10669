"""The functions of the loss `moments`."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.sums import (
    MeanTarget,
    MomentSums,
    mean_target,
    means,
    normalizer,
    sum_positions,
    weights_by_position,
)
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.losses.moments import Moments

_ROUNDING = 1e-6
"""Variances below this fraction of the mean square are lost to rounding in float32."""


def statistic(spec: Moments, inputs: LossInputs) -> dict[str, MomentSums]:
    """Computes Σ_p m_p F_p and Σ_p m_p F_p² of each layer, each (regions, c), p over positions: O(n c) time and memory."""
    moments = {}
    for layer in spec.table:
        features = inputs.picture.features[layer]
        flat, weights = features.reshape(-1, features.shape[-1]), weights_by_position(inputs, layer)
        moments[layer] = MomentSums(sum_positions(flat, weights), sum_positions(flat**2, weights))
    return moments


def target(spec: Moments, references: References) -> MeanTarget:
    """Returns the styles' means and mean squares of each layer, each (regions, c): one per region, or their blend."""
    return mean_target(references)


def distance(spec: Moments, statistic: Mapping[str, MomentSums], target: MeanTarget) -> Float[Array, ""]:
    """Σ over layers and regions of the weights times mean((μ − μ_style)² + (σ − σ_style)²), over the mean square."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        own, style = means(statistic[layer]), target.means[layer]
        spreads = _deviation(own.first, own.second) - _deviation(style.first, style.second)
        errors = (own.first - style.first) ** 2 + spreads**2
        scale = normalizer(spec, jnp.mean(style.second, 1))
        total += weight * jnp.dot(target.weights, jnp.mean(errors, 1) / scale)
    return total


def _deviation(
    mean: Float[Array, "regions channels"], mean_square: Float[Array, "regions channels"]
) -> Float[Array, "regions channels"]:
    variance = mean_square - mean**2
    varies = variance > _ROUNDING * mean_square  # the root's gradient at 0 is infinite; the loss uses 0
    return jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1)), 0)
