"""Expands file patterns: `photos/*.jpg` to all matching files, `photos` to all pictures in that folder."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

from stylepipe.paths import exists, is_file, is_folder
from stylepipe.recipe.resolved import ENDINGS, PICTURE_ENDINGS
from stylepipe.recipe.syntax.recipe_files import escape_reason, unreadable_reason
from stylepipe.recipe.validation.problems import show

MAX_NAMES = 500_000
"""The maximal number of names that the patterns of one command are compared with: a few seconds."""

_MATCH_COST = 4
"""Additional cost of a name that matches, in names: it is looked up on the disk, and sorted."""

_MAGIC = re.compile(r"[*?[]")


class NoFiles(Exception):
    """A pattern that matches no file; the message is the reason, as a clause."""


class Patterns:
    """Replaces patterns and folders by matching files, within bounds.

    `*`, `?` and `[abc]` match as in shells, `**` matches any number of folders. A part that exists as written is literal, so
    folders may have brackets in their names. Endings of pictures match in any case; `*` skips hidden files and folders behind
    symbolic links.
    """

    def __init__(self) -> None:
        self._left = MAX_NAMES
        self._listed: dict[Path, list[os.DirEntry[str]]] = {}

    def expand(
        self, values: Sequence[Any], kind: str, folder: Path, report: Callable[[int, str], None], *, confined: bool
    ) -> list[Any]:
        """Returns the values with patterns, and for images and masks also folders, replaced by their files.

        Files are in natural order: 2.jpg comes before 10.jpg. Paths start from `folder`; if `confined`, they stay inside it.
        `kind` is that of the input. Calls `report` with the index of each invalid value and its problem.
        """
        files: list[Any] = []
        for number, value in enumerate(values):
            try:
                files += self._expand(value, kind, folder, confined=confined) if isinstance(value, str) else [value]
            except NoFiles as error:
                report(number, f"{show(value)} stands for no file: {error}.")
        return files

    def _expand(self, value: str, kind: str, folder: Path, *, confined: bool) -> list[str]:
        is_pattern = _MAGIC.search(value) is not None
        is_of_pictures = kind in ("image", "mask") and not unreadable_reason(value) and is_folder(folder / value)
        if not is_pattern and not is_of_pictures:
            return [value]
        if reason := escape_reason(value) if confined else unreadable_reason(value):
            raise NoFiles(reason)
        return self.files(value, kind, folder)

    def files(self, value: str, kind: str, folder: Path) -> list[str]:
        """Returns the files of a pattern or a folder, in natural order. Raises NoFiles when there are none."""
        if is_folder(folder / value) and kind != "folder":
            value = f"{value.rstrip('/')}/*"
        *_, last = parts = [part for part in value.split("/") if part]
        endings = ENDINGS.get(kind, ()) if _MAGIC.search(PurePath(last).suffix) or not PurePath(last).suffix else ()

        def fits(path: Path) -> bool:
            return is_folder(path) if kind == "folder" else is_file(path) and (not endings or path.suffix.lower() in endings)

        walk = self._walk(folder, "/" if value.startswith("/") else "", parts)
        files = sorted(dict.fromkeys(path for path in walk if fits(folder / path)), key=_natural)
        if not files:
            where = folder.absolute().joinpath(*self._literal(folder, parts))
            suffix_text = f" that ends in {', '.join(endings)}" if endings else ""
            raise NoFiles(
                f"in '{where}' nothing{suffix_text} has such a name" if is_folder(where) else f"there is no folder '{where}'"
            )
        return files

    def _walk(self, folder: Path, prefix: str, parts: Sequence[str]) -> Iterator[str]:
        """Yields all paths that match the parts, possibly more than once with several `**`."""
        waiting = [(prefix, tuple(parts))]
        while waiting:
            before, (part, *rest) = waiting.pop()
            if part == "**":
                waiting.append((before, tuple(rest) or ("*",)))
                inner = [entry for entry in self._list(folder / before) if entry.is_dir(follow_symlinks=False)]
                waiting += [(f"{before}{entry.name}/", (part, *rest)) for entry in inner if not entry.name.startswith(".")]
                continue
            literal = not _MAGIC.search(part) or exists(folder / before / part)
            names = [part] if literal else [entry.name for entry in self._list(folder / before) if _matches(entry.name, part)]
            self._count(_MATCH_COST * len(names))
            if rest:
                waiting += [(f"{before}{name}/", tuple(rest)) for name in names if is_folder(folder / before / name)]
            else:
                yield from (before + name for name in names)

    def _list(self, folder: Path) -> list[os.DirEntry[str]]:
        if folder not in self._listed:
            try:
                with os.scandir(folder) as entries:
                    self._listed[folder] = list(entries)
            except OSError as error:
                raise NoFiles(f"'{folder}' cannot be read ({error.strerror})") from error
        self._count(1 + len(self._listed[folder]))
        return self._listed[folder]

    def _count(self, names: int) -> None:
        """Counts names, and raises NoFiles beyond the limit."""
        self._left -= names
        if self._left < 0:
            raise NoFiles(f"more than {MAX_NAMES} names would have to be looked at; name a smaller folder, or fewer patterns")

    @staticmethod
    def _literal(folder: Path, parts: Sequence[str]) -> Iterator[str]:
        """Yields the literal folders at the start of a pattern."""
        for part in parts[:-1]:
            if part == "**" or (_MAGIC.search(part) and not exists(folder / part)):
                return
            yield part
            folder /= part


def _matches(name: str, pattern: str) -> bool:
    hidden = name.startswith(".") and not pattern.startswith(".")
    return not hidden and fnmatchcase(_lower_ending(name), _lower_ending(pattern))


def _lower_ending(name: str) -> str:
    """Returns a file name, the ending of a picture in lower case."""
    stem, ending = os.path.splitext(name)  # noqa: PTH122 (a pattern is no path)
    return stem + ending.lower() if ending.lower() in PICTURE_ENDINGS else name


def _natural(path: str) -> tuple[list[list[str | int]], str]:
    """Returns a sort key by which 2.jpg comes before 10.jpg; folders are compared one by one."""
    parts = [re.split(r"([0-9]+)", part.casefold()) for part in path.split("/")]
    return [[int(piece) if at % 2 else piece for at, piece in enumerate(part)] for part in parts], path
