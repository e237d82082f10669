"""Compositing: by a hard or feathered mask, and by the modes of W3C's Compositing and Blending, level 1.

Colors are sRGB-encoded and not premultiplied, as in `Image`, and blended as they are, as browsers do. An alpha of None is that
of an opaque picture.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.arrays import Pixels, Plane
from stylepipe.image.filters.neighborhood import gaussian_blur
from stylepipe.image.filters.reach import blur_reach
from stylepipe.image.filters.tiled_filter import tiled
from stylepipe.image.modes import BlendMode


def feather(mask: Plane, *, radius: float) -> Plane:
    """Feathers a mask: its edges become ramps of `radius` > 0 pixels to either side, by a Gaussian blur with σ = radius / 3.

    Along a straight edge the value is ½ on the edge, and beyond the ramp within half a level of 8 bits of 0 or 1.
    """
    sigma = radius / 3
    return tiled(partial(gaussian_blur, sigma=sigma), np.asarray(mask), reach=blur_reach(sigma))


@jax.jit
def mix(
    background: Pixels, background_alpha: Plane | None, image: Pixels, image_alpha: Plane | None, mask: Plane
) -> tuple[Pixels, Plane | None]:
    """Mixes background and image by a mask m: (1 − m) background + m image, of pixels and alpha.

    Each counts by its own opacity: α C = (1 − m) α_b C_b + m α_i C_i, α = (1 − m) α_b + m α_i. Pixels are clamped to [0, 1].
    """
    behind, before = (1 - mask) * _opacity(background_alpha), mask * _opacity(image_alpha)
    alpha = behind + before
    pixels = _divided(behind[..., None] * background + before[..., None] * image, alpha, background)
    return pixels, None if background_alpha is None and image_alpha is None else alpha


@jax.jit(static_argnames="mode")
def composite(
    backdrop: Pixels, backdrop_alpha: Plane | None, source: Pixels, source_alpha: Plane, *, mode: BlendMode
) -> tuple[Pixels, Plane | None]:
    """Composites the source over the backdrop with a blend `mode`: pixels and alpha (W3C, section 10, `source-over`).

    α C = α_s ((1 − α_b) C_s + α_b B(C_b, C_s)) + (1 − α_s) α_b C_b, α = α_s + (1 − α_s) α_b.
    """
    behind = _opacity(backdrop_alpha)
    remaining = (1 - source_alpha) * behind
    alpha = source_alpha + remaining
    weights = source_alpha * (1 - behind), source_alpha * behind, remaining
    colors = source, _BLENDED[mode](backdrop, source), backdrop
    premultiplied = sum(weight[..., None] * color for weight, color in zip(weights, colors, strict=True))
    return _divided(premultiplied, alpha, backdrop), None if backdrop_alpha is None else alpha


# --- blend modes: B(backdrop, source), W3C section 9 ------------------------------------------------------------------


def _normal(backdrop: Pixels, source: Pixels) -> Pixels:
    return source


def _multiply(backdrop: Pixels, source: Pixels) -> Pixels:
    return backdrop * source


def _screen(backdrop: Pixels, source: Pixels) -> Pixels:
    return backdrop + source - backdrop * source


def _overlay(backdrop: Pixels, source: Pixels) -> Pixels:
    return jnp.where(backdrop <= 0.5, _multiply(2 * backdrop, source), _screen(2 * backdrop - 1, source))


def _soft_light(backdrop: Pixels, source: Pixels) -> Pixels:
    lighter = jnp.where(backdrop <= 0.25, ((16 * backdrop - 12) * backdrop + 4) * backdrop, jnp.sqrt(backdrop))
    darken = backdrop - (1 - 2 * source) * backdrop * (1 - backdrop)
    lighten = backdrop + (2 * source - 1) * (lighter - backdrop)
    return jnp.where(source <= 0.5, darken, lighten)


def _luminosity(backdrop: Pixels, source: Pixels) -> Pixels:
    """Returns the backdrop's hue and saturation with the source's luminosity, desaturated into [0, 1]."""
    target = _luminosity_of(source)
    chroma = backdrop - _luminosity_of(backdrop)
    lowest, highest = chroma.min(-1, keepdims=True), chroma.max(-1, keepdims=True)
    fits_below = jnp.where(target + lowest < 0, target / jnp.where(lowest < 0, -lowest, 1), 1)
    fits_above = jnp.where(target + highest > 1, (1 - target) / jnp.where(highest > 0, highest, 1), 1)
    return target + chroma * jnp.minimum(fits_below, fits_above)


def _luminosity_of(pixels: Pixels) -> Float[Array, "h w 1"]:
    return 0.3 * pixels[..., :1] + 0.59 * pixels[..., 1:2] + 0.11 * pixels[..., 2:]


_BLENDED = {
    "normal": _normal,
    "multiply": _multiply,
    "screen": _screen,
    "overlay": _overlay,
    "soft_light": _soft_light,
    "luminosity": _luminosity,
}


def _opacity(alpha: Plane | None) -> Plane | float:
    return 1.0 if alpha is None else alpha


def _divided(premultiplied: Pixels, alpha: Plane, where_transparent: Pixels) -> Pixels:
    visible = alpha[..., None] > 0
    pixels = jnp.where(visible, premultiplied / jnp.where(visible, alpha[..., None], 1), where_transparent)
    return jnp.clip(pixels, 0, 1)
