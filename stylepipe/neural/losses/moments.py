"""Style as the mean and spread of each feature (Huang and Belongie 2017, arXiv 1703.06868)."""

from collections.abc import Mapping
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.loss import (
    Examples,
    MomentSums,
    References,
    StyleLoss,
    View,
    examples,
    means,
    normalizer,
    sum_positions,
    weights_by_position,
)

_ROUNDING = 1e-6
"""A variance below this share of the mean square is lost in the rounding of float32."""


class Moments(StyleLoss):
    """Compares the mean and the standard deviation of each feature: how strong it is, not what it occurs together with.

    For the means μ and standard deviations σ of the c channels over the positions, the loss of a layer is
    mean((μ − μ_style)²) + mean((σ − σ_style)²), over mean(μ_style² + σ_style²) unless `normalize: none`. It costs far less than
    a Gram matrix, and is that of AdaIN's training. Several styles: the target has the moments of them all together, each in
    its share; with masks, each style's are compared in its own region, and the losses are summed by those weights.
    """

    additive = True

    kind: Literal["moments"] = "moments"


def statistic(spec: Moments, view: View) -> dict[str, MomentSums]:
    """By layer, the sums Σ_p m_p F_p and Σ_p m_p F_p², each (regions, c), p over positions: O(n c) time and memory."""
    found = {}
    for layer in spec.table:
        features = view.picture.features[layer]
        flat, weights = features.reshape(-1, features.shape[-1]), weights_by_position(view, layer)
        found[layer] = MomentSums(sum_positions(flat, weights), sum_positions(flat**2, weights))
    return found


def target(spec: Moments, references: References) -> Examples:
    """By layer, the styles' means and mean squares, each (regions, c): for each region, or blended into one."""
    return examples(references)


def distance(spec: Moments, statistic: Mapping[str, MomentSums], target: Examples) -> Float[Array, ""]:
    """Σ over layers and regions of their weights times mean((μ − μ_style)² + (σ − σ_style)²), over the mean square."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        found, wanted = means(statistic[layer]), target.means[layer]
        spreads = _deviation(found.first, found.second) - _deviation(wanted.first, wanted.second)
        errors = (found.first - wanted.first) ** 2 + spreads**2
        scale = normalizer(spec, jnp.mean(wanted.second, 1))
        total += weight * jnp.dot(target.weights, jnp.mean(errors, 1) / scale)
    return total


def _deviation(
    mean: Float[Array, "regions channels"], mean_square: Float[Array, "regions channels"]
) -> Float[Array, "regions channels"]:
    variance = mean_square - mean**2
    varies = variance > _ROUNDING * mean_square  # the root's slope at 0 is infinite; that of the loss is taken as 0 there
    return jnp.where(varies, jnp.sqrt(jnp.where(varies, variance, 1)), 0)
