"""Style as the distribution of features, by random projections (Heitz et al. 2021, arXiv 2006.07229)."""

from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from stylepipe.neural.losses.loss import LossInputs, References, StyleLoss, normalizer
from stylepipe.neural.losses.transport import FeatureSamples, feature_samples, quantiles, squared_distance


class SlicedWasserstein(StyleLoss):
    """Compares the full distribution of features, which includes Gram matrices and histograms.

    For features F of shape (n, c) and d random unit directions v, drawn anew at each step, F v and F_style v are sorted and the
    k-th smallest is matched with the k-th smallest; the loss of a layer is mean((F v − F_style v)²) over directions and what is
    matched, over the mean square of F_style v that is expected, mean(F_style²), unless `normalize: none`. For other numbers of
    positions (Heitz et al. interpolate) and for masks it is the exact squared 2-Wasserstein distance of the projections, the
    same for regions of any area. With several styles, each in a region of its own or not, the losses are summed by their
    weights. As the loss changes with the directions, it takes an optimizer that does not compare losses of different steps:
    `adam`. L-BFGS would reject good steps for their draw, and stall.
    """

    stochastic: ClassVar[bool] = True

    kind: Literal["sliced_wasserstein"] = "sliced_wasserstein"
    directions: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="Directions at each layer and step; by default, as many as the layer has channels.",
    )


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
