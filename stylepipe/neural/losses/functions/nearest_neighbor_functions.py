"""The functions of the loss `nearest_neighbour`."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.patches import nearest
from stylepipe.neural.losses.functions.sums import normalizer
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.losses.nearest_neighbor import NearestNeighbor


class Positions(NamedTuple):
    """The features of a layer, and the weights of positions in each region; None is 1 for all."""

    features: Float[Array, "_ _ _"]
    weights: list[Float[Array, "_ _"] | None]


class NearestNeighborTarget(NamedTuple):
    """T for each style by layer, and the style weights."""

    layers: Mapping[str, list[Float[Array, "_ _ _"]]]
    weights: Float[Array, " styles"]


def statistic(spec: NearestNeighbor, inputs: LossInputs) -> dict[str, Positions]:
    """Returns the features (h, w, c) and the positions' weights by layer: O(n c) time and memory."""
    return {
        layer: Positions(
            inputs.picture.features[layer], [None if region is None else region[layer] for region in inputs.regions]
        )
        for layer in spec.table
    }


def target(spec: NearestNeighbor, references: References) -> NearestNeighborTarget:
    """Computes T (h, w, c) of each style by layer: O(n m c) time for n positions of the content and m of the style."""
    layers = {layer: [_rebuilt(references.content[layer], style[layer]) for style in references.styles] for layer in spec.table}
    return NearestNeighborTarget(layers, references.weights)


def _rebuilt(content: Positions, style: Positions) -> Float[Array, "h w c"]:
    weights = _weights(style)
    candidates = weights >= weights.max() / 2
    return style.features[nearest(_centered(content), _centered(style), candidates, size=1)]


def _centered(positions: Positions) -> Float[Array, "h w c"]:
    """Returns the features minus their mean."""
    weights = _weights(positions)
    return positions.features - jnp.tensordot(weights, positions.features, 2) / weights.sum()


def _weights(positions: Positions) -> Float[Array, "h w"]:
    """Returns the weight of each position of an example."""
    (mask,) = positions.weights
    return jnp.ones(positions.features.shape[:2]) if mask is None else mask


def distance(spec: NearestNeighbor, statistic: Mapping[str, Positions], target: NearestNeighborTarget) -> Float[Array, ""]:
    """Σ over layers and styles of their weights times mean((F − T)²), each over the mean square of T: O(n c) time."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        features, regions = statistic[layer]
        for i, wanted in enumerate(target.layers[layer]):
            mask = regions[i % len(regions)]  # a single region is that of all styles
            error, square = (jnp.average(jnp.mean(each**2, 2), weights=mask) for each in (features - wanted, wanted))
            total += weight * target.weights[i] * error / normalizer(spec, square)
    return total
