"""Texts without the folders of this machine, for what a run leaves: its folder may be passed on."""

import re
import sys
import tempfile
import traceback
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from stylepipe.cache_folder import expand_home
from stylepipe.escapes import decoded
from stylepipe.recipe.params.labels import names_of_outside_files
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.templating.references import escape

# An absolute path up to its last separator, on POSIX or Windows, or one from a user's folder; not the middle of a relative path
# or of an address. In quotes there may be spaces in it.
_START = r"(?:(?:[A-Za-z]:)?|~(?:[A-Za-z_][\w.-]*)?)"
_FOLDERS = re.compile(
    rf"(?<=['\"]){_START}(?:[/\\][^/\\'\"\n]+)+[/\\]"
    rf"|(?<![\w:/\\.~]){_START}(?:[/\\][^\s/\\'\":,;<>|]+)+[/\\]|(?<![\w:/\\.~])~[/\\]"
)
_HOME = re.compile(r"~[^/]*/(?:.*/)?")


class Redactor:
    """Takes the folders of this machine, those given and those of the user and of Python, out of texts.

    What lies in a given folder, or in one of Python's, is known by its path from there; what lies elsewhere, below the current
    folder or the user's, by the name of its file.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        folders = list(folders)
        own = {form for folder in _own_folders() for form in _forms(folder)}
        python = [tempfile.gettempdir(), sys.prefix, *filter(None, sys.path)]
        known = {form for folder in [*folders, *map(Path, python)] for form in _forms(folder)}
        known -= {folder for folder in known if any(each.is_relative_to(folder) for each in own)}
        relative = {folder for folder in folders if not folder.is_absolute() and folder.name}
        given = rf"(?:{_any_of(known)}|(?<=['\"])(?:{_any_of(relative)}))"
        outer = rf"(?!{given}(?:[/\\]|(?![\w.-])))(?:{_any_of(own)})"
        self._given = re.compile(rf"{given}(?:(?P<inside>[/\\])|(?![\w.-]))")
        self._own = re.compile(
            rf"(?P<itself>{outer}(?![\w./\\-]))"
            rf"|(?<=['\"]){outer}[/\\](?:[^/\\'\"\n]+[/\\])*"
            rf"|{outer}[/\\](?:[^\s/\\'\":,;<>|]+[/\\])*"
        )

    def text(self, text: str) -> str:
        """The text, absolute paths in it shortened to what follows a given folder, or else to the file's name."""
        text = self._own.sub(lambda found: "." if found["itself"] else "", decoded(text))
        text = self._given.sub(lambda found: "" if found["inside"] else ".", text)
        return _FOLDERS.sub("", text)

    def traceback(self, error: BaseException) -> str:
        """The error's traceback, as Python prints it."""
        return self.text("".join(traceback.format_exception(error)))


def shareable(recipe: ResolvedRecipe, data: Any) -> Any:
    """Plain data of a recipe, input files from outside the recipe's folder (given on the command line) known by their names.

    Of other texts that are paths below the user's folder only the file's name is left, too.
    """
    outside = names_of_outside_files(file.reference for file in recipe.inputs.values())
    outside |= {escape(reference): escape(name) for reference, name in outside.items()}  # as documents have them
    own = [f"{folder}/" for folder in _own_folders()]

    def walk(value: Any) -> Any:
        match value:
            case str() if value in outside:
                return decoded(outside[value])
            case str() if _HOME.match(value) or value.startswith(tuple(own)):
                return decoded(PurePath(value).name)
            case str():
                return decoded(value)
            case dict():
                return {name: walk(child) for name, child in value.items()}
            case list() | tuple():
                return [walk(child) for child in value]
        return value

    return walk(data)


def _own_folders() -> list[Path]:
    """The current folder and the user's, where there are any but the root."""
    folders = [Path(expand_home("~"))]
    with suppress(OSError):  # it was deleted
        folders.append(Path.cwd())
    return [folder for folder in folders if folder.is_absolute() and folder.name]


def _forms(folder: Path) -> set[Path]:
    """How a folder may be written, unless it is the root."""
    with suppress(OSError, RuntimeError):
        return {form for form in (folder.absolute(), folder.resolve()) if form.name}
    return {folder} if folder.is_absolute() and folder.name else set()


def _any_of(folders: Collection[Path]) -> str:
    """A pattern of these folders, the longest first; of nothing where there is none."""
    ordered = sorted(map(str, folders), key=len, reverse=True)
    return "|".join(map(re.escape, ordered)) or "(?!)"
