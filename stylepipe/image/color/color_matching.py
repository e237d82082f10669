"""Color transfer between pictures, pixel by pixel or by statistics.

Statistics are taken in float64 on the host: float32 sums over millions of pixels lose digits, and on a device depend on the
number of its threads. `weights` and `color_weights` restrict them to a soft region of the one and the other picture: each pixel
counts by its weight, and not all are 0. Results are not clamped.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.color.color_spaces import SPACES
from stylepipe.image.modes import LinearMap

AnyPixels = Float[Array, "_ _ 3"]
PixelWeights = Float[Array, "_ _"] | None

_VARIANCE_FLOOR = 1e-7
_GREATEST_GAIN = 1000


def match_luminance(pixels: Float[Array, "h w 3"], colors: Float[Array, "h w 3"], *, space: str) -> Float[Array, "h w 3"]:
    """Combines the first channel of `pixels` in a `space` (luma or lightness) with the chroma of `colors`.

    Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865), section 5.1, in YIQ.
    """
    from_rgb, to_rgb = SPACES[space]
    return to_rgb(from_rgb(colors).at[..., 0].set(from_rgb(pixels)[..., 0]))


def match_histogram(
    pixels: AnyPixels, colors: AnyPixels, *, weights: PixelWeights = None, color_weights: PixelWeights = None
) -> AnyPixels:
    """Gives each channel of `pixels` the exact distribution of that channel of `colors`, without bins.

    A value goes to the value at the same quantile, interpolated linearly between the quantiles of the values that occur; equal
    values stay equal. Without weights this is what scikit-image's `match_histograms` computes.
    """

    planes = zip(np.moveaxis(np.asarray(pixels), -1, 0), np.moveaxis(np.asarray(colors), -1, 0), strict=True)
    return np.stack([match_distribution(*both, weights=weights, reference_weights=color_weights) for both in planes], axis=-1)


def match_distribution(
    plane: Float[np.ndarray, "h w"],
    reference: Float[np.ndarray, "_ _"],
    *,
    weights: PixelWeights = None,
    reference_weights: PixelWeights = None,
) -> Float[np.ndarray, "h w"]:
    """Gives `plane` the distribution of `reference`, as in `match_histogram`."""
    _, quantiles, places = _distribution(plane, weights)
    values, reference_quantiles, _ = _distribution(reference, reference_weights)
    counted = np.diff(reference_quantiles, prepend=0) > 0  # values of zero weight have no quantile of their own
    return np.interp(quantiles, reference_quantiles[counted], values[counted])[places].astype(np.float32)


def match_mean_std(
    pixels: AnyPixels, colors: AnyPixels, *, space: str, weights: PixelWeights = None, color_weights: PixelWeights = None
) -> AnyPixels:
    """Matches the mean and standard deviation of each channel in a `space` to those of `colors`.

    (x − μ) σ′/σ + μ′: Reinhard et al. 2001, "Color Transfer between Images", equations 10 and 11. A channel is stretched a
    thousandfold at most, so that a flat one stays flat.
    """
    from_rgb, to_rgb = SPACES[space]
    values = np.asarray(from_rgb(pixels))
    ours, theirs = _moments(values, weights), _moments(np.asarray(from_rgb(colors)), color_weights)
    deviation, wanted = np.sqrt(np.diag(ours.covariance)), np.sqrt(np.diag(theirs.covariance))
    gain = np.minimum(wanted, _GREATEST_GAIN * deviation) / np.maximum(deviation, np.finfo(float).tiny)
    return to_rgb(_affine(values, np.diag(gain), ours.mean, theirs.mean))


def match_covariance(
    pixels: AnyPixels,
    colors: AnyPixels,
    *,
    variant: LinearMap,
    weights: PixelWeights = None,
    color_weights: PixelWeights = None,
) -> AnyPixels:
    """Matches the mean and covariance of RGB to those of `colors`: A(x − μ) + μ′ with A Σ Aᵀ = Σ′.

    The solutions A, by Gatys et al. 2017 (arXiv 1611.07865), section 5.2, and Pitié & Kokaram 2007:

    - `cholesky`: L′ L⁻¹, where L Lᵀ = Σ.
    - `pca`: Σ′^½ Σ^−½, with symmetric roots ("image analogies").
    - `monge_kantorovitch`: Σ^−½ (Σ^½ Σ′ Σ^½)^½ Σ^−½, the symmetric A, which moves colors least.

    1e-7 is added to the variances (a standard deviation of a twelfth of an 8-bit level), which neither paper does, so that gray
    and flat pictures, whose Σ has no inverse, have a solution.
    """
    ours, theirs = _moments(np.asarray(pixels), weights), _moments(np.asarray(colors), color_weights)
    floor = _VARIANCE_FLOOR * np.eye(3)
    matrix = _solution(ours.covariance + floor, theirs.covariance + floor, variant)
    return _affine(np.asarray(pixels), matrix, ours.mean, theirs.mean)


class _Moments(NamedTuple):
    mean: Float[np.ndarray, "3"]
    covariance: Float[np.ndarray, "3 3"]


def _shares(weights: PixelWeights, count: int) -> np.ndarray:
    """Returns the weights of `count` pixels; they sum to 1."""
    if weights is None:
        return np.full(count, 1 / count)
    flat = np.asarray(weights, np.float64).ravel()
    return flat / flat.sum()


def _moments(values: Float[np.ndarray, "_ _ 3"], weights: PixelWeights) -> _Moments:
    flat = values.reshape(-1, 3).astype(np.float64)
    shares = _shares(weights, len(flat))
    mean = shares @ flat
    return _Moments(mean, ((flat - mean).T * shares) @ (flat - mean))


def _distribution(channel: Float[np.ndarray, "h w"], weights: PixelWeights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the distinct values, ascending; the cumulative share of pixels; and each pixel's index among the values."""
    values, places = np.unique(channel, return_inverse=True)
    return values, np.cumsum(np.bincount(places.ravel(), _shares(weights, channel.size))), places.reshape(channel.shape)


def _affine(values: AnyPixels, matrix: np.ndarray, mean: np.ndarray, new_mean: np.ndarray) -> AnyPixels:
    return (values - mean.astype(np.float32)) @ matrix.T.astype(np.float32) + new_mean.astype(np.float32)


def _solution(covariance: np.ndarray, wanted: np.ndarray, variant: LinearMap) -> np.ndarray:
    if variant == "cholesky":
        return np.linalg.cholesky(wanted) @ np.linalg.inv(np.linalg.cholesky(covariance))
    root = _root(covariance)
    inverse = np.linalg.inv(root)
    return _root(wanted) @ inverse if variant == "pca" else inverse @ _root(root @ wanted @ root) @ inverse


def _root(symmetric: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(symmetric)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
