"""Neighborhood filters: Gaussian blur, unsharp mask, median.

Beyond its border an image is mirrored, the border pixels included (d c b a | a b c d | d c b a; SciPy calls it `reflect`).
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.color.color_spaces import luma
from stylepipe.image.filters.reach import blur_reach

_MOST_TAPS = 49
"""The widest kernel applied as a sum of shifted planes; above it (σ > 6) a matrix is faster."""


def gaussian_blur(image: Float[Array, "h w *c"], *, sigma: float) -> Float[Array, "h w *c"]:
    """Convolves with a Gaussian of standard deviation `sigma` > 0 pixels, cut off at 4σ as SciPy does.

    `image` is a picture or a plane, of any range. Up to σ = 6 the cost grows with σ; above, each axis is one product with the
    matrix of the blur along it, whose cost does not depend on σ: about 13 GFLOP per plane at 1920×1080.
    """
    kernel = _kernel(sigma)
    if len(kernel) <= _MOST_TAPS:
        return _convolved(image, kernel.astype(np.float32))
    height, width = image.shape[:2]
    return _separable(_blur_matrix(height, kernel), image, _blur_matrix(width, kernel))


def unsharp_mask(
    pixels: Float[Array, "h w 3"], *, amount: float, radius: float, threshold: float = 0.0
) -> Float[Array, "h w 3"]:
    """Adds detail `amount` times over: pixels + amount · soft(Y − blur(Y)), clamped to [0, 1].

    Y is the luma and the blur Gaussian with σ = `radius` pixels. The same detail is added to R, G and B, so that sharpening
    brings out neither the noise of the chroma nor colored fringes. soft(d) = sign(d) · max(|d| − `threshold`, 0): weaker
    detail is left alone, and unlike with a hard threshold no step appears where it begins.
    """
    brightness = luma(pixels)
    return _sharpened(pixels, brightness - gaussian_blur(brightness, sigma=radius), amount, threshold)


@jax.jit(static_argnames="size")
def median(pixels: Float[Array, "h w *c"], *, size: int) -> Float[Array, "h w *c"]:
    """Returns the median of each `size`×`size` neighborhood (an odd number), channel by channel."""
    height, width = pixels.shape[:2]
    beyond = [(size // 2, size // 2)] * 2 + [(0, 0)] * (pixels.ndim - 2)
    padded = jnp.pad(pixels, beyond, mode="symmetric")
    values = [padded[y : y + height, x : x + width] for y in range(size) for x in range(size)]
    for a, b in _sorting_network(len(values)):
        values[a], values[b] = jnp.minimum(values[a], values[b]), jnp.maximum(values[a], values[b])
    return values[len(values) // 2]


@jax.jit
def _convolved(image: Float[Array, "h w *c"], kernel: Float[Array, "taps"]) -> Float[Array, "h w *c"]:
    """Convolves along both axes with a symmetric kernel, plane by plane, so that neighbors lie side by side in memory."""
    beyond = len(kernel) // 2
    planes = jnp.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0)
    for axis in (1, 2):
        length = planes.shape[axis]
        padded = jnp.pad(planes, [(beyond, beyond) if axis == each else (0, 0) for each in range(3)], mode="symmetric")
        shifted = [jax.lax.slice_in_dim(padded, start, start + length, axis=axis) for start in range(len(kernel))]
        planes = sum((weight * plane for weight, plane in zip(kernel, shifted, strict=True)), jnp.zeros_like(planes))
    return jnp.moveaxis(planes, 0, -1).reshape(image.shape)


@jax.jit
def _separable(
    rows: Float[Array, "h h"], image: Float[Array, "h w *c"], columns: Float[Array, "w w"]
) -> Float[Array, "h w *c"]:
    return jnp.einsum("ij,jk...,lk->il...", rows, image, columns)


@jax.jit
def _sharpened(
    pixels: Float[Array, "h w 3"],
    detail: Float[Array, "h w"],
    amount: Float[Array, ""] | float,
    threshold: Float[Array, ""] | float,
) -> Float[Array, "h w 3"]:
    detail = jnp.sign(detail) * jnp.maximum(jnp.abs(detail) - threshold, 0)
    return jnp.clip(pixels + amount * detail[..., None], 0, 1)


def _kernel(sigma: float) -> Float[np.ndarray, "taps"]:
    offsets = np.arange(-blur_reach(sigma), blur_reach(sigma) + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    return kernel / kernel.sum()


def _blur_matrix(length: int, kernel: Float[np.ndarray, "taps"]) -> Float[np.ndarray, "length length"]:
    """Returns the matrix whose row i holds the weights of blurred pixel i.

    A mirrored line has period 2·length; on it, pixel j stands at j and at −1 − j.
    """
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    periodic = np.bincount(offsets % (2 * length), kernel, minlength=2 * length).astype(np.float32)
    i, j = np.ogrid[:length, :length]
    return periodic[(i - j) % (2 * length)] + periodic[i + j + 1]


def _sorting_network(count: int) -> Iterator[tuple[int, int]]:
    """Returns pairs (a, b), a < b, to be sorted one after the other: Batcher's odd-even merge sort (Knuth, TAOCP 3, 5.2.2 M).

    Where only one sorted value is wanted, XLA drops the comparisons that it does not need.
    """
    p = half = 1 << (count - 1).bit_length() - 1
    while p > 0:
        q, r, d = half, 0, p
        while d > 0:
            yield from ((i, i + d) for i in range(count - d) if i & p == r)
            d, q, r = q - p, q // 2, p
        p //= 2
