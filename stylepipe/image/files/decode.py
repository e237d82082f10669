"""Decoding an opened picture file: bit depths, palettes, transparency, orientation, color profiles.

Pillow holds the decoded samples at up to 4 bytes a pixel; from there they go in bands of rows into the arrays of the result, so
that no further copy of the whole picture exists.

Pillow keeps 8 bits of each sample of a 16-bit color picture. The other 8 are read in a second pass over the file with the byte
order reversed, which makes Pillow's unpacker take the low bytes where it takes the high ones.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import PIL.Image
from jaxtyping import Float32, Shaped
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from stylepipe.image.files.color_profiles import conversion_to_srgb

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile  # slow to import

_MODES = {"1", "L", "La", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "F", "I;16", "I;16B"}
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR_CONFIGURATION, _SAMPLE_FORMAT = 258, 262, 284, 339  # tags of TIFF 6.0
_ORIENTATION, _TURNED = 0x0112, 5  # a tag of EXIF, and its first value whose picture lies on a side
_WHITE_IS_ZERO, _SEPARATE_PLANES, _SIGNED = 0, 2, 2
_BRIGHTEST = {"L;2": 3, "L;4": 15}
"""The largest level of a gray PNG with 2 or 4 bits, by Pillow's raw mode."""
_BAND = 2**20
"""Pixels per band of the conversion."""
_START_OF_SCAN, _MAX_SCANS = b"\xff\xda", 100
"""The start-of-scan marker of JPEG. Each scan takes time for the whole picture; progressive files have about ten."""


class UnsupportedSamples(Exception):
    """Samples of an unsupported kind; the text names the kind."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Decoded samples in [0, 1]: `color` of shape (h, w, 3), or (h, w) for a gray picture, and its transparency."""

    color: Float32[np.ndarray, "height width *channels"]
    alpha: Float32[np.ndarray, "height width"] | None


def decode(file: BufferedReader | BytesIO, picture: ImageFile, *, managed: bool) -> Samples:
    """Decodes the `picture` whose header was read from `file`, upright by its EXIF orientation.

    It reads bilevel, gray, palette, RGB, CMYK and YCbCr samples of up to 8 bits; 16-bit gray, RGB and RGBA (16-bit gray with
    alpha, CMYK and premultiplied RGBA lose the lower 8 bits, as do AVIF and HEIF pictures of more than 8); and 32-bit float
    gray, clamped to [0, 1]. Where `managed`, an embedded color profile is applied, in 8 bits unless it is sRGB's. Of several
    frames the first is read.

    Raises UnsupportedSamples for others, and whatever Pillow raises for damaged files.
    """
    _check_samples(picture)
    if isinstance(picture, JpegImageFile):
        _check_scans(file)
    low_order = [_low_order(tile) for tile in picture.tile]
    profile = picture.info.get("icc_profile") if managed else None
    if low_order and all(low_order):
        return _decode_16_bit_color(file, str(picture.format), low_order, profile)
    _bring_transparent_level_to_8_bits(picture)
    loaded = _loaded(file, picture)
    orientation = _orientation(loaded)
    if loaded.mode == "F":
        return Samples(_decode_float(loaded, orientation), None)
    if loaded.mode.startswith("I;16"):
        return _decode_16_bit_gray(loaded, orientation, profile)
    return _decode_8_bit(loaded, orientation, profile)


def upright_size(picture: ImageFile) -> tuple[int, int]:
    """Returns the (height, width) of the picture that `decode` would return, from its header.

    An orientation that a PNG has after its samples is ignored.
    """
    turned = _turned(_orientation(picture)) and picture.format != "TIFF"  # whose size is the upright one
    width, height = picture.size
    return (width, height) if turned else (height, width)


def bands(height: int, width: int) -> Iterator[slice]:
    """Yields the rows of a picture from top to bottom, in slices of about a million pixels."""
    rows = max(1, _BAND // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _loaded(file: BufferedReader | BytesIO, picture: ImageFile) -> PIL.Image.Image:
    """Returns the samples of a picture; copies those of WebP, AVIF and HEIF, whose decoders hold the picture several times."""
    if picture.format not in ("WEBP", "AVIF", "HEIF"):
        picture.load()
        return picture
    file.seek(0)
    return type(picture)(file).copy()


# --- by the kind of samples -------------------------------------------------------------------------------------------


def _decode_8_bit(picture: PIL.Image.Image, orientation: int, profile: bytes | None) -> Samples:
    gray = picture.mode in ("1", "L", "La", "LA")
    transparent = picture.has_transparency_data
    mode = "L" if gray else "CMYK" if picture.mode == "CMYK" and not transparent else "RGB"
    conversion = conversion_to_srgb(mode, profile)
    color, into_color = _upright(picture, orientation, channels=() if mode == "L" and conversion is None else (3,))
    alpha, into_alpha = _upright(picture, orientation) if transparent else (None, None)
    for rows, band in _cut(picture):
        both = (band.convert("LA") if gray else band.convert("RGBA")) if transparent else band
        own = both.convert(mode)
        shown = conversion(own) if conversion else own.convert("RGB") if mode == "CMYK" else own
        _scale(np.asarray(shown), into_color[rows])
        if into_alpha is not None:
            _scale(np.asarray(both.getchannel("A")), into_alpha[rows])
    return Samples(color, alpha)


def _decode_16_bit_gray(picture: PIL.Image.Image, orientation: int, profile: bytes | None) -> Samples:
    """Decodes gray levels, one of which may be transparent."""
    conversion = conversion_to_srgb("L", profile)
    transparent = picture.info.get("transparency")
    color, into_color = _upright(picture, orientation, channels=(3,) if conversion else ())
    alpha, into_alpha = _upright(picture, orientation) if transparent is not None else (None, None)
    for rows, band in _cut(picture):
        levels = np.asarray(band, np.uint16)
        high = PIL.Image.fromarray((levels >> 8).astype(np.uint8)) if conversion else None
        _scale(np.asarray(conversion(high)) if conversion and high else levels, into_color[rows])
        if into_alpha is not None:
            into_alpha[rows] = levels != transparent
    return Samples(color, alpha)


def _decode_16_bit_color(file: BufferedReader | BytesIO, format_: str, low_order: list[Any], profile: bytes | None) -> Samples:
    """Decodes RGB or RGBA levels in two passes, to hold one at a time; one color may be transparent."""
    conversion = conversion_to_srgb("RGB", profile)
    high = PIL.Image.open(file, formats=[format_])
    high.load()
    orientation, transparent = _orientation(high), high.info.get("transparency")
    has_alpha = high.mode == "RGBA"
    color, into_color = _upright(high, orientation, channels=(3,))
    alpha, into_alpha = _upright(high, orientation) if has_alpha or transparent is not None else (None, None)
    for rows, band in _cut(high):
        levels = np.asarray(band)
        if conversion:
            _scale(np.asarray(conversion(band.convert("RGB"))), into_color[rows])
        else:
            np.multiply(levels[..., :3], np.float32(256), out=into_color[rows])
        if into_alpha is not None:
            into_alpha[rows] = levels[..., 3] * np.float32(256) if has_alpha else _differ(levels, transparent, shift=8)
    del high
    low = PIL.Image.open(file, formats=[format_])
    low.tile = low_order
    low.load()
    for rows, band in _cut(low):
        levels = np.asarray(band)
        if not conversion:
            into_color[rows] += levels[..., :3]
            into_color[rows] /= np.float32(65535)
        if into_alpha is not None and has_alpha:
            into_alpha[rows] += levels[..., 3]
            into_alpha[rows] /= np.float32(65535)
        elif into_alpha is not None:
            into_alpha[rows] = np.maximum(into_alpha[rows], _differ(levels, transparent, shift=0))
    return Samples(color, alpha)


def _decode_float(picture: PIL.Image.Image, orientation: int) -> Float32[np.ndarray, "height width"]:
    values, into = _upright(picture, orientation)
    for rows, band in _cut(picture):
        samples = np.asarray(band)
        if not np.isfinite(samples).all():
            raise UnsupportedSamples("samples that are not numbers")
        np.clip(samples, 0, 1, out=into[rows])
    return values


def _check_samples(picture: ImageFile) -> None:
    """Raises for samples that Pillow misreads or cannot read."""
    if picture.format == "TIFF":
        tags = cast("TiffImageFile", picture).tag_v2
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


def _bring_transparent_level_to_8_bits(picture: ImageFile) -> None:
    """Scales the transparent gray level of a PNG as Pillow scales samples of 2 and 4 bits."""
    level = picture.info.get("transparency")
    brightest = _BRIGHTEST.get(str(picture.tile[0].args)) if picture.tile else None
    if brightest and isinstance(level, int):
        picture.info["transparency"] = level % (brightest + 1) * 255 // brightest


def _check_scans(file: BufferedReader | BytesIO) -> None:
    here, scans, last, block = file.tell(), 0, b"", bytearray(2**20)
    file.seek(0)
    while count := file.readinto(block):
        data = last + block[:count]
        scans += data.count(_START_OF_SCAN)
        last = data[-1:]
        if scans > _MAX_SCANS:
            raise UnsupportedSamples(f"more than {_MAX_SCANS} scans")
    file.seek(here)


def _low_order(tile: Any) -> Any:
    """Returns the tile with which Pillow reads the low bytes of 16-bit RGB or RGBA; None for other samples."""
    raw_mode, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    match = re.fullmatch(r"(RGB[AX]?;16)([BLN])", str(raw_mode))
    if not match:
        return None
    turned = match[1] + _OTHER_ORDER[match[2]]
    return tile._replace(args=(turned, *rest) if rest else turned)


def _differ(levels: np.ndarray, transparent: Any, *, shift: int) -> np.ndarray:
    """Returns where 8-bit RGB levels differ from those of the transparent 16-bit color."""
    return (levels[..., :3] != np.asarray(transparent) >> shift & 255).any(-1)


# --- bands and orientation -------------------------------------------------------------------------------------------


def _cut(picture: PIL.Image.Image) -> Iterator[tuple[slice, PIL.Image.Image]]:
    """Yields the rows of a loaded picture in bands."""
    width, height = picture.size
    return ((rows, picture.crop((0, rows.start, width, rows.stop))) for rows in bands(height, width))


def _orientation(picture: PIL.Image.Image) -> int:
    """Returns the EXIF orientation, as far as it has been read; 1 (upright) if it is invalid."""
    try:
        # Not PngImageFile's own, which decodes the picture to find it.
        value = PIL.Image.Image.getexif(picture).get(_ORIENTATION, 1)
    except Exception:  # damaged metadata, as viewers ignore it
        return 1
    return value if isinstance(value, int) else 1


def _turned(orientation: int) -> bool:
    return _TURNED <= orientation <= 8


def _upright(
    picture: PIL.Image.Image, orientation: int, channels: tuple[int, ...] = ()
) -> tuple[Float32[np.ndarray, "height width *channels"], Float32[np.ndarray, "rows columns *channels"]]:
    """Allocates an array for an upright picture; returns it and a view with the row order of the file."""
    width, height = picture.size
    size = (width, height) if _turned(orientation) else (height, width)
    array = np.empty((*size, *channels), np.float32)
    match orientation:
        case 2:
            return array, array[:, ::-1]
        case 3:
            return array, array[::-1, ::-1]
        case 4:
            return array, array[::-1]
        case 5:
            return array, array.swapaxes(0, 1)
        case 6:
            return array, np.rot90(array)
        case 7:
            return array, np.rot90(array, 2).swapaxes(0, 1)
        case 8:
            return array, np.rot90(array, -1)
    return array, array


def _scale(levels: Shaped[np.ndarray, "..."], into: Float32[np.ndarray, "..."]) -> None:
    """Converts integer levels to float32 in [0, 1]."""
    into[...] = levels / np.float32(np.iinfo(levels.dtype).max)  # faster than with `out` where the view is turned
