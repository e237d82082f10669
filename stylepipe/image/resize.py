"""Resampling by separable kernels with sparse weights, at a cost independent of the picture side."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from stylepipe.artifacts import Array, Image
from stylepipe.image.color.color_spaces import linear_to_srgb, srgb_to_linear
from stylepipe.image.modes import ResizeMethod
from stylepipe.transparency import alpha_of, fill_hidden

_LEAST_ALPHA = 1 / 255
"""Alpha below which colors cannot be separated from rounding and overshoot."""


def resize(
    pixels: Float[Array, "height width *channels"],
    size: tuple[int, int],
    *,
    method: ResizeMethod = "lanczos3",
    linear_light: bool = False,
) -> Float[Array, "new_height new_width *channels"]:
    """Resamples a picture or a mask to `size`, (height, width).

    Pixels are areas: the corners of both pictures coincide. When shrinking, kernels are stretched so that no detail aliases.

    - `lanczos3`: sinc(x) sinc(x/3) for |x| < 3 (Duchon 1979); sharp, overshoots at edges.
    - `bicubic`: Keys' cubic convolution, a = −0.5 (Keys 1981), as in MATLAB's imresize; overshoots a little.
    - `bilinear`: the triangle.
    - `area`: the mean over the area that a new pixel covers.
    - `nearest`: the pixel that holds the new pixel's center; no antialiasing.

    Beyond the border there is nothing: the weights inside are scaled to sum to 1. (MATLAB mirrors the picture there.)
    With `linear_light` the light is resampled rather than its sRGB encoding. Values are not clamped.
    """
    if np.shape(pixels)[:2] == size:
        return jnp.asarray(pixels)
    height, width = np.shape(pixels)[:2]
    values = srgb_to_linear(pixels) if linear_light else pixels
    values = _resample(values, _taps(height, size[0], method), _taps(width, size[1], method))
    return linear_to_srgb(values) if linear_light else values


def resize_image(
    image: Image, size: tuple[int, int], *, method: ResizeMethod = "lanczos3", linear_light: bool = False
) -> Image:
    """Resamples a picture with its transparency to `size`, (height, width), as `resize` does, clamped to [0, 1].

    Colors count by their alpha: pixels times alpha are resampled, and divided by the new alpha (premultiplied alpha, Porter and
    Duff 1984). Where that is below 1/255, they are filled from the visible ones around. Alpha is never resampled as light.
    """
    alpha = None if image.alpha is None else resize(image.alpha, size, method=method)
    if alpha is None or alpha_of(image) is None or method == "nearest" or image.size == size:
        pixels = resize(image.pixels, size, method=method, linear_light=linear_light)
    else:
        pixels = _unpremultiplied(image, size, alpha, method=method, linear_light=linear_light)
    return Image(jnp.clip(pixels, 0, 1), None if alpha is None else jnp.clip(alpha, 0, 1))


def _unpremultiplied(
    image: Image, size: tuple[int, int], alpha: Float[Array, "h w"], *, method: ResizeMethod, linear_light: bool
) -> Float[Array, "h w 3"]:
    colors = srgb_to_linear(image.pixels) if linear_light else jnp.asarray(image.pixels)
    premultiplied = resize(colors * jnp.asarray(image.alpha)[..., None], size, method=method)
    visible = alpha >= _LEAST_ALPHA
    colors = jnp.clip(jnp.where(visible[..., None], premultiplied / jnp.where(visible, alpha, 1)[..., None], 0), 0, 1)
    pixels = linear_to_srgb(colors) if linear_light else colors
    return jnp.asarray(fill_hidden(np.asarray(pixels), np.asarray(jnp.where(visible, alpha, 0))))


def crop_center(pixels: Float[Array, "height width *channels"], size: tuple[int, int]) -> Float[Array, "..."]:
    """Returns the central crop of a picture at least as large as `size`, (height, width)."""
    top, left = (np.shape(pixels)[0] - size[0]) // 2, (np.shape(pixels)[1] - size[1]) // 2
    return pixels[top : top + size[0], left : left + size[1]]


# --- kernels: the weight of an old pixel at `distance` from the center of a new one, where new pixels are `step` old ones wide


def _lanczos3(distance: np.ndarray, step: float) -> np.ndarray:
    x = distance / max(step, 1)
    return np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _bicubic(distance: np.ndarray, step: float) -> np.ndarray:
    x = distance / max(step, 1)
    return np.where(x < 1, (1.5 * x - 2.5) * x**2 + 1, np.where(x < 2, ((2.5 - 0.5 * x) * x - 4) * x + 2, 0))


def _bilinear(distance: np.ndarray, step: float) -> np.ndarray:
    return np.maximum(1 - distance / max(step, 1), 0)


def _area(distance: np.ndarray, step: float) -> np.ndarray:
    """The overlap of an old pixel with a new one."""
    return np.clip((step + 1) / 2 - distance, 0, min(step, 1))


_KERNELS = {"lanczos3": _lanczos3, "bicubic": _bicubic, "bilinear": _bilinear, "area": _area}
_REACH = {"lanczos3": 3, "bicubic": 2, "bilinear": 1, "area": 1}

_Taps = tuple[Int[Array, "_"], Float[Array, "_ _"]]


def _taps(old: int, new: int, method: ResizeMethod) -> _Taps:
    """Returns, for each new pixel along an axis, its first old pixel and the weights from there on."""
    step = old / new
    centers = (np.arange(new) + 0.5) * step - 0.5
    if method == "nearest":
        return (2 * np.arange(new) + 1) * old // (2 * new), np.ones((new, 1), np.float32)
    reach = _REACH[method] * max(step, 1)
    taps = min(old, int(np.ceil(2 * reach)))
    first = np.clip(np.floor(centers - reach).astype(int) + 1, 0, old - taps)
    weights = _KERNELS[method](np.abs(first[:, None] + np.arange(taps) - centers[:, None]), step)
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@jax.jit
def _resample(pixels: Float[Array, "_ _ *channels"], rows: _Taps, columns: _Taps) -> Float[Array, "_ _ *channels"]:
    return _along_rows(_along_rows(pixels, *rows).swapaxes(0, 1), *columns).swapaxes(0, 1)


def _along_rows(
    pixels: Float[Array, "old *rest"], first: Int[Array, "new"], weights: Float[Array, "new taps"]
) -> Float[Array, "new *rest"]:
    """Σ over taps t of weights[:, t] · pixels[first + t].

    `jax.image.resize` multiplies by a dense matrix, new × old: several times slower at a thousand pixels a side, and float32
    weights leave errors of 1e-4.
    """
    by_tap = weights.T.reshape(weights.shape[1], -1, *[1] * (pixels.ndim - 1))

    def add(tap: Array, total: Array) -> Array:
        return total + by_tap[tap] * pixels[first + tap]

    nothing = jnp.zeros((len(first), *pixels.shape[1:]), pixels.dtype)
    # Unrolled, usual kernels become one pass over the picture; the rest is for reductions to a few pixels.
    return jax.lax.fori_loop(0, weights.shape[1], add, nothing, unroll=32)
