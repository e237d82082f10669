"""Values from Python as values for a recipe's params; pictures in memory become files for as long as a recipe runs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stylepipe.errors import UsageError


@contextmanager
def as_overrides(values: Mapping[str, Any], params: Mapping[str, str] | None = None) -> Iterator[Mapping[str, str]]:
    """Yields the values as text, as `-p` takes them, together with `params`, which are text already.

    PIL images and arrays are written to temporary PNG files, whose names are those of the params. Raises UsageError for a param
    in both, and for a value that YAML has no form for; InputError for an array that is no picture.
    """
    if twice := sorted(values.keys() & (params or {})):
        raise UsageError(f"The param '{twice[0]}' is given twice, by name and in params.", hint="Give it once.")
    with TemporaryDirectory(prefix="stylepipe-") as folder:
        yield {name: _text(name, value, Path(folder)) for name, value in values.items()} | dict(params or {})


def as_text(value: Any) -> str:
    """Formats a param's value for `-p`, which takes text literally unless it begins like a quoted text or a list."""
    plain = isinstance(value, str) and not value.startswith(("'", '"', "["))
    return value if plain else json.dumps(value, ensure_ascii=False)


def _text(name: str, value: Any, folder: Path) -> str:
    try:
        return as_text(_plain(value, folder / name))
    except TypeError as error:
        kinds = "text, numbers, truth values, lists and mappings of them, paths, PIL images and arrays"
        raise UsageError(f"The param '{name}' is a {type(value).__name__}; expected one of {kinds}.") from error


def _plain(value: Any, path: Path) -> Any:
    """Returns a value as JSON data; pictures are written to `path`, with their numbers in a list and the ending of PNG."""
    match value:
        case Path():
            return str(value)
        case list() | tuple():
            return [_plain(each, path.with_name(f"{path.name}-{number}")) for number, each in enumerate(value, 1)]
        case dict():
            return {name: _plain(each, path.with_name(f"{path.name}-{name}")) for name, each in value.items()}
        case None | bool() | int() | float() | str():
            return value
    return _array_or_picture(value, path.with_name(f"{path.name}.png"))


def _array_or_picture(value: Any, file: Path) -> Any:
    """Returns a number of NumPy as one of Python, and the file that a picture is written to."""
    import numpy as np  # recipes without such values are loaded more quickly
    from PIL import Image as Pillow

    from stylepipe.api.sources.picture_values import image_of
    from stylepipe.image.files.io import write_image

    match value:
        case np.generic():
            return value.item()
        case Pillow.Image():
            value.save(file)
        case _ if hasattr(value, "__array__"):
            write_image(image_of(np.asarray(value)), file)
        case _:
            raise TypeError
    return str(file)
