"""Normalization: each channel of a map brought to a learned mean and deviation.

Instance normalization takes the statistics of the one map, when trained and afterwards (Ulyanov, Vedaldi and Lempitsky 2016,
arXiv 1607.08022). Batch normalization takes those of all maps of a training's step, and afterwards those that the training
had (Ioffe and Szegedy 2015, arXiv 1502.03167). Both here are one formula with other statistics.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from stylepipe.artifacts import Array

Normalization = Literal["instance", "batch"]

PICTURES = "pictures"
"""The name of the axis that batch normalization goes along, for `jax.vmap` in training."""

_EPSILON = 1e-5


class Statistics(NamedTuple):
    """By channel."""

    mean: Float[Array, " channels"]
    variance: Float[Array, " channels"]


Known = Mapping[str, Statistics]
"""Statistics by the layer's name; layers that are not in it have those of the picture."""


def statistics(x: Float[Array, "h w channels"], *, pooled: bool = False) -> Statistics:
    """Those of a map over its positions; if `pooled`, also over all maps along the axis `PICTURES`."""
    mean = x.mean((0, 1))
    mean = lax.pmean(mean, PICTURES) if pooled else mean
    variance = jnp.square(x - mean).mean((0, 1))
    return Statistics(mean, lax.pmean(variance, PICTURES) if pooled else variance)


def normalize(
    x: Float[Array, "h w channels"], of: Statistics, *, scale: Float[Array, " channels"], shift: Float[Array, " channels"]
) -> Float[Array, "h w channels"]:
    """scale · (x − mean) / √(variance + 1e-5) + shift."""
    return (x - of.mean) * (scale * lax.rsqrt(of.variance + _EPSILON)) + shift
