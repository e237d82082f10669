"""Patterns in a sweep's lists: `photos/*.jpg` stands for all files of that name."""

from collections.abc import Callable, Sequence
from glob import glob
from os.path import expanduser
from pathlib import Path
from typing import Any

from stylepipe.recipe.files import escape_reason, unreadable_reason
from stylepipe.recipe.problems import show


def with_files(values: Sequence[Any], folder: Path, report: Callable[[int, str], None], *, confined: bool) -> list[Any]:
    """The values, in place of each text with a * the files that it matches, in the order of their names.

    Patterns start from `folder`; if `confined`, they stay inside it, and if not, ~/ is the user's. What is wrong with one is
    told to `report`, with its number.
    """
    found: list[Any] = []
    for number, value in enumerate(values):
        if not isinstance(value, str) or "*" not in value:
            found.append(value)
            continue
        reason = escape_reason(value) if confined else unreadable_reason(value)
        pattern = value if confined else expanduser(value)  # noqa: PTH111 (that of Path raises where there is no home)
        matches = [] if reason else glob(pattern, root_dir=folder)  # noqa: PTH207 (what is relative stays so)
        files = sorted(file for file in matches if (folder / file).is_file())
        if not files:
            report(number, f"{show(value)} stands for no file: {reason or 'none has such a name'}.")
        found += files
    return found
