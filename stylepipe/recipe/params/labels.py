"""Short labels of values; a path is labeled by its file's name."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from stylepipe.recipe.validation.problems import show


def value_label(value: Any) -> str:
    """Returns the label of a value; for a path, the file's name."""
    match value:
        case str():
            return PurePath(value).name if "/" in value else value
        case list():
            return "-".join(map(value_label, value))
        case dict():
            return "-".join(f"{key}={value_label(inner)}" for key, inner in value.items())
    return show(value)


def axis_labels(values: Sequence[Any]) -> list[str]:
    """Returns distinct labels of different values.

    Files of equal names get as many parent folders in the label as needed; files outside the folder are numbered instead.
    """
    outside = names_of_outside_files([value for value in values if isinstance(value, str)])
    paths = [PurePath(outside.get(value, value)) if isinstance(value, str) and "/" in value else None for value in values]
    labels = [path.name if path else value_label(value) for path, value in zip(paths, values, strict=True)]
    for depth in range(2, max((len(path.parts) for path in paths if path), default=0) + 1):
        count = Counter(label.casefold() for label in labels)
        for at, path in enumerate(paths):
            if path and count[labels[at].casefold()] > 1:
                labels[at] = "/".join(path.parts[-depth:])
    return labels


def names_of_outside_files(references: Iterable[str]) -> dict[str, str]:
    """Returns names for paths that lead out of a folder: the file names, numbered where they are equal."""
    names: dict[str, str] = {}
    count: Counter[str] = Counter()
    for reference in dict.fromkeys(references):
        path = PurePath(reference)
        if path.is_absolute() or ".." in path.parts:
            count[path.name.casefold()] += 1
            number = count[path.name.casefold()]
            names[reference] = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
    return names
