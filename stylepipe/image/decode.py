"""From an opened picture file to arrays of samples: bit depths, palettes, transparency, orientation, colour profiles.

Pillow keeps 8 bits of each sample of a 16-bit colour picture. The other 8 are read in a second pass over the file with the byte
order turned round, which makes Pillow's unpacker take the low bytes where it takes the high ones.
"""

import re
import sys
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import Any

import numpy as np
import PIL.Image
from jaxtyping import Float32, UInt16
from PIL import ImageOps
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from stylepipe.image.profiles import to_srgb

_MODES = {"1", "L", "La", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "F", "I;16", "I;16B"}
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR_CONFIGURATION, _SAMPLE_FORMAT = 258, 262, 284, 339  # tags of TIFF 6.0
_ORIENTATION, _TURNED = 0x0112, 5  # a tag of EXIF, and its first value whose picture lies on a side
_WHITE_IS_ZERO, _SEPARATE_PLANES, _SIGNED = 0, 2, 2


class UnsupportedSamples(Exception):
    """Samples that are not read; the text says of what kind they are."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Decoded samples in [0, 1]: `color` of shape (h, w, 3), or (h, w) for a grey picture, and its transparency."""

    color: Float32[np.ndarray, "height width *channels"]
    alpha: Float32[np.ndarray, "height width"] | None


def decode(file: BufferedReader | BytesIO, picture: ImageFile, *, managed: bool) -> Samples:
    """Decodes the `picture` whose header was read from `file`, upright by its EXIF orientation.

    Read are bilevel, grey, palette, RGB, CMYK and YCbCr samples of up to 8 bits; 16-bit grey, RGB and RGBA (16-bit grey with
    alpha, CMYK and premultiplied RGBA lose the lower 8 bits); and 32-bit float grey, clamped to [0, 1]. Where `managed`, an
    embedded colour profile is applied, in 8 bits unless it is sRGB's. Of several frames the first is read.

    Raises UnsupportedSamples for others, and whatever Pillow raises for damaged files.
    """
    _check_samples(picture)
    low_order = [_low_order(tile) for tile in picture.tile]
    profile = picture.info.get("icc_profile") if managed else None
    upright = _load_upright(picture)
    if upright.mode == "F":
        return Samples(_finite(np.asarray(upright)).clip(0, 1), None)
    if upright.mode.startswith("I;16"):
        return _from_16_bits(np.asarray(upright, np.uint16), upright.info.get("transparency"), profile)
    if low_order and all(low_order):
        again = PIL.Image.open(file, formats=[str(picture.format)])
        again.tile = low_order
        levels = np.asarray(upright, np.uint16) << 8 | np.asarray(_load_upright(again))
        return _from_16_bits(levels, upright.info.get("transparency"), profile)
    color, alpha = _split(upright)
    shown = to_srgb(color, profile) or (color if color.mode == "L" else color.convert("RGB"))
    return Samples(_unit(np.asarray(shown)), None if alpha is None else _unit(np.asarray(alpha)))


def upright_size(_: BufferedReader, picture: ImageFile) -> tuple[int, int]:
    """(height, width) of the picture that `decode` would return, by its header.

    An orientation that a PNG states behind its samples is not seen.
    """
    exif = PIL.Image.Image.getexif(picture)  # not PngImageFile's own, which decodes the picture to find it
    turned = exif.get(_ORIENTATION, 1) >= _TURNED and not isinstance(picture, TiffImageFile)  # those say their upright size
    width, height = picture.size
    return (width, height) if turned else (height, width)


def _from_16_bits(levels: UInt16[np.ndarray, "..."], transparent: Any, profile: bytes | None) -> Samples:
    """Splits grey, RGB or RGBA levels; `transparent` is the grey level or the colour that stands for transparency, if any."""
    color, alpha = levels, None
    if levels.ndim == 3 and levels.shape[2] == 4:
        color, alpha = levels[..., :3], _unit(levels[..., 3])
    elif transparent is not None:
        differs = color != np.asarray(transparent)
        alpha = (differs.any(-1) if color.ndim == 3 else differs).astype(np.float32)
    shown = to_srgb(PIL.Image.fromarray((color >> 8).astype(np.uint8)), profile) if profile else None
    return Samples(_unit(color if shown is None else np.asarray(shown)), alpha)


def _check_samples(picture: ImageFile) -> None:
    """Refuses the samples that Pillow reads with another meaning, or not at all."""
    if isinstance(picture, TiffImageFile):
        tags = picture.tag_v2
        if _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
            raise UnsupportedSamples("signed samples")
        bits = set(tags.get(_BITS_PER_SAMPLE, (1,)))
        if not bits <= {1, 2, 4, 8, 16, 32}:
            raise UnsupportedSamples(f"{max(bits)}-bit samples")
        if 16 in bits:
            if tags.get(_PLANAR_CONFIGURATION) == _SEPARATE_PLANES:
                raise UnsupportedSamples("16-bit samples in separate planes")
            if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
                raise UnsupportedSamples("16-bit samples with white as zero")
    if picture.mode not in _MODES:
        raise UnsupportedSamples(f"samples of mode {picture.mode}")


def _low_order(tile: Any) -> Any:
    """The tile as it must be for Pillow to take the low bytes of 16-bit RGB or RGBA; None for other samples."""
    raw_mode, *rest = (tile.args,) if isinstance(tile.args, str) else tile.args
    found = re.fullmatch(r"(RGB[AX]?;16)([BLN])", str(raw_mode))
    if not found:
        return None
    turned = found[1] + _OTHER_ORDER[found[2]]
    return tile._replace(args=(turned, *rest) if rest else turned)


def _load_upright(picture: ImageFile) -> PIL.Image.Image:
    picture.load()
    return ImageOps.exif_transpose(picture)


def _split(picture: PIL.Image.Image) -> tuple[PIL.Image.Image, PIL.Image.Image | None]:
    """An 8-bit picture's colours (mode L, RGB or CMYK) and its transparency (mode L), whatever form that has."""
    if picture.mode == "La":
        picture = picture.convert("LA")
    grey = picture.mode in ("1", "L", "LA")
    if picture.has_transparency_data:
        both = picture.convert("LA" if grey else "RGBA")
        return both.convert("L" if grey else "RGB"), both.getchannel("A")
    return picture if picture.mode == "CMYK" else picture.convert("L" if grey else "RGB"), None


def _unit(levels: np.ndarray) -> np.ndarray:
    """Integer levels as float32 in [0, 1]."""
    return levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise UnsupportedSamples("samples that are not numbers")
    return values
