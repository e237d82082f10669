"""Embedded ICC color profiles: conversion from a picture's color space to sRGB."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import cast

import numpy as np
import PIL.Image
from PIL import ImageCms

Conversion = Callable[[PIL.Image.Image], PIL.Image.Image]


def conversion_to_srgb(mode: str, profile: bytes | None) -> Conversion | None:
    """Returns a converter of pictures of a mode, by their profile, to sRGB (mode RGB); None if there is nothing to convert.

    `mode` is L, RGB or CMYK (8 bits, the depth that Pillow's color management has). The rendering intent is relative
    colorimetric with black-point compensation. There is nothing to convert without a profile, with a broken one or one
    for another kind of picture, and with sRGB itself, which changes no color of a test grid by more than one level. Each pixel
    is converted by itself, so a picture may be converted in parts.
    """
    if not profile:
        return None
    for of_profile in ("L", "RGB") if mode == "L" else (mode,):  # a gray picture may carry a profile for RGB
        transform = _transform(profile, of_profile)
        if transform is not None:
            same = of_profile != "CMYK" and _is_identity(transform, of_profile)
            return None if same else partial(_converted, mode=of_profile, transform=transform)
    return None


def _converted(picture: PIL.Image.Image, *, mode: str, transform: ImageCms.ImageCmsTransform) -> PIL.Image.Image:
    return cast("PIL.Image.Image", ImageCms.applyTransform(picture.convert(mode), transform))


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Returns the transform from `mode` to sRGB; None when the profile is broken or for another mode."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,  # optimized, dark grays are 10 levels off
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Returns whether the transform changes a grid of colors (all 256 grays; 6 levels per channel) by at most one level."""
    levels = np.arange(256) if mode == "L" else np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), axis=-1).reshape(-1, 3)
    grid = PIL.Image.fromarray(levels[None].astype(np.uint8))
    converted = ImageCms.applyTransform(grid, transform)
    return bool(np.abs(np.asarray(converted, np.int16) - np.asarray(grid.convert("RGB"), np.int16)).max() <= 1)
