"""Changes of lightness that keep the chroma.

Lightness is L of Oklab, in [0, 1]. `weights` restrict statistics to a soft region: each pixel counts by its weight, and not all
are 0.
"""

import jax
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.color.color_spaces import oklab_to_rgb, rgb_to_oklab

_LEAST_RANGE = 1e-3
"""Percentiles closer than this (a quarter of an 8-bit level) indicate a flat region."""


@jax.jit
def lightness(pixels: Float[Array, "h w 3"]) -> Float[Array, "h w"]:
    """Returns L of Oklab of sRGB-encoded pixels."""
    return rgb_to_oklab(pixels)[..., 0]


@jax.jit
def with_lightness(pixels: Float[Array, "h w 3"], plane: Float[Array, "h w"]) -> Float[Array, "h w 3"]:
    """Replaces L of Oklab by `plane`, keeping a and b; not clamped."""
    return oklab_to_rgb(rgb_to_oklab(pixels).at[..., 0].set(plane))


def stretch(
    plane: Float[np.ndarray, "h w"],
    *,
    percentiles: tuple[float, float],
    targets: tuple[float, float],
    gamma: float,
    weights: Float[Array, "h w"] | None = None,
) -> Float[np.ndarray, "h w"]:
    """Maps two percentiles of a plane linearly to `targets`, (black, white), and all other values with them.

        black + (white − black) · t^(1 / gamma),    t = clip((plane − low) / (high − low), 0, 1)

    Each percentile is a value that occurs (the inverse of the weighted distribution function). A plane whose two differ by
    less than 0.001 is returned as it is: stretching it would bring out rounding.
    """
    counts = None if weights is None else np.asarray(weights, np.float64).ravel()
    low, high = np.percentile(plane.ravel(), percentiles, weights=counts, method="inverted_cdf")
    if high - low < _LEAST_RANGE:
        return plane
    black, white = targets
    inside = np.clip((plane - low) / (high - low), 0, 1) ** (1 / gamma)
    return (black + (white - black) * inside).astype(np.float32)
