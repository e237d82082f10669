"""Reading and writing pictures: PNG, JPEG, WebP and TIFF, the format by the ending of the file's name.

Arrays in and out are sRGB-encoded float32 in [0, 1]. The same file gives the same array, and the same array the same file, with
the same versions of Pillow and its libraries.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL.Image
from jaxtyping import Float
from PIL.ImageFile import ImageFile

from stylepipe.artifacts import Image, Mask, blank
from stylepipe.errors import InputError, UsageError
from stylepipe.image.decode import UnsupportedSamples, decode, upright_size

T = TypeVar("T")
Read = Callable[[BufferedReader, ImageFile], T]

MAX_PIXELS = 100_000_000
_LUMA = np.array([0.299, 0.587, 0.114])  # Rec. BT.601


@dataclass(frozen=True)
class Format:
    """A file format: Pillow's name, the endings of files' names, how the files begin, and how ours are written."""

    name: str
    endings: tuple[str, ...]
    beginning: re.Pattern[bytes]
    options: Mapping[str, Any]
    longest_side: int = 2**31 - 1
    alpha: bool = True


FORMATS = (
    Format("PNG", (".png",), re.compile(rb"\x89PNG\r\n\x1a\n"), {}),
    Format(
        "JPEG", (".jpg", ".jpeg"), re.compile(rb"\xff\xd8\xff"), {"quality": 95, "subsampling": "4:4:4"}, 65_500, alpha=False
    ),
    Format("WEBP", (".webp",), re.compile(rb"RIFF....WEBP", re.DOTALL), {"lossless": True, "exact": True}, 16_383),
    Format("TIFF", (".tif", ".tiff"), re.compile(rb"II[*+]\0|MM\0[*+]"), {"compression": "tiff_adobe_deflate"}),
)
_BY_ENDING = {ending: format_ for format_ in FORMATS for ending in format_.endings}
ENDINGS = tuple(_BY_ENDING)


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Reads a picture, upright, in sRGB, its transparency kept aside.

    EXIF orientation and an embedded ICC profile are applied; `stylepipe.image.decode.decode` says which kinds of samples are
    read, and how. A picture of more than `max_pixels` pixels is refused before it is decoded.

    Raises InputError when the file is missing, unreadable, of another format than its ending says, damaged, or too large.
    """
    samples = _read(path, partial(decode, managed=True), max_pixels=max_pixels)
    color = samples.color
    pixels = np.repeat(color[..., None], 3, axis=-1) if color.ndim == 2 else color
    return Image(pixels, samples.alpha)


def read_mask(path: Path, *, max_pixels: int = MAX_PIXELS) -> Mask:
    """Reads any picture as a mask: its luma (Rec. BT.601), transparent parts counting as black.

    A mask's levels are data, so an embedded colour profile is not applied. Limits and errors are those of `read_image`.
    """
    samples = _read(path, partial(decode, managed=False), max_pixels=max_pixels)
    values = samples.color if samples.color.ndim == 2 else (samples.color @ _LUMA).astype(np.float32)
    return Mask(values if samples.alpha is None else values * samples.alpha)


def outline_image(path: Path) -> Image:
    """The picture that `read_image` reads, blank and without its transparency: only the file's header is read.

    Raises as `read_image` does, for what can be told from the header.
    """
    return Image(blank(*_read(path, upright_size), 3))


def outline_mask(path: Path) -> Mask:
    """The mask that `read_mask` reads, as `outline_image` has pictures."""
    return Mask(blank(*_read(path, upright_size)))


def write_image(image: Image, path: Path, *, compress_level: int = 6, quality: int | None = None) -> None:
    """Writes a picture with 8 bits a sample, rounded to the nearest level, values outside [0, 1] clamped.

    PNG (zlib's `compress_level`, 0 to 9), TIFF and WebP are written without loss and keep transparency; JPEG has quality 95
    without chroma subsampling, and transparent parts become white. With a `quality`, 1 to 100, JPEG has that one, and WebP is
    written with loss. No metadata is written, so no time either.

    Raises UsageError when the name's ending is not that of a known format, or the format cannot hold a picture of this size;
    OSError as the system reports it.
    """
    format_ = _format_for_writing(path)
    pixels = np.asarray(image.pixels)
    alpha = None if image.alpha is None else np.asarray(image.alpha)[..., None]
    if alpha is not None and format_.alpha:
        pixels = np.concatenate([pixels, alpha], axis=-1)
    elif alpha is not None:
        pixels = pixels * alpha + (1 - alpha)
    _write(pixels, path, format_, compress_level, quality)


def write_mask(mask: Mask, path: Path, *, compress_level: int = 6) -> None:
    """Writes a mask as an 8-bit grey picture; formats, rounding and errors as in `write_image`."""
    _write(np.asarray(mask.values), path, _format_for_writing(path), compress_level)


def _read(path: Path, read: Read[T], *, max_pixels: int = MAX_PIXELS) -> T:
    """What `read` finds in the picture's file and the picture, whose header was read from it."""
    name = path.name
    format_ = _BY_ENDING.get(path.suffix.lower())
    if format_ is None:
        raise InputError(f"'{name}' is not of a known format.", hint=f"The pictures that are read end in {', '.join(ENDINGS)}.")
    if path.is_dir():
        raise InputError(f"'{name}' is a folder, not a picture.", hint="Name a picture in it.")
    if not path.is_file():
        raise InputError(f"There is no file '{name}'.", hint="Check its name and its folder.")
    try:
        with path.open("rb") as file:
            return _decode(file, name, format_, read, max_pixels=max_pixels)
    except OSError as error:
        raise InputError(f"'{name}' cannot be read: {error.strerror}.", hint="Check its permissions.") from error


def _decode(file: BufferedReader, name: str, format_: Format, read: Read[T], *, max_pixels: int) -> T:
    _check_beginning(file, name, format_)
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd metadata, which does not matter, and of size, checked here
            picture = PIL.Image.open(file, formats=[format_.name])
            width, height = picture.size
            if width * height <= max_pixels:
                return read(file, picture)
        found = f"{width} × {height} pixels"
    except PIL.Image.DecompressionBombError:
        found = f"more than {2 * (PIL.Image.MAX_IMAGE_PIXELS or 0)} pixels"
    except UnsupportedSamples as unsupported:
        raise InputError(
            f"'{name}' has {unsupported}, which are not read.", hint="Save it as 8- or 16-bit PNG."
        ) from unsupported
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise InputError(
            f"'{name}' is damaged, incomplete, or of a kind of {format_.name} that is not read.",
            hint="Download it again, or save it as 8- or 16-bit PNG.",
        ) from error
    raise InputError(f"'{name}' has {found}; at most {max_pixels} are read.", hint="Make it smaller first.")


def _check_beginning(file: BufferedReader, name: str, format_: Format) -> None:
    """Refuses an empty file and one that begins otherwise than its ending says."""
    beginning = file.read(16)
    file.seek(0)
    if not beginning:
        raise InputError(f"'{name}' is empty.", hint="Download it again, or save it again.")
    if not format_.beginning.match(beginning):
        real = next((known for known in FORMATS if known.beginning.match(beginning)), None)
        hint = f"It is a {real.name} file: let its name end in {real.endings[0]}." if real else "Save it as PNG."
        raise InputError(f"'{name}' is not a {format_.name} file.", hint=hint)


def _format_for_writing(path: Path) -> Format:
    format_ = _BY_ENDING.get(path.suffix.lower())
    if format_ is None:
        raise UsageError(
            f"'{path.name}' is not of a known format.", hint=f"The pictures that are written end in {', '.join(ENDINGS)}."
        )
    return format_


def _write(
    values: Float[np.ndarray, "height width *channels"],
    path: Path,
    format_: Format,
    compress_level: int,
    quality: int | None = None,
) -> None:
    height, width, *_ = values.shape
    if max(height, width) > format_.longest_side:
        raise UsageError(
            f"'{path.name}' would have {width} × {height} pixels; a {format_.name} file holds {format_.longest_side} a side.",
            hint="Write a PNG file.",
        )
    levels = np.rint(values.clip(0, 1) * 255).astype(np.uint8)
    options = {"compress_level": compress_level} if format_.name == "PNG" else format_.options
    if quality is not None and format_.name in ("JPEG", "WEBP"):
        options = {name: value for name, value in options.items() if name == "subsampling"} | {"quality": quality}
    PIL.Image.fromarray(levels).save(path, format_.name, **options)
