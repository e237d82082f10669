"""The functions of the loss `gram`."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.sums import (
    MeanTarget,
    Sums,
    mean_target,
    squared_error,
    sum_squares,
    weights_by_position,
)
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss_inputs import LossInputs, References


def statistic(spec: Gram, inputs: LossInputs) -> dict[str, Sums]:
    """Computes Σ_p m_p F_pᵀ F_p (regions, c, c) and Σ_p m_p of each layer, p over positions: O(n c²) time, O(n c) memory."""
    products = {}
    for layer in spec.table:
        features = inputs.picture.features[layer]
        shifted = features.reshape(-1, features.shape[-1]) - spec.shift
        products[layer] = sum_squares(shifted, weights_by_position(inputs, layer))
    return products


def target(spec: Gram, references: References) -> MeanTarget:
    """Returns the styles' G (regions, c, c) of each layer: one per region, or their blend."""
    return mean_target(references)


def distance(spec: Gram, statistic: Mapping[str, Sums], target: MeanTarget) -> Float[Array, ""]:
    """Σ over layers and regions of the weights times mean((G − G_style)²), each over the mean square of its target."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        total += weight * jnp.dot(target.weights, squared_error(spec, statistic[layer].mean, target.means[layer]))
    return total
