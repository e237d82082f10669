"""The supported picture formats: file endings, signatures, and how Pillow opens them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import SEEK_END
from pathlib import PurePath
from typing import Any

import PIL.features
import PIL.Image
from PIL.ImageFile import ImageFile

from stylepipe.errors import InputError
from stylepipe.image.files.picture_file import PictureFile


@dataclass(frozen=True)
class Format:
    """A file format: Pillow's name, the endings of file names, and how the files begin.

    `options` are those for writing, None for a format that is only read. `missing` describes what a truncated file lacks, as a
    clause.
    """

    name: str
    endings: tuple[str, ...]
    beginning: re.Pattern[bytes]
    options: Mapping[str, Any] | None = None
    longest_side: int = 2**31 - 1
    alpha: bool = True
    missing: str = "its end marker is missing, and nothing of the picture"


FORMATS = (
    Format("PNG", (".png",), re.compile(rb"\x89PNG\r\n\x1a\n"), {}),
    Format(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        re.compile(rb"\xff\xd8\xff"),
        {"quality": 95, "subsampling": "4:4:4"},
        65_500,
        alpha=False,
        missing="its end marker is missing, and what else is missing of the picture is gray",
    ),
    Format("WEBP", (".webp",), re.compile(rb"RIFF....WEBP", re.DOTALL), {"lossless": True, "exact": True}, 16_383),
    Format("TIFF", (".tif", ".tiff"), re.compile(rb"II[*+]\0|MM\0[*+]"), {"compression": "tiff_adobe_deflate"}),
    Format("GIF", (".gif",), re.compile(rb"GIF8[79]a")),
    Format("BMP", (".bmp",), re.compile(rb"BM")),
    Format("AVIF", (".avif",), re.compile(rb"....ftyp(avi[fs]|m[is]f1)", re.DOTALL)),
    Format("HEIF", (".heic", ".heif"), re.compile(rb"....ftyp(he[iv][cmsx]|m[is]f1)", re.DOTALL)),
)
_END_OF_JPEG = b"\xff\xd9"
_BY_ENDING = {ending: format_ for format_ in FORMATS for ending in format_.endings}
ENDINGS = tuple(_BY_ENDING)
WRITTEN_ENDINGS = tuple(ending for ending, format_ in _BY_ENDING.items() if format_.options is not None)


def format_of(name: str) -> Format | None:
    """Returns the format of the ending of a file name, in upper or lower case."""
    return _BY_ENDING.get(PurePath(name).suffix.lower())


def open_picture(file: PictureFile, name: str, format_: Format) -> ImageFile:
    """Opens the picture of a file; reads only the header.

    Raises InputError for an empty file, for one that begins otherwise than its ending says, and where the library that reads
    the format is missing; whatever Pillow raises for a damaged header.
    """
    _check_beginning(file, name, format_)
    if format_.name == "HEIF":
        try:
            from pillow_heif import HeifImageFile
        except ImportError as error:
            hint = "Install it with `pip install 'stylepipe[heif]'`, or save the picture as JPEG or PNG."
            raise InputError(f"'{name}' is a HEIF picture, which is read with pillow-heif.", hint=hint) from error
        return HeifImageFile(file)
    if format_.name == "AVIF" and not PIL.features.check("avif"):
        hint = "Install a Pillow that reads it, or save the picture as JPEG or PNG."
        raise InputError(f"'{name}' is an AVIF picture, which this build of Pillow does not read.", hint=hint)
    picture = PIL.Image.open(file, formats=[format_.name])
    if format_.name == "JPEG":
        _let_end_early(file, name)
    return picture


def _let_end_early(file: PictureFile, name: str) -> None:
    """Completes a truncated JPEG file. Raises InputError without any samples."""
    here = file.tell()
    if file.seek(0, SEEK_END) <= here:
        hint = "Download it again."
        raise InputError(f"'{name}' is incomplete: there is a header, and nothing of the picture.", hint=hint)
    file.seek(here)
    file.end = _END_OF_JPEG


def _check_beginning(file: PictureFile, name: str, format_: Format) -> None:
    beginning = file.read(16)
    file.seek(0)
    if not beginning:
        raise InputError(f"'{name}' is empty.", hint="Download it again, or save it again.")
    if not format_.beginning.match(beginning):
        real = next((other for other in FORMATS if other.beginning.match(beginning)), None)
        hint = f"It is a {real.name} file: let its name end in {real.endings[0]}." if real else "Save it as PNG."
        raise InputError(f"'{name}' is not a {format_.name} file.", hint=hint)
