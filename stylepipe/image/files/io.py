"""Reading and writing pictures. The ending of the file name gives the format (see `stylepipe.image.files.formats`).

Arrays in and out are sRGB-encoded float32 in [0, 1]. The same file gives the same array, and the same array the same file, with
the same versions of Pillow and its libraries.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL.Image
from jaxtyping import Float
from PIL.ImageFile import ImageFile

from stylepipe.artifacts import Image, Mask, blank
from stylepipe.errors import InputError, UsageError
from stylepipe.image.files.decode import UnsupportedSamples, bands, decode, upright_size
from stylepipe.image.files.formats import ENDINGS, WRITTEN_ENDINGS, Format, format_of, open_picture
from stylepipe.image.files.mask_channels import mask_channel
from stylepipe.image.files.picture_file import PictureFile, TooManyParts
from stylepipe.image.files.silence import without_warnings

T = TypeVar("T")
Notify = Callable[[str], None]
"""Receives a remark for the user on a file that is read nevertheless."""

PictureValues = Float[np.ndarray, "height width *channels"]
Alpha = Float[np.ndarray, "height width"]

MAX_PIXELS = 100_000_000


def ignore(_: str) -> None:
    """Ignores a remark."""


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS, note: Notify = ignore) -> Image:
    """Reads a picture: upright, in sRGB, with its transparency as alpha.

    EXIF orientation and an embedded ICC profile are applied; `stylepipe.image.files.decode.decode` lists the supported samples.
    A picture of more than `max_pixels` pixels is refused before it is decoded. A truncated file is read with a `note`, as
    viewers show it: a JPEG file with some of its samples, files of other formats with all of them.

    Raises InputError when the file is missing, unreadable, of another format than its ending says, damaged, or too large.
    """
    samples = _read(path, partial(decode, managed=True), max_pixels=max_pixels, note=note)
    color = samples.color
    pixels = np.repeat(color[..., None], 3, axis=-1) if color.ndim == 2 else color
    return Image(pixels, samples.alpha)


def read_mask(
    path: Path, *, channel: str | None = None, invert: bool = False, max_pixels: int = MAX_PIXELS, note: Notify = ignore
) -> Mask:
    """Reads a mask from a picture: the `channel`, or the one that varies (see `mask_channel`); 1 minus it with `invert`.

    A mask's levels are data, so an embedded color profile is not applied. Limits, notes and errors are those of `read_image`;
    besides, InputError is raised where alpha and luma both vary and no channel is chosen, and for the alpha of an opaque
    picture.
    """
    samples = _read(path, partial(decode, managed=False), max_pixels=max_pixels, note=note)
    values = mask_channel(samples, channel, name=path.name)
    return Mask(1 - values if invert else values)


def outline_image(path: Path) -> Image:
    """Returns a blank picture of the size that `read_image` would return; reads only the header.

    Raises as `read_image` does, for errors in the header.
    """
    size, transparent = _read(path, _size_and_transparency)
    return Image(blank(*size, 3), blank(*size) if transparent else None)


def outline_mask(path: Path) -> Mask:
    """Returns a blank mask of the size that `read_mask` would return; reads only the header."""
    size, _ = _read(path, _size_and_transparency)
    return Mask(blank(*size))


def write_image(image: Image, path: Path, *, compress_level: int = 6, quality: int | None = None) -> None:
    """Writes a picture with 8 bits per sample, rounded to the nearest level, clamped to [0, 1].

    PNG (zlib's `compress_level`, 0 to 9), TIFF and WebP are written without loss and keep transparency; JPEG has quality 95
    without chroma subsampling, and transparent parts become white. A `quality`, 1 to 100, sets that of JPEG, and makes WebP
    lossy. No metadata is written, not even the time.

    Raises UsageError when the name's ending is not that of a known format, or the format cannot hold a picture of this size;
    OSError as the system reports it.
    """
    alpha = None if image.alpha is None else np.asarray(image.alpha)
    _write(np.asarray(image.pixels), alpha, path, _format_for_writing(path), compress_level=compress_level, quality=quality)


def write_mask(mask: Mask, path: Path, *, compress_level: int = 6) -> None:
    """Writes a mask as an 8-bit gray picture; formats, rounding and errors as in `write_image`."""
    _write(np.asarray(mask.values), None, path, _format_for_writing(path), compress_level=compress_level)


def _read(path: Path, read: Callable[[PictureFile, ImageFile], T], *, max_pixels: int = MAX_PIXELS, note: Notify = ignore) -> T:
    """Opens a picture file, calls `read` with the file and the picture, and returns the result."""
    name = path.name
    format_ = format_of(name)
    if format_ is None:
        raise InputError(f"'{name}' is not of a known format.", hint=f"The pictures that are read end in {', '.join(ENDINGS)}.")
    if path.is_dir():
        raise InputError(f"'{name}' is a folder, not a picture.", hint="Name a picture in it.")
    if not path.is_file():
        raise InputError(f"There is no file '{name}'.", hint="Check its name and its folder.")
    try:
        with PictureFile(path) as file:
            result = _decode(file, name, format_, read, max_pixels=max_pixels)
            if file.ended_early:
                note(f"'{name}' ends early: {format_.missing}.")
            return result
    except OSError as error:
        raise InputError(f"'{name}' cannot be read: {error.strerror}.", hint="Check its permissions.") from error


def _decode(
    file: PictureFile, name: str, format_: Format, read: Callable[[PictureFile, ImageFile], T], *, max_pixels: int
) -> T:
    try:
        with without_warnings():  # about odd metadata, and about the size, which is checked here
            picture = open_picture(file, name, format_)
            width, height = picture.size
            if width * height <= max_pixels:
                return read(file, picture)
        actual = f"{width} × {height} pixels"
    except InputError:
        raise
    except PIL.Image.DecompressionBombError:
        actual = f"more than {2 * (PIL.Image.MAX_IMAGE_PIXELS or 0)} pixels"
    except TooManyParts as error:
        raise InputError(f"'{name}' consists of too many parts to be read.", hint="Save it again as PNG.") from error
    except UnsupportedSamples as unsupported:
        raise InputError(
            f"'{name}' has {unsupported}, which are not read.", hint="Save it as 8- or 16-bit PNG."
        ) from unsupported
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise InputError(
            f"'{name}' is damaged, incomplete, or of a kind of {format_.name} that is not read.",
            hint="Download it again, or save it as 8- or 16-bit PNG.",
        ) from error
    raise InputError(f"'{name}' has {actual}; at most {max_pixels} are read.", hint="Make it smaller first.")


def _format_for_writing(path: Path) -> Format:
    format_ = format_of(path.name)
    if format_ is None or format_.options is None:
        raise UsageError(
            f"'{path.name}' is not of a known format.",
            hint=f"The pictures that are written end in {', '.join(WRITTEN_ENDINGS)}.",
        )
    return format_


def _write(
    values: PictureValues,
    alpha: Alpha | None,
    path: Path,
    format_: Format,
    *,
    compress_level: int,
    quality: int | None = None,
) -> None:
    height, width, *_ = values.shape
    if max(height, width) > format_.longest_side:
        raise UsageError(
            f"'{path.name}' would have {width} × {height} pixels; a {format_.name} file holds {format_.longest_side} a side.",
            hint="Write a PNG file.",
        )
    levels = np.empty((height, width, 4) if alpha is not None and format_.alpha else values.shape, np.uint8)
    for rows in bands(height, width):
        band = values[rows]
        if alpha is not None:
            opacity = alpha[rows, :, None]
            band = np.concatenate([band, opacity], axis=-1) if format_.alpha else band * opacity + (1 - opacity)
        levels[rows] = np.rint(band.clip(0, 1) * 255)
    options = {"compress_level": compress_level} if format_.name == "PNG" else format_.options or {}
    if quality is not None and format_.name in ("JPEG", "WEBP"):
        options = {name: value for name, value in options.items() if name == "subsampling"} | {"quality": quality}
    PIL.Image.fromarray(levels).save(path, format_.name, **options)


def _size_and_transparency(_: PictureFile, picture: ImageFile) -> tuple[tuple[int, int], bool]:
    return upright_size(picture), picture.has_transparency_data
