"""Conversions between sRGB-encoded RGB and other color spaces.

Each conversion maps an array whose last axis is the color. Nothing is clamped: colors outside [0, 1] keep their meaning, so one
clamp at the end of a computation is enough. `SPACES` has the names of the spaces in recipes.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array

Color = Float[Array, "*size 3"]


def _linear_map(matrix: np.ndarray, color: Color) -> Color:
    """Multiplies each color by `matrix` in full float32 (accelerators round products otherwise)."""
    return jnp.matmul(color, jnp.asarray(matrix.T, jnp.float32))


# --- light ------------------------------------------------------------------------------------------------------------


@jax.jit
def srgb_to_linear(encoded: Float[Array, "*size"]) -> Float[Array, "*size"]:
    """Decodes sRGB to linear light (IEC 61966-2-1); negative values are mirrored."""
    size = jnp.abs(encoded)
    light = jnp.where(size <= 0.04045, size / 12.92, ((jnp.maximum(size, 0.04045) + 0.055) / 1.055) ** 2.4)
    return jnp.sign(encoded) * light


@jax.jit
def linear_to_srgb(light: Float[Array, "*size"]) -> Float[Array, "*size"]:
    """The inverse of `srgb_to_linear`."""
    size = jnp.abs(light)
    encoded = jnp.where(size <= 0.0031308, 12.92 * size, 1.055 * jnp.maximum(size, 0.0031308) ** (1 / 2.4) - 0.055)
    return jnp.sign(light) * encoded


# --- luma and chroma --------------------------------------------------------------------------------------------------

_LUMA = np.array([0.299, 0.587, 0.114])
_RED_LESS_LUMA, _BLUE_LESS_LUMA = np.eye(3)[0] - _LUMA, np.eye(3)[2] - _LUMA
_RGB_TO_YCBCR = np.stack([_LUMA, _BLUE_LESS_LUMA / 1.772, _RED_LESS_LUMA / 1.402])

# NTSC: I and Q are the color differences U and V turned by 33 degrees.
_U, _V = 0.492111 * _BLUE_LESS_LUMA, 0.877283 * _RED_LESS_LUMA
_SIN, _COS = np.sin(np.deg2rad(33)), np.cos(np.deg2rad(33))
_RGB_TO_YIQ = np.stack([_LUMA, _COS * _V - _SIN * _U, _SIN * _V + _COS * _U])


def luma(rgb: Color) -> Float[Array, "*size"]:
    """Returns Y′ of Rec. BT.601, in [0, 1]: 0.299 R′ + 0.587 G′ + 0.114 B′ of the encoded values."""
    return rgb_to_ycbcr(rgb)[..., 0]


@jax.jit
def rgb_to_ycbcr(rgb: Color) -> Color:
    """Returns Y′ in [0, 1], Cb and Cr in [−0.5, 0.5]: Rec. BT.601 at full range, as in JPEG (JFIF 1.02)."""
    return _linear_map(_RGB_TO_YCBCR, rgb)


@jax.jit
def ycbcr_to_rgb(ycbcr: Color) -> Color:
    """The inverse of `rgb_to_ycbcr`."""
    return _linear_map(np.linalg.inv(_RGB_TO_YCBCR), ycbcr)


@jax.jit
def rgb_to_yiq(rgb: Color) -> Color:
    """Returns Y′ in [0, 1], I in [−0.596, 0.596], Q in [−0.523, 0.523]: the NTSC color space."""
    return _linear_map(_RGB_TO_YIQ, rgb)


@jax.jit
def yiq_to_rgb(yiq: Color) -> Color:
    """The inverse of `rgb_to_yiq`."""
    return _linear_map(np.linalg.inv(_RGB_TO_YIQ), yiq)


# --- spaces of perception ---------------------------------------------------------------------------------------------

_LINEAR_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2° observer
_LINEAR_TO_XYZ_OF_WHITE = _LINEAR_TO_XYZ / _WHITE[:, None]
_XYZ_TO_LAB = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])
_LAB_OFFSET = np.array([16.0, 0, 0], np.float32)
_DELTA = 6 / 29


@jax.jit
def rgb_to_lab(rgb: Color) -> Color:
    """Returns CIE L*a*b* under D65 (CIE 15): L* in [0, 100], a* and b* within about ±110."""
    xyz = _linear_map(_LINEAR_TO_XYZ_OF_WHITE, srgb_to_linear(rgb))
    roots = jnp.where(xyz > _DELTA**3, jnp.cbrt(xyz), xyz / (3 * _DELTA**2) + 4 / 29)
    return _linear_map(_XYZ_TO_LAB, roots) - _LAB_OFFSET


@jax.jit
def lab_to_rgb(lab: Color) -> Color:
    """The inverse of `rgb_to_lab`."""
    roots = _linear_map(np.linalg.inv(_XYZ_TO_LAB), lab + _LAB_OFFSET)
    xyz = jnp.where(roots > _DELTA, roots**3, 3 * _DELTA**2 * (roots - 4 / 29))
    return linear_to_srgb(_linear_map(np.linalg.inv(_LINEAR_TO_XYZ_OF_WHITE), xyz))


_LINEAR_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_LOG_LMS_TO_LALPHABETA = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
_DARKEST = 1e-4


@jax.jit
def rgb_to_lalphabeta(rgb: Color) -> Color:
    """lαβ (Ruderman et al. 1998, with the matrices of Reinhard et al. 2001, "Color Transfer between Images", equations 4–6).

    The cone responses are those of light, where the paper leaves open whether its RGB is encoded. They are raised to 1e-4, a
    third of the first 8-bit level above black, before the decimal logarithm, which the paper leaves undefined at zero.
    """
    lms = jnp.maximum(_linear_map(_LINEAR_TO_LMS, srgb_to_linear(rgb)), _DARKEST)
    return _linear_map(_LOG_LMS_TO_LALPHABETA, jnp.log10(lms))


@jax.jit
def lalphabeta_to_rgb(lalphabeta: Color) -> Color:
    """The inverse of `rgb_to_lalphabeta`, exact where the paper's is rounded to four digits."""
    lms = 10 ** _linear_map(np.linalg.inv(_LOG_LMS_TO_LALPHABETA), lalphabeta)
    return linear_to_srgb(_linear_map(np.linalg.inv(_LINEAR_TO_LMS), lms))


_LINEAR_TO_OKLAB_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_ROOTS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@jax.jit
def rgb_to_oklab(rgb: Color) -> Color:
    """Oklab (B. Ottosson 2020, "A perceptual color space for image processing"): L in [0, 1], a and b within about ±0.32."""
    return _linear_map(_ROOTS_TO_OKLAB, jnp.cbrt(_linear_map(_LINEAR_TO_OKLAB_LMS, srgb_to_linear(rgb))))


@jax.jit
def oklab_to_rgb(oklab: Color) -> Color:
    """The inverse of `rgb_to_oklab`."""
    lms = _linear_map(np.linalg.inv(_ROOTS_TO_OKLAB), oklab) ** 3
    return linear_to_srgb(_linear_map(np.linalg.inv(_LINEAR_TO_OKLAB_LMS), lms))


# --- by name ----------------------------------------------------------------------------------------------------------


class Space(NamedTuple):
    """A color space: the conversions from and to sRGB."""

    from_rgb: Callable[[Color], Color]
    to_rgb: Callable[[Color], Color]


SPACES: Mapping[str, Space] = {
    "rgb": Space(jnp.asarray, jnp.asarray),
    "ycbcr": Space(rgb_to_ycbcr, ycbcr_to_rgb),
    "yiq": Space(rgb_to_yiq, yiq_to_rgb),
    "lab": Space(rgb_to_lab, lab_to_rgb),
    "oklab": Space(rgb_to_oklab, oklab_to_rgb),
    "lalphabeta": Space(rgb_to_lalphabeta, lalphabeta_to_rgb),
}
