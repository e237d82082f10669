"""Embedded ICC colour profiles: from a picture's own colour space to sRGB."""

from io import BytesIO

import numpy as np
import PIL.Image
from PIL import ImageCms


def to_srgb(picture: PIL.Image.Image, profile: bytes | None) -> PIL.Image.Image | None:
    """The picture in sRGB (mode RGB) by its embedded profile; None where there is nothing to convert.

    `picture` has mode L, RGB or CMYK (8 bits, the depth that Pillow's colour management has). The rendering intent is relative
    colorimetric with black-point compensation. Nothing is converted without a profile, by one that is broken or belongs to
    another kind of picture, and by one that is sRGB itself: it changes no colour of a test grid by more than one level.
    """
    if not profile:
        return None
    for mode in ("L", "RGB") if picture.mode == "L" else (picture.mode,):  # a grey picture may carry a profile for RGB
        transform = _transform(profile, mode)
        if transform is not None:
            same = mode != "CMYK" and _is_identity(transform, mode)
            return None if same else ImageCms.applyTransform(picture.convert(mode), transform)
    return None


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From `mode` to sRGB; None when the profile is broken or not for pictures of that mode."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,  # optimised, dark greys are 10 levels off
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the transform leaves a grid of colours (all 256 greys; 6 levels per channel) as they are, within one level."""
    levels = np.arange(256) if mode == "L" else np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), axis=-1).reshape(-1, 3)
    grid = PIL.Image.fromarray(levels[None].astype(np.uint8))
    converted = ImageCms.applyTransform(grid, transform)
    return bool(np.abs(np.asarray(converted, np.int16) - np.asarray(grid.convert("RGB"), np.int16)).max() <= 1)
