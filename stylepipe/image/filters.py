"""Neighbourhood filters: Gaussian blur, unsharp mask, median.

Beyond its border an image is mirrored, the border pixels included (d c b a | a b c d | d c b a; SciPy calls it `reflect`).
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.color import luma


def gaussian_blur(image: Float[Array, "h w *c"], *, sigma: float) -> Float[Array, "h w *c"]:
    """Convolves with a Gaussian of standard deviation `sigma` > 0 pixels, cut off at 4σ as SciPy does.

    `image` is a picture or a plane, of any range. Each axis is one product with the matrix of the blur along it, whose cost
    does not depend on σ: about 13 GFLOP per plane at 1920×1080.
    """
    height, width = image.shape[:2]
    return _separable(_blur_matrix(height, sigma), image, _blur_matrix(width, sigma))


def reach(sigma: float) -> int:
    """How many pixels away from a pixel its blur still depends on them."""
    return int(4 * sigma + 0.5)


def unsharp_mask(
    pixels: Float[Array, "h w 3"], *, amount: float, radius: float, threshold: float = 0.0
) -> Float[Array, "h w 3"]:
    """Adds detail `amount` times over: pixels + amount · soft(Y − blur(Y)), clamped to [0, 1].

    Y is the luma and the blur Gaussian with σ = `radius` pixels. The same detail is added to R, G and B, so that sharpening
    brings out neither the noise of the chroma nor coloured fringes. soft(d) = sign(d) · max(|d| − `threshold`, 0): weaker
    detail is left alone, and unlike with a hard threshold no step appears where it begins.
    """
    height, width = pixels.shape[:2]
    return _sharpened(pixels, _blur_matrix(height, radius), _blur_matrix(width, radius), amount, threshold)


@jax.jit(static_argnames="size")
def median(pixels: Float[Array, "h w *c"], *, size: int) -> Float[Array, "h w *c"]:
    """The median of each `size`×`size` neighbourhood (an odd number), channel by channel."""
    height, width = pixels.shape[:2]
    beyond = [(size // 2, size // 2)] * 2 + [(0, 0)] * (pixels.ndim - 2)
    padded = jnp.pad(pixels, beyond, mode="symmetric")
    values = [padded[y : y + height, x : x + width] for y in range(size) for x in range(size)]
    for a, b in _sorting_network(len(values)):
        values[a], values[b] = jnp.minimum(values[a], values[b]), jnp.maximum(values[a], values[b])
    return values[len(values) // 2]


@jax.jit
def _separable(
    rows: Float[Array, "h h"], image: Float[Array, "h w *c"], columns: Float[Array, "w w"]
) -> Float[Array, "h w *c"]:
    return jnp.einsum("ij,jk...,lk->il...", rows, image, columns)


@jax.jit
def _sharpened(
    pixels: Float[Array, "h w 3"],
    rows: Float[Array, "h h"],
    columns: Float[Array, "w w"],
    amount: Float[Array, ""] | float,
    threshold: Float[Array, ""] | float,
) -> Float[Array, "h w 3"]:
    brightness = luma(pixels)
    detail = brightness - _separable(rows, brightness, columns)
    detail = jnp.sign(detail) * jnp.maximum(jnp.abs(detail) - threshold, 0)
    return jnp.clip(pixels + amount * detail[..., None], 0, 1)


def _blur_matrix(length: int, sigma: float) -> Float[np.ndarray, "length length"]:
    """Row i holds the weights of the pixels that make up blurred pixel i.

    A mirrored line has period 2·length; on it, pixel j stands at j and at −1 − j.
    """
    offsets = np.arange(-reach(sigma), reach(sigma) + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    periodic = np.bincount(offsets % (2 * length), kernel / kernel.sum(), minlength=2 * length).astype(np.float32)
    i, j = np.ogrid[:length, :length]
    return periodic[(i - j) % (2 * length)] + periodic[i + j + 1]


def _sorting_network(count: int) -> Iterator[tuple[int, int]]:
    """Pairs (a, b), a < b, to be put in order one after the other: Batcher's odd-even merge sort (Knuth, TAOCP 3, 5.2.2 M).

    Where only one sorted value is wanted, XLA drops the comparisons that it does not need.
    """
    p = half = 1 << (count - 1).bit_length() - 1
    while p > 0:
        q, r, d = half, 0, p
        while d > 0:
            yield from ((i, i + d) for i in range(count - d) if i & p == r)
            d, q, r = q - p, q // 2, p
        p //= 2
