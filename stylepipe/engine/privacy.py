"""Texts without the folders of this machine, for what a run leaves: its folder may be passed on."""

import re
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stylepipe.recipe.labels import names_of_outside_files
from stylepipe.recipe.resolved import ResolvedRecipe

# An absolute path up to its last separator, on POSIX or Windows; not the middle of a relative path or of an address.
_FOLDERS = re.compile(r"(?<![\w:/\\.~])(?:[A-Za-z]:)?(?:[/\\][^\s/\\'\":,;<>|]+)+[/\\]")


class Redactor:
    """Takes the folders of this machine, those given and those of the user and of Python, out of texts."""

    def __init__(self, folders: Iterable[Path]) -> None:
        own = [Path.cwd(), Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix), *map(Path, filter(None, sys.path))]
        known = {form for folder in [*folders, *own] for form in (folder.absolute(), folder.resolve()) if form.name}
        names = "|".join(re.escape(str(folder)) for folder in sorted(known, key=lambda folder: len(str(folder)), reverse=True))
        self._known = re.compile(rf"(?:{names})(?:(?P<inside>[/\\])|(?![\w.-]))")

    def text(self, text: str) -> str:
        """The text, absolute paths in it shortened to what follows a known folder, or else to the file's name."""
        return _FOLDERS.sub("", self._known.sub(lambda found: "" if found["inside"] else ".", text))

    def traceback(self, error: BaseException) -> str:
        """The error's traceback, as Python prints it."""
        return self.text("".join(traceback.format_exception(error)))


def shareable(recipe: ResolvedRecipe, data: Any) -> Any:
    """Plain data of a recipe, input files from outside the recipe's folder (given on the command line) known by their names."""
    outside = names_of_outside_files(file.reference for file in recipe.inputs.values())

    def walk(value: Any) -> Any:
        match value:
            case str():
                return outside.get(value, value)
            case dict():
                return {name: walk(child) for name, child in value.items()}
            case list() | tuple():
                return [walk(child) for child in value]
        return value

    return walk(data)
