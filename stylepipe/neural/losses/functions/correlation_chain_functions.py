"""The functions of the loss `correlation_chain`."""

from collections.abc import Mapping
from itertools import pairwise

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.correlation_chain import CorrelationChain
from stylepipe.neural.losses.functions.sums import (
    MeanTarget,
    Sums,
    count_positions,
    mean_target,
    squared_error,
    sum_products,
    weights_by_position,
)
from stylepipe.neural.losses.loss_inputs import LossInputs, References


def statistic(spec: CorrelationChain, inputs: LossInputs) -> dict[str, Sums]:
    """Computes Σ_p m_p F_pᵀ up(F')_p (regions, c, c') by the pair's shallower layer: O(n c + n' c c') time, O(n c) memory.

    As a sum over the deeper layer's positions: each with the sum of F over all positions of the shallower one that it is
    repeated for. Raises StageError where `all` is a single layer.
    """
    spec.check_size(inputs.picture.pixels.shape[:2])
    products = {}
    for shallow, deep in pairwise(spec.table):
        above, below = (inputs.picture.features[layer] - spec.shift for layer in (shallow, deep))
        weights, factor = weights_by_position(inputs, shallow), _factor(len(above), len(below))
        weighted = (above if m is None else above * m.reshape(*above.shape[:2], 1) for m in weights)
        gathered = (_gathered(each, below.shape[:2], factor) for each in weighted)
        totals = [sum_products(_flat(each), _flat(below), [None]).total for each in gathered]
        products[shallow] = Sums(jnp.concatenate(totals), count_positions(above.shape[0] * above.shape[1], weights))
    return products


def _factor(positions: int, fewer: int) -> int:
    """Returns the power of 2 by which a number of positions was divided, rounded down."""
    return 2 ** ((positions // fewer).bit_length() - 1)


def _flat(values: Float[Array, "h w c"]) -> Float[Array, "n c"]:
    return values.reshape(-1, values.shape[-1])


def _gathered(values: Float[Array, "_ _ c"], size: tuple[int, ...], factor: int) -> Float[Array, "_ _ c"]:
    """Sums over windows of factor × factor positions; the last windows include the remainder."""
    if factor == 1:
        return values
    for count in size:  # rows, then columns as rows
        sums = values[: count * factor].reshape(count, factor, *values.shape[1:]).sum(1)
        values = sums.at[-1].add(values[count * factor :].sum(0)).swapaxes(0, 1)
    return values


def target(spec: CorrelationChain, references: References) -> MeanTarget:
    """Returns the styles' G (regions, c, c') by the shallower layer of each pair: one per region, or blended into one."""
    return mean_target(references)


def distance(spec: CorrelationChain, statistic: Mapping[str, Sums], target: MeanTarget) -> Float[Array, ""]:
    """Σ over pairs and regions of their weights times mean((G − G_style)²), each over the mean square of its target."""
    total = jnp.zeros(())
    for shallow, deep in pairwise(spec.table):
        weight = (spec.table[shallow] + spec.table[deep]) / 2
        total += weight * jnp.dot(target.weights, squared_error(spec, statistic[shallow].mean, target.means[shallow]))
    return total
