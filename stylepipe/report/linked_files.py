"""The files that a page may link to: those directly in the run's folder."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stylepipe.image.files.preview import NoPreview, picture_size

_SHOWN = (".png", ".webp", ".jpg", ".jpeg", ".jpe", ".jfif")
"""The extensions of pictures in a run's folder that browsers show."""


@dataclass(frozen=True)
class File:
    """A file beside the page: its address, its bytes, and the size in pixels of a picture."""

    name: str
    address: str
    size: int
    width: int = 0
    height: int = 0


def file_in(folder: Path, name: str | None) -> File | None:
    """Returns the file of that name in the folder; None if it is missing."""
    if not name or Path(name).name != name or not (folder / name).is_file():
        return None
    width, height = _size(folder / name) if Path(name).suffix in _SHOWN else (0, 0)
    return File(name, quote(name, safe="@+="), (folder / name).stat().st_size, width, height)


def picture_in(folder: Path, name: str | None) -> File | None:
    """Returns the picture of that name in the folder; None if it is missing or damaged."""
    picture = file_in(folder, name)
    return picture if picture and picture.width else None


def _size(path: Path) -> tuple[int, int]:
    """Returns a picture's size; (0, 0) for one that cannot be shown."""
    try:
        return picture_size(path)
    except NoPreview:
        return 0, 0
