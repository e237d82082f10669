"""Style as local patches of features, a Markov random field (Li and Wand 2016, arXiv 1601.04589)."""

from collections.abc import Mapping
from itertools import product
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Shaped
from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.neural.losses.loss import Layers, References, StyleLoss, View, normalizer
from stylepipe.neural.losses.patches import nearest, sum_patches

_SIDE = 3
"""Patches are of 3×3 positions, as in the paper."""

_LEAST = 1e-3
"""A mask with less than this many patches has none, as one of so little is empty."""


class Mrf(StyleLoss):
    """Compares patches: every place looks like some place of the style, the one that it is most like already.

    For the patches P_i of 3×3 positions of the features, one around each position that has neighbors, and among the style's
    the patch Q_i of the largest normalized cross-correlation with P_i, constant for the gradient and looked for anew at each
    step, the loss of a layer is mean((P − Q)²), over the mean square of the style's patches unless `normalize: none`. (Li and
    Wand sum; the mean is the same for regions of any area.) A mask weighs a patch by its value at the center; in a mask of
    the style's own, the patches whose centers have at least half of its largest value there can be chosen. With several
    styles, each in a region of its own or not, the losses are summed by their weights; without regions, a place is drawn
    toward its nearest patch in each style.
    """

    kind: Literal["mrf"] = "mrf"
    layers: Layers = Field(default={"relu3_1": 1.0, "relu4_1": 1.0})


class Patches(NamedTuple):
    """The features of a layer, and for each region how much each patch counts; None is 1 for all."""

    features: Float[Array, "_ _ _"]
    weights: list[Float[Array, "_ _"] | None]


class Candidates(NamedTuple):
    """The features of a style at a layer, and the patches that may be chosen."""

    features: Float[Array, "_ _ _"]
    allowed: Bool[Array, "_ _"]


class Target(NamedTuple):
    """By layer, each style's candidates, and what the styles count."""

    layers: Mapping[str, list[Candidates]]
    weights: Float[Array, " styles"]


def statistic(spec: Mrf, view: View) -> dict[str, Patches]:
    """By layer, the features (h, w, c) themselves and the patches' weights: O(n c) time and memory.

    Raises StageError where a layer is too small for a single patch.
    """
    return {layer: _patches(view, layer) for layer in spec.table}


def _patches(view: View, layer: str) -> Patches:
    features = view.picture.features[layer]
    height, width, _ = features.shape
    if min(height, width) < _SIDE:
        raise StageError(
            f"The loss 'mrf' takes layers of at least {_SIDE}×{_SIDE} positions; here '{layer}' has {width}×{height}.",
            hint="Work at a larger size, or use layers of earlier blocks.",
        )
    inner = slice(_SIDE // 2, -(_SIDE // 2))
    return Patches(features, [None if region is None else region[layer][inner, inner] for region in view.regions])


def target(spec: Mrf, references: References) -> Target:
    """By layer, each style's features (H, W, c) and the patches that may be chosen."""
    layers = {layer: [_candidates(style[layer]) for style in references.styles] for layer in spec.table}
    return Target(layers, references.weights)


def check_style(spec: Mrf, statistic: Mapping[str, Patches]) -> None:
    """Raises StageError for a mask that holds the center of no patch."""
    for layer, (_, (weights,)) in statistic.items():
        if weights is not None and weights.sum() < _LEAST:
            raise StageError(
                f"Within its mask there is no patch of {_SIDE}×{_SIDE} positions at the layer '{layer}'.",
                hint="Give a larger region of the style, or one that is not at its border.",
            )


def _candidates(patches: Patches) -> Candidates:
    height, width, _ = patches.features.shape
    (weights,) = patches.weights
    everywhere = jnp.ones((height - _SIDE + 1, width - _SIDE + 1), bool)
    return Candidates(patches.features, everywhere if weights is None else weights >= weights.max() / 2)


def distance(spec: Mrf, statistic: Mapping[str, Patches], target: Target) -> Float[Array, ""]:
    """Σ over layers and styles of their weights times mean((P − Q)²), each over the mean square of the style's patches.

    O(n m c) time by layer for n and m positions; memory as for the Gram loss, and what `nearest` takes.
    """
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        features, regions = statistic[layer]
        for i, (examples, allowed) in enumerate(target.layers[layer]):
            places = nearest(lax.stop_gradient(features), examples, allowed, size=_SIDE)
            error = _mean(_errors(features, examples, *places), regions[i % len(regions)])  # a single region is of all styles
            squares = sum_patches(jnp.mean(examples**2, 2), _SIDE) / _SIDE**2
            total += weight * target.weights[i] * error / normalizer(spec, _mean(squares, allowed))
    return total


@jax.jit
def _errors(
    features: Float[Array, "_ _ _"], examples: Float[Array, "_ _ _"], row: Int[Array, "h w"], column: Int[Array, "h w"]
) -> Float[Array, "h w"]:
    """The mean squared difference of each patch and the one at its row and column in the examples."""
    height, width = row.shape
    total = jnp.zeros((height, width))
    for y, x in product(range(_SIDE), repeat=2):
        shifted = features[y : y + height, x : x + width]
        total += jnp.mean((shifted - examples[row + y, column + x]) ** 2, 2)
    return total / _SIDE**2


def _mean(by_patch: Float[Array, "h w"], weights: Shaped[Array, "h w"] | None) -> Float[Array, ""]:
    if weights is None:
        return jnp.mean(by_patch)
    total = weights.sum()  # it is 0 where a mask holds nothing but the layer's outermost positions
    return jnp.sum(by_patch * weights) / jnp.where(total > 0, total, 1)
