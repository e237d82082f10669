"""The functions of the loss `histogram`."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.sums import normalizer
from stylepipe.neural.losses.functions.transport import FeatureSamples, Quantiles, feature_samples, quantiles, squared_distance
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.losses.loss_inputs import LossInputs, References


class HistogramTarget(NamedTuple):
    """The quantiles of each style by layer, and the style weights."""

    layers: Mapping[str, tuple[Quantiles, ...]]
    weights: Float[Array, " styles"]


def statistic(spec: Histogram, inputs: LossInputs) -> dict[str, FeatureSamples]:
    """Returns the features (c, n) and the positions' weights of each layer: O(n c) time and memory."""
    samples = {layer: feature_samples(inputs, layer) for layer in spec.table}
    return {layer: _pooled(channels) for layer, channels in samples.items()} if spec.pool_channels else samples


def _pooled(samples: FeatureSamples) -> FeatureSamples:
    """Concatenates all rows."""
    weights = [None if one is None else jnp.tile(one, len(samples.values)) for one in samples.weights]
    return FeatureSamples(samples.values.reshape(1, -1), weights)


def target(spec: Histogram, references: References) -> HistogramTarget:
    """Sorts each style's features (c, m) with their weights, by layer: O(m log m c) time, O(m c) memory."""
    layers = {
        layer: tuple(quantiles(style[layer].values, style[layer].weights[0]) for style in references.styles)
        for layer in spec.table
    }
    return HistogramTarget(layers, references.weights)


def distance(spec: Histogram, statistic: Mapping[str, FeatureSamples], target: HistogramTarget) -> Float[Array, ""]:
    """Σ over layers and styles of the weights times mean((F − R)²), over the style's mean square: O(n log n c) time."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        values, regions = statistic[layer]
        for i, wanted in enumerate(target.layers[layer]):
            error = squared_distance(values, regions[i % len(regions)], wanted)  # a single region is that of all styles
            scale = normalizer(spec, jnp.average(wanted.values**2, weights=wanted.weights))
            total += weight * target.weights[i] * error / scale
    return total
