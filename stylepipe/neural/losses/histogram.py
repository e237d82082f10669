"""Style as the histogram of each feature (Risser, Wilmot and Barnes 2017, arXiv 1701.08893)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.losses.loss import Layers, LossInputs, References, StyleLoss, normalizer
from stylepipe.neural.losses.transport import FeatureSamples, Quantiles, feature_samples, quantiles, squared_distance


class Histogram(StyleLoss):
    """Compares the histogram of each feature, without correlations between features.

    For features F of shape (n, c), each channel is matched to the style's: the k-th smallest value to the style's k-th
    smallest or, for different numbers of values, to the mean of the style's values over the same quantile interval. With R the
    matched values, recomputed at each step under stop-gradient, the loss of a layer is mean((F − R)²), over the mean square of
    the style's features unless `normalize: none`. There are no bins (Risser et al. use 256, Tseng 255): the values are
    sorted. For different numbers of values or with masks, the mean is over the transport plan, so that the loss is the
    squared 2-Wasserstein distance of the histograms, independent of a region's area. With several styles, each in a region
    of its own or not, the losses are summed by the style weights; without regions, their sum is minimal at the histogram whose
    quantiles are the weighted means of the styles'.
    """

    kind: Literal["histogram"] = "histogram"
    layers: Layers = Field(default={"relu1_1": 1.0, "relu4_1": 1.0})
    pool_channels: bool = Field(
        default=False, description="Pools the values of all channels of a layer in one histogram, as in Tseng's program."
    )


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
