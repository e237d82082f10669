"""The functions of the loss `mrf`."""

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Shaped

from stylepipe.errors import StageError
from stylepipe.neural.losses.functions.patches import nearest, sum_patches
from stylepipe.neural.losses.functions.sums import normalizer
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.losses.mrf import SIDE, Mrf

_LEAST = 1e-3
"""A mask whose patch weights sum to less than this is empty."""


class Patches(NamedTuple):
    """The features of a layer, and the patch weights of each region; None is 1 for every patch."""

    features: Float[Array, "_ _ _"]
    weights: list[Float[Array, "_ _"] | None]


class Candidates(NamedTuple):
    """The features of a style at a layer, and a boolean mask of the candidate patches."""

    features: Float[Array, "_ _ _"]
    allowed: Bool[Array, "_ _"]


class MrfTarget(NamedTuple):
    """Each style's candidates by layer, and the style weights."""

    layers: Mapping[str, list[Candidates]]
    weights: Float[Array, " styles"]


def statistic(spec: Mrf, inputs: LossInputs) -> dict[str, Patches]:
    """Returns the features (h, w, c) and the patch weights of each layer: O(n c) time and memory.

    Raises StageError for a layer smaller than a patch.
    """
    return {layer: _patches(spec, inputs, layer) for layer in spec.table}


def _patches(spec: Mrf, inputs: LossInputs, layer: str) -> Patches:
    features = inputs.picture.features[layer]
    spec.check_map(layer, features.shape[:2])
    inner = slice(SIDE // 2, -(SIDE // 2))
    return Patches(features, [None if region is None else region[layer][inner, inner] for region in inputs.regions])


def target(spec: Mrf, references: References) -> MrfTarget:
    """Returns each style's features (H, W, c) and candidate patches by layer."""
    layers = {layer: [_candidates(style[layer]) for style in references.styles] for layer in spec.table}
    return MrfTarget(layers, references.weights)


def check_style(spec: Mrf, statistic: Mapping[str, Patches]) -> None:
    """Raises StageError for a mask that contains no patch center."""
    for layer, (_, (weights,)) in statistic.items():
        if weights is not None and weights.sum() < _LEAST:
            raise StageError(
                f"Within its mask there is no patch of {SIDE}×{SIDE} positions at the layer '{layer}'.",
                hint="Use a larger region of the style, or one that is not at its border.",
            )


def _candidates(patches: Patches) -> Candidates:
    height, width, _ = patches.features.shape
    (weights,) = patches.weights
    everywhere = jnp.ones((height - SIDE + 1, width - SIDE + 1), bool)
    return Candidates(patches.features, everywhere if weights is None else weights >= weights.max() / 2)


def distance(spec: Mrf, statistic: Mapping[str, Patches], target: MrfTarget) -> Float[Array, ""]:
    """Σ over layers and styles of the weights times mean((P − Q)²), each over the mean square of the style's patches.

    O(n m c) time by layer for n and m positions; the memory of the Gram loss plus that of `nearest`.
    """
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        features, regions = statistic[layer]
        for i, (examples, allowed) in enumerate(target.layers[layer]):
            places = nearest(lax.stop_gradient(features), examples, allowed, size=SIDE)
            error = _mean(_errors(features, examples, *places), regions[i % len(regions)])  # a single region is of all styles
            squares = sum_patches(jnp.mean(examples**2, 2), SIDE) / SIDE**2
            total += weight * target.weights[i] * error / normalizer(spec, _mean(squares, allowed))
    return total


@jax.jit
def _errors(
    features: Float[Array, "_ _ _"], examples: Float[Array, "_ _ _"], row: Int[Array, "h w"], column: Int[Array, "h w"]
) -> Float[Array, "h w"]:
    """Returns the mean squared difference of each patch and the one at its row and column in `examples`."""
    height, width = row.shape
    total = jnp.zeros((height, width))
    for y, x in product(range(SIDE), repeat=2):
        shifted = features[y : y + height, x : x + width]
        total += jnp.mean((shifted - examples[row + y, column + x]) ** 2, 2)
    return total / SIDE**2


def _mean(by_patch: Float[Array, "h w"], weights: Shaped[Array, "h w"] | None) -> Float[Array, ""]:
    if weights is None:
        return jnp.mean(by_patch)
    total = weights.sum()  # 0 where a mask covers only the layer's outermost positions
    return jnp.sum(by_patch * weights) / jnp.where(total > 0, total, 1)
