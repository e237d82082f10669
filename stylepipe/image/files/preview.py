"""Thumbnails of pictures of any size: results may exceed the limits for inputs."""

from pathlib import Path

import PIL.Image
from PIL.ImageFile import ImageFile

from stylepipe.hardware import memory_limits
from stylepipe.image.files.formats import format_of
from stylepipe.image.files.picture_file import PictureFile

_BYTES_PER_PIXEL = 8
"""Bytes of Pillow's samples, and of the copy that scaling makes of transparent pictures."""


class NoPreview(Exception):
    """A picture that cannot be shown; the text gives the reason without its name."""


def preview(path: Path, size: tuple[int, int]) -> PIL.Image.Image:
    """Returns the picture in mode RGBA, shrunk to (width, height) if it is larger.

    Raises NoPreview for a file that is no picture or is damaged, and where there is no memory to decode it.
    """
    try:
        with PictureFile(path) as file:
            picture = _open(file, path.name)
            needed, free = _BYTES_PER_PIXEL * picture.width * picture.height, memory_limits.available()
            if needed > free:
                raise NoPreview(f"{picture.width} × {picture.height} pixels do not fit into the memory")
            picture.thumbnail(size, reducing_gap=2.0)
            return picture.convert("RGBA")
    except MemoryError as error:
        raise NoPreview("it does not fit into the memory") from error
    except NoPreview:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise NoPreview("it cannot be read") from error


def picture_size(path: Path) -> tuple[int, int]:
    """Returns the (height, width) of a picture from its header. Raises NoPreview for other files."""
    try:
        with PictureFile(path) as file:
            return _open(file, path.name).size
    except Exception as error:  # Pillow's parsers raise whatever they stumble over
        raise NoPreview("it cannot be read") from error


def _open(file: PictureFile, name: str) -> ImageFile:
    """Opens a picture as `PIL.Image.open` does, without its limit on the size."""
    PIL.Image.init()
    format_ = format_of(name)
    if format_ is None:
        raise NoPreview("it is of no known format")
    factory, _ = PIL.Image.OPEN[format_.name]
    return factory(file, "")
