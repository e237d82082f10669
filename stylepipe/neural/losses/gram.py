"""Style as the correlations of features: the Gram matrix (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from collections.abc import Mapping
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.loss import (
    LossInputs,
    MeanTarget,
    References,
    Shift,
    StyleLoss,
    Sums,
    mean_target,
    squared_error,
    sum_squares,
    weights_by_position,
)


class Gram(StyleLoss):
    """Compares Gram matrices: which features occur together, regardless of position.

    For features F of shape (n, c), G = (F − shift)ᵀ (F − shift) / n, and the loss of a layer is mean((G − G_style)²), over
    the mean square of G_style unless `normalize: none`. As a mean over positions, G does not depend on the picture's size or a
    region's area (Gatys et al. do not divide by n). With several styles the target is the weighted mean of their G; with masks,
    each style's G is compared in its own region, and the losses are summed by the style weights.
    """

    additive = True

    kind: Literal["gram"] = "gram"
    shift: Shift = 0.0


def statistic(spec: Gram, inputs: LossInputs) -> dict[str, Sums]:
    """Computes Σ_p m_p F_pᵀ F_p (regions, c, c) and Σ_p m_p of each layer, p over positions: O(n c²) time, O(n c) memory."""
    products = {}
    for layer in spec.table:
        features = inputs.picture.features[layer]
        shifted = features.reshape(-1, features.shape[-1]) - spec.shift
        products[layer] = sum_squares(shifted, weights_by_position(inputs, layer))
    return products


def target(spec: Gram, references: References) -> MeanTarget:
    """Returns the styles' G (regions, c, c) of each layer: one per region, or their blend."""
    return mean_target(references)


def distance(spec: Gram, statistic: Mapping[str, Sums], target: MeanTarget) -> Float[Array, ""]:
    """Σ over layers and regions of the weights times mean((G − G_style)²), each over the mean square of its target."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        total += weight * jnp.dot(target.weights, squared_error(spec, statistic[layer].mean, target.means[layer]))
    return total
