"""The functions of the loss `mean_color`."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from sample_extension.mean_color import MeanColor
from stylepipe.neural.losses.functions.sums import Sums, sum_positions
from stylepipe.neural.losses.loss_inputs import LossInputs, References


def statistic(spec: MeanColor, inputs: LossInputs) -> Sums:
    """Computes the sum of the visible pixels: O(n) time and memory."""
    weights = None if inputs.counted is None else inputs.counted.ravel()
    return sum_positions(inputs.picture.pixels.reshape(-1, 3), [weights])


def target(spec: MeanColor, references: References) -> Float[Array, " 3"]:
    """Returns the mean color of the styles by their weights."""
    means = jnp.concatenate([style.mean for style in references.styles])
    return jnp.average(means, axis=0, weights=references.weights)


def distance(spec: MeanColor, statistic: Sums, target: Float[Array, " 3"]) -> Float[Array, ""]:
    """Returns the squared distance of the colors."""
    return jnp.sum((statistic.mean[0] - target) ** 2)
