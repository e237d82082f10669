"""Instance and batch normalization: one formula with different statistics.

Instance normalization uses the statistics of one map, in training and afterwards (Ulyanov, Vedaldi and Lempitsky 2016, arXiv
1607.08022). Batch normalization uses those of all maps of a training step, and afterwards stored ones (Ioffe and Szegedy 2015,
arXiv 1502.03167).
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from stylepipe.artifacts import Array

PICTURES = "pictures"
"""The axis name of batch normalization, for `jax.vmap` in training."""

_EPSILON = 1e-5


class Statistics(NamedTuple):
    """The mean and variance of each channel."""

    mean: Float[Array, " channels"]
    variance: Float[Array, " channels"]


LayerStatistics = Mapping[str, Statistics]
"""Statistics by layer; layers that are absent use those of the picture."""


def statistics(x: Float[Array, "h w channels"], *, pooled: bool = False) -> Statistics:
    """Computes statistics over the positions of a map and, if `pooled`, over all maps along the axis `PICTURES`."""
    mean = x.mean((0, 1))
    mean = lax.pmean(mean, PICTURES) if pooled else mean
    variance = jnp.square(x - mean).mean((0, 1))
    return Statistics(mean, lax.pmean(variance, PICTURES) if pooled else variance)


def normalize(
    x: Float[Array, "h w channels"], of: Statistics, *, scale: Float[Array, " channels"], shift: Float[Array, " channels"]
) -> Float[Array, "h w channels"]:
    """scale · (x − mean) / √(variance + 1e-5) + shift."""
    return (x - of.mean) * (scale * lax.rsqrt(of.variance + _EPSILON)) + shift
