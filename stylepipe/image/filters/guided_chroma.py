"""Chroma of one picture for the lightness of another one of the same scene, smoothed along the latter's edges."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.color.color_spaces import oklab_to_rgb, rgb_to_oklab
from stylepipe.image.filters.guided_filter import guided_filter

_DARKEST = 0.08
"""The least lightness in ratios."""

_RATIOS = 0.6, 2.5
"""The bounds of the ratio of new to old lightness."""


def guided_chroma(
    pixels: Float[Array, "h w 3"],
    colors: Float[Array, "h w 3"],
    *,
    exponent: float,
    gray: float,
    radius: int,
    eps: float,
    gain: float,
) -> Float[Array, "h w 3"]:
    """Combines the lightness of `pixels` with the chroma of `colors`, both in Oklab.

    With L the lightness of `pixels`, and L₀ and c = (a, b) the lightness and the chroma of `colors`:

        r  = clip(L / max(guided(L₀ by L, 2 · radius), 0.08), 0.6, 2.5)
        c′ = gain · guided(r^exponent · c · n / (n + gray) by L, radius),    n = |r^exponent · c|

    What became lighter becomes more colorful by that ratio, as light on a surface does. n / (n + `gray`) keeps what is nearly
    gray from being tinted, `gray` being a chroma. `guided` is `guided_filter` with `eps`: colors end at the strokes of `pixels`
    rather than at the edges of `colors`. Not clamped.
    """
    lightness = np.asarray(rgb_to_oklab(pixels))[..., 0]
    old_lightness, *chroma = np.moveaxis(np.asarray(rgb_to_oklab(colors)), -1, 0)
    old_lightness = guided_filter(old_lightness, lightness, radius=2 * radius, eps=eps)
    scale = np.clip(lightness / np.maximum(old_lightness, _DARKEST), *_RATIOS) ** exponent
    chroma = [scale * plane for plane in chroma]
    size = np.hypot(*chroma)
    share = gain * size / np.maximum(size + gray, np.finfo(np.float32).tiny)
    chroma = [guided_filter(share * plane, lightness, radius=radius, eps=eps) for plane in chroma]
    return oklab_to_rgb(jnp.stack([lightness, *chroma], axis=-1))
