"""Whole pictures: blur, glow, tone, color grading, eight bits."""

import numpy as np
from PIL import Image

Array = np.ndarray
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def blurred(image: Array, radius: float) -> Array:
    """Three box filters in each direction: about a Gaussian of standard deviation `radius`; edges are repeated."""
    for axis in (0, 1):
        for _ in range(3):
            image = smeared(image, radius, axis)
    return image


def smeared(image: Array, reach: float, axis: int) -> Array:
    """The mean of the pixels up to `reach` away along one axis (one at least); edges are repeated."""
    half = max(1, round(reach))
    width = 2 * half + 1
    padding = [(0, 0)] * image.ndim
    padding[axis] = (half + 1, half)
    total = np.moveaxis(np.cumsum(np.pad(image, padding, mode="edge"), axis=axis, dtype=np.float64), axis, 0)
    return np.moveaxis(((total[width:] - total[:-width]) / width).astype(np.float32), 0, axis)


def halved(image: Array) -> Array:
    """Every 2×2 pixels averaged into one."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return image.reshape(height, 2, width, 2, *image.shape[2:]).mean((1, 3), dtype=np.float32)


def bloom(radiance: Array, strength: float, radii: tuple[float, ...]) -> Array:
    """Adds the glow of the brightest light around itself, near and far."""
    bright = np.maximum(radiance - 1.1, 0) ** 0.8
    return radiance + sum(strength / len(radii) * blurred(bright, radius) for radius in radii)


def developed(radiance: Array, exposure: float) -> Array:
    """Linear light (…, 3) to display values 0 … 1: a filmic shoulder and toe on each channel, and a gamma of 2.2.

    The curve is the rational fit of Narkowicz, "ACES filmic tone mapping curve" (2015).
    """
    x = np.maximum(radiance * exposure, 0)
    film = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return np.clip(film, 0, 1) ** np.float32(1 / 2.2)


def graded(
    image: Array,
    *,
    contrast: float,
    saturation: float,
    shadows: tuple[float, float, float],
    lights: tuple[float, float, float] = (0, 0, 0),
) -> Array:
    """An S-curve about the middle, more or less color, and a tint added to the shadows and to the lights."""
    image = image + contrast * (image * image * (3 - 2 * image) - image)
    luma = (image @ LUMA)[..., None]
    image = luma + saturation * (image - luma)
    return np.clip(
        image + np.array(shadows, np.float32) * (1 - luma) ** 2 + np.array(lights, np.float32) * luma**2, 0, 1
    ).astype(np.float32)


def eight_bits(image: Array) -> Image.Image:
    """A Pillow picture of values 0 … 1, gray or RGB."""
    return Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
