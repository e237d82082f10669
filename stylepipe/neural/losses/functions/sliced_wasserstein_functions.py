"""The functions of the loss `sliced_wasserstein`."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from stylepipe.neural.losses.functions.sums import normalizer
from stylepipe.neural.losses.functions.transport import FeatureSamples, feature_samples, quantiles, squared_distance
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein


class SlicedWassersteinStatistic(NamedTuple):
    """The features of each layer, and the key of the directions; None in an example."""

    layers: Mapping[str, FeatureSamples]
    key: PRNGKeyArray | None


class SlicedWassersteinTarget(NamedTuple):
    """The features of each style by layer, and the style weights."""

    layers: Mapping[str, tuple[FeatureSamples, ...]]
    weights: Float[Array, " styles"]


def statistic(spec: SlicedWasserstein, inputs: LossInputs) -> SlicedWassersteinStatistic:
    """Returns the features (c, n) and the positions' weights by layer: O(n c) time and memory."""
    return SlicedWassersteinStatistic({layer: feature_samples(inputs, layer) for layer in spec.table}, inputs.key)


def target(spec: SlicedWasserstein, references: References) -> SlicedWassersteinTarget:
    """Returns each style's features (c, m) and weights by layer."""
    layers = {layer: tuple(style.layers[layer] for style in references.styles) for layer in spec.table}
    return SlicedWassersteinTarget(layers, references.weights)


def distance(
    spec: SlicedWasserstein, statistic: SlicedWassersteinStatistic, target: SlicedWassersteinTarget
) -> Float[Array, ""]:
    """Σ over layers and styles of their weights times the mean squared difference of the sorted projections.

    O(d (n log n + m log m + n c)) time and O(d n) memory by layer, for d directions.
    """
    assert statistic.key is not None  # only examples are seen without one
    total = jnp.zeros(())
    for key, (layer, weight) in zip(jax.random.split(statistic.key, len(spec.table)), spec.table.items(), strict=True):
        values, regions = statistic.layers[layer]
        directions = unit_directions(key, spec.directions or len(values), len(values))
        projected = _project(directions, values)
        for i, style in enumerate(target.layers[layer]):
            wanted = quantiles(_project(directions, style.values), style.weights[0])
            error = squared_distance(projected, regions[i % len(regions)], wanted)  # a single region is that of all styles
            scale = normalizer(spec, jnp.average(jnp.mean(style.values**2, 0), weights=style.weights[0]))
            total += weight * target.weights[i] * error / scale
    return total


def unit_directions(key: PRNGKeyArray, count: int, channels: int) -> Float[Array, "count channels"]:
    """Draws unit vectors uniformly."""
    normal = jax.random.normal(key, (count, channels))
    return normal / jnp.linalg.norm(normal, axis=1, keepdims=True)


def _project(directions: Float[Array, "d c"], values: Float[Array, "c n"]) -> Float[Array, "d n"]:
    return jnp.matmul(directions, values)
