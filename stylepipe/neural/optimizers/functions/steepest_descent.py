"""The first step of L-BFGS, along the gradient: there is no curvature information yet."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.optimizers.optimizer import Pixels

FIRST_STEP = 0.01
"""The root mean square of the first step."""


def steepest(gradient: Pixels, length: Float[Array, ""] | float) -> Pixels:
    """Scales the gradient to the root mean square `length`."""
    return gradient * (length / jnp.maximum(jnp.sqrt(jnp.mean(gradient**2)), 1e-30))
