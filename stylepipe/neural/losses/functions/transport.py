"""One-dimensional optimal transport, exact for any numbers of values and any weights.

For a squared cost the optimal transport is monotone: it maps the u-quantile of one distribution to the u-quantile of the other,
Q(u), where Q is the quantile function, a step function.
Source: Peyré and Cuturi 2019, Computational Optimal Transport, 2.6 (arXiv 1803.00567).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float64, Int32

from stylepipe.neural.losses.functions.sums import PositionWeights, weights_by_position
from stylepipe.neural.losses.loss_inputs import LossInputs

Values = Float[Array, " n"]
Weights = Float[Array, " n"]

_AT_ONCE = 2**22
"""The number of values per batch; each takes about 64 bytes."""


class FeatureSamples(NamedTuple):
    """Each row's values at n positions, and the weights of the positions in each region."""

    values: Float[Array, "rows n"]
    weights: PositionWeights


def feature_samples(inputs: LossInputs, layer: str) -> FeatureSamples:
    """Returns the features of a layer, a row for each channel."""
    features = inputs.picture.features[layer]
    return FeatureSamples(features.reshape(-1, features.shape[-1]).T, weights_by_position(inputs, layer))


class Quantiles(NamedTuple):
    """A quantile function for each row: ascending values, and their weights; None is 1 throughout."""

    values: Float[Array, "*rows m"]
    weights: Float[Array, "*rows m"] | None


@jax.jit
def quantiles(values: Float[Array, "rows m"], weights: Float[Array, " m"] | None) -> Quantiles:
    """Returns the quantile function of each row: O(m log m) time, O(m) memory per row."""
    if weights is None:
        return Quantiles(_by_rows(_ascending, values), None)
    order = _by_rows(_order, values)
    return Quantiles(jnp.take_along_axis(values, order, 1), weights[order])


@jax.jit
def squared_distance(values: Float[Array, "rows n"], weights: Weights | None, wanted: Quantiles) -> Float[Array, ""]:
    """Returns the squared 2-Wasserstein distance of values and wanted, ∫ (Q(u) − Q_wanted(u))² du, averaged over rows.

    That is the mean of (value − wanted)² over what goes where. Its gradient pulls each value to the mean of what it goes to;
    where that is does not change under the gradient. Equal values go in order of position. O(n log n + m) time, O(n + m)
    memory by row.
    """
    matched, spread = _by_rows(partial(_transport, weights), values, wanted)
    return jnp.average(jnp.mean((values - matched) ** 2, 0), weights=weights) + jnp.mean(spread)


def _by_rows(function: Callable[..., Any], *rows: Any) -> Any:
    """Maps `function` over rows under stop-gradient, in batches that bound the memory."""
    longest = max(leaf.shape[1] for leaf in jax.tree.leaves(rows))
    return lax.map(lambda row: function(*row), lax.stop_gradient(rows), batch_size=max(1, _AT_ONCE // longest))


def _transport(weights: Weights | None, values: Values, wanted: Quantiles) -> tuple[Values, Float[Array, ""]]:
    """For one row: the mean of the targets of each value, and the mean square of their deviations.

    A value takes up an interval of u, as long as its share of the weight. The mean of Q_wanted over it is a difference of
    Q_wanted's integral; in float64, for such differences are small.
    """
    order, goal = _order(values), wanted.values
    if weights is None and wanted.weights is None and len(values) == len(goal):
        matched, spread = goal, jnp.zeros((), goal.dtype)  # one to one
    else:
        with jax.enable_x64(True):
            ends = _ends(len(values), None if weights is None else weights[order])
            length, integral = jnp.diff(ends), _integral(wanted, ends)
            means = jnp.where(length > 0, jnp.diff(integral) / jnp.where(length > 0, length, 1), 0)
            rest = jnp.average(goal.astype(jnp.float64) ** 2, weights=wanted.weights) - jnp.sum(length * means**2)
            matched, spread = means.astype(goal.dtype), rest.astype(goal.dtype)
    return jnp.zeros_like(values).at[order].set(matched, unique_indices=True), spread


def _integral(wanted: Quantiles, at: Float64[Array, " ends"]) -> Float64[Array, " ends"]:
    """Integrates Q_wanted from 0 to each place `at`: all steps below, and part of the one there."""
    steps = _ends(len(wanted.values), wanted.weights)
    below = jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.diff(steps) * wanted.values)])
    if wanted.weights is None:
        step = (at * len(wanted.values)).astype(jnp.int32)
    else:
        step = jnp.searchsorted(steps, at, side="right").astype(jnp.int32) - 1
    step = jnp.minimum(step, len(wanted.values) - 1)  # 1 is the end of the last
    return below[step] + (at - steps[step]) * wanted.values[step]


def _ends(count: int, weights: Weights | None) -> Float64[Array, " ends"]:
    """Returns where the steps of a quantile function begin and end, from 0 to 1, for weights in the order of the values."""
    if weights is None:
        return jnp.arange(count + 1, dtype=jnp.float64) / count
    total = jnp.cumsum(weights.astype(jnp.float64))
    return jnp.concatenate([jnp.zeros(1), total / total[-1]])


# --- sorting ----------------------------------------------------------------------------------------------------------
# On the CPU, XLA sorts integers of one key, 32 bits or 64, in a fifth of the time that floats take, or pairs.


def _ascending(values: Values) -> Values:
    """Sorts the values in ascending order."""

    def by_bits(values: Values) -> Values:
        return lax.bitcast_convert_type(_ordered(lax.sort(_ordered(lax.bitcast_convert_type(values, jnp.int32)))), jnp.float32)

    return lax.platform_dependent(values, cpu=by_bits, default=jnp.sort)


def _order(values: Values) -> Int32[Array, " n"]:
    """Returns the positions of the values in ascending order; equal values keep their order."""

    def by_bits(values: Values) -> Int32[Array, " n"]:
        """The position is the lower half of a key of 64 bits."""
        bits = _ordered(lax.bitcast_convert_type(values, jnp.int32))
        with jax.enable_x64(True):
            keys = bits.astype(jnp.int64) << 32 | jnp.arange(len(values), dtype=jnp.int64)
            return lax.sort(keys).astype(jnp.int32)

    return lax.platform_dependent(values, cpu=by_bits, default=jnp.argsort)


def _ordered(bits: Int32[Array, " n"]) -> Int32[Array, " n"]:
    """Maps the bits of floats to integers in the same order, and back: negative numbers are reversed."""
    return bits ^ (bits >> 31 & 0x7FFFFFFF)
