"""Style as the histogram of each feature (Risser, Wilmot and Barnes 2017, arXiv 1701.08893)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.neural.losses.loss import Layers, References, StyleLoss, View, normalizer
from stylepipe.neural.losses.transport import Quantiles, Samples, quantiles, samples, squared_distance


class Histogram(StyleLoss):
    """Compares the histogram of each feature: how often it is how strong, not what it occurs together with.

    For features F of shape (n, c), each channel is matched to the style's: its k-th smallest value to the style's k-th
    smallest, for other numbers of values to the mean of those at the same share of the way up. With R of what is matched,
    constant for the gradient and matched anew at each step, the loss of a layer is mean((F − R)²), over the mean square of the
    style's features unless `normalize: none`. The histograms have no bins (Risser et al. take 256, Tseng 255): the values are
    sorted, which is exact. Where numbers differ or masks weigh, the mean is over all that is matched, so that the loss is the
    squared 2-Wasserstein distance of the histograms, the same for regions of any area. With several styles, each in a region
    of its own or not, the losses are summed by their weights; without regions, their sum is least at the one histogram whose
    quantiles are the weighted means of the styles'.
    """

    kind: Literal["histogram"] = "histogram"
    layers: Layers = Field(default={"relu1_1": 1.0, "relu4_1": 1.0})
    pool_channels: bool = Field(
        default=False, description="Takes the values of all channels of a layer as one histogram, as Tseng's program does."
    )


class Target(NamedTuple):
    """By layer, the quantiles of each style, and what the styles count."""

    layers: Mapping[str, tuple[Quantiles, ...]]
    weights: Float[Array, " styles"]


def statistic(spec: Histogram, view: View) -> dict[str, Samples]:
    """By layer, the features (c, n) themselves and the positions' weights: O(n c) time and memory."""
    found = {layer: samples(view, layer) for layer in spec.table}
    return {layer: _pooled(one) for layer, one in found.items()} if spec.pool_channels else found


def _pooled(apart: Samples) -> Samples:
    """All rows as one."""
    weights = [None if one is None else jnp.tile(one, len(apart.values)) for one in apart.weights]
    return Samples(apart.values.reshape(1, -1), weights)


def target(spec: Histogram, references: References) -> Target:
    """By layer, each style's features in ascending order (c, m) and their weights: O(m log m c) time, O(m c) memory."""
    layers = {
        layer: tuple(quantiles(style[layer].values, style[layer].weights[0]) for style in references.styles)
        for layer in spec.table
    }
    return Target(layers, references.weights)


def distance(spec: Histogram, statistic: Mapping[str, Samples], target: Target) -> Float[Array, ""]:
    """Σ over layers and styles of their weights times mean((F − R)²), over the style's mean square: O(n log n c) time."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        values, regions = statistic[layer]
        for i, wanted in enumerate(target.layers[layer]):
            error = squared_distance(values, regions[i % len(regions)], wanted)  # a single region is that of all styles
            scale = normalizer(spec, jnp.average(wanted.values**2, weights=wanted.weights))
            total += weight * target.weights[i] * error / scale
    return total
