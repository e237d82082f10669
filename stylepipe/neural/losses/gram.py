"""Style as the correlations of features: the Gram matrix (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from collections.abc import Mapping
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.loss import (
    Examples,
    References,
    Shift,
    StyleLoss,
    Sums,
    View,
    examples,
    squared_error,
    sum_squares,
    weights_by_position,
)


class Gram(StyleLoss):
    """Compares Gram matrices: which features occur together, wherever they do.

    For features F of shape (n, c), G = (F − shift)ᵀ (F − shift) / n, and the loss of a layer is mean((G − G_style)²), over
    the mean square of G_style unless `normalize: none`. Being a mean over positions, G is the same for pictures of any size
    and regions of any area (Gatys et al. do not divide by n). Several styles: the target is the mean of their G by their
    weights; with masks, each style's G is compared in its own region, and the losses are summed by those weights.
    """

    additive = True

    kind: Literal["gram"] = "gram"
    shift: Shift = 0.0


def statistic(spec: Gram, view: View) -> dict[str, Sums]:
    """By layer, the sums Σ_p m_p F_pᵀ F_p (regions, c, c) and Σ_p m_p, p over positions: O(n c²) time, O(n c) memory."""
    found = {}
    for layer in spec.table:
        features = view.picture.features[layer]
        shifted = features.reshape(-1, features.shape[-1]) - spec.shift
        found[layer] = sum_squares(shifted, weights_by_position(view, layer))
    return found


def target(spec: Gram, references: References) -> Examples:
    """By layer, the styles' G (regions, c, c): one for each region, or blended into one."""
    return examples(references)


def distance(spec: Gram, statistic: Mapping[str, Sums], target: Examples) -> Float[Array, ""]:
    """Σ over layers and regions of their weights times mean((G − G_style)²), each over the mean square of its target."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        total += weight * jnp.dot(target.weights, squared_error(spec, statistic[layer].mean, target.means[layer]))
    return total
