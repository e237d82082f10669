"""Style as the correlations of features: the Gram matrix (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.losses.base import (
    Examples,
    References,
    StyleLoss,
    Sums,
    View,
    examples,
    normaliser,
    weights_by_position,
)


class Gram(StyleLoss):
    """Compares Gram matrices: which features occur together, wherever they do.

    For features F of shape (n, c), G = (F − shift)ᵀ (F − shift) / n, and the loss of a layer is mean((G − G_style)²), over
    the mean square of G_style unless `normalize: none`. Being a mean over positions, G is the same for pictures of any size
    and regions of any area (Gatys et al. do not divide by n). Several styles: the target is the mean of their G by their
    weights; with masks, each style's G is compared in its own region, and the losses are summed by those weights.
    """

    kind: Literal["gram"] = "gram"
    shift: float = Field(
        default=0.0,
        ge=-1e4,
        le=1e4,
        description="Subtracted from the features. At 1, sparse features do not vanish from G (Novak and Nikulin 2016, 3.3).",
    )


def statistic(spec: Gram, view: View) -> dict[str, Sums]:
    """By layer, the sums Σ_p m_p F_pᵀ F_p (regions, c, c) and Σ_p m_p, p over positions: O(n c²) time, O(n c) memory."""
    return {layer: _sums(spec, view, layer) for layer in spec.table}


def _sums(spec: Gram, view: View, layer: str) -> Sums:
    features = view.picture.features[layer]
    flat = features.reshape(-1, features.shape[-1]) - spec.shift
    totals, positions = [], []
    for weights in weights_by_position(view, layer):
        weighted = flat if weights is None else flat * weights[:, None]
        totals.append(jnp.matmul(weighted.T, flat, precision="highest"))
        positions.append(jnp.float32(len(flat)) if weights is None else weights.sum())
    return Sums(jnp.stack(totals), jnp.stack(positions))


def target(spec: Gram, references: References) -> Examples:
    """By layer, the styles' G (regions, c, c): one for each region, or blended into one."""
    return examples(references)


def distance(spec: Gram, statistic: dict[str, Sums], target: Examples) -> Float[Array, ""]:
    """Σ over layers and regions of their weights times mean((G − G_style)²), each over the mean square of its target."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        wanted = target.means[layer]
        error = jnp.mean((statistic[layer].mean - wanted) ** 2, (1, 2))
        total += weight * jnp.dot(target.weights, error / normaliser(spec, jnp.mean(wanted**2, (1, 2))))
    return total
