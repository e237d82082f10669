"""Removes the folders of this machine from texts in a run's folder, which may be shared."""

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
# or of an address. It may contain spaces inside quotes.
_START = r"(?:(?:[A-Za-z]:)?|~(?:[A-Za-z_][\w.-]*)?)"
_FOLDERS = re.compile(
    rf"(?<=['\"]){_START}(?:[/\\][^/\\'\"\n]+)+[/\\]"
    rf"|(?<![\w:/\\.~]){_START}(?:[/\\][^\s/\\'\":,;<>|]+)+[/\\]|(?<![\w:/\\.~])~[/\\]"
)
_HOME = re.compile(r"~[^/]*/(?:.*/)?")


class Redactor:
    """Removes the folders of this machine from texts: `folders`, and those of the user and of Python.

    Paths below one of `folders`, or below one of Python's, become relative to it; other paths below the current folder or the
    user's become the file's name.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        folders = list(folders)
        own = {form for folder in _own_folders() for form in _forms(folder)}
        python = [tempfile.gettempdir(), sys.prefix, *filter(None, sys.path)]
        shown = {form for folder in [*folders, *map(Path, python)] for form in _forms(folder)}
        shown -= {folder for folder in shown if any(each.is_relative_to(folder) for each in own)}
        relative = {folder for folder in folders if not folder.is_absolute() and folder.name}
        roots = rf"(?:{_any_of(shown)}|(?<=['\"])(?:{_any_of(relative)}))"
        outer = rf"(?!{roots}(?:[/\\]|(?![\w.-])))(?:{_any_of(own)})"
        self._roots = re.compile(rf"{roots}(?:(?P<inside>[/\\])|(?![\w.-]))")
        self._own = re.compile(
            rf"(?P<itself>{outer}(?![\w./\\-]))"
            rf"|(?<=['\"]){outer}[/\\](?:[^/\\'\"\n]+[/\\])*"
            rf"|{outer}[/\\](?:[^\s/\\'\":,;<>|]+[/\\])*"
        )

    def text(self, text: str) -> str:
        """Returns the text with absolute paths made relative to one of the folders, or else shortened to the file's name."""
        text = self._own.sub(lambda match: "." if match["itself"] else "", decoded(text))
        text = self._roots.sub(lambda match: "" if match["inside"] else ".", text)
        return _FOLDERS.sub("", text)

    def traceback(self, error: BaseException) -> str:
        """Returns the error's traceback, as Python prints it, without folders."""
        return self.text("".join(traceback.format_exception(error)))


def shareable(recipe: ResolvedRecipe, data: Any) -> Any:
    """Returns a recipe's data with input files from outside the recipe's folder (on the command line) replaced by their names.

    Other strings that are paths below the user's folder are shortened to the file's name too.
    """
    outside = names_of_outside_files(file.reference for file in recipe.inputs.values())
    outside |= {escape(reference): escape(name) for reference, name in outside.items()}  # as documents spell them
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
    """Returns the current folder and the user's, except the root."""
    folders = [Path(expand_home("~"))]
    with suppress(OSError):  # it was deleted
        folders.append(Path.cwd())
    return [folder for folder in folders if folder.is_absolute() and folder.name]


def _forms(folder: Path) -> set[Path]:
    """Returns the spellings of a folder, except the root."""
    with suppress(OSError, RuntimeError):
        return {form for form in (folder.absolute(), folder.resolve()) if form.name}
    return {folder} if folder.is_absolute() and folder.name else set()


def _any_of(folders: Collection[Path]) -> str:
    """Returns a pattern of these folders, longest first; one that never matches if there are none."""
    ordered = sorted(map(str, folders), key=len, reverse=True)
    return "|".join(map(re.escape, ordered)) or "(?!)"
