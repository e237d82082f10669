"""Paths as users give them, and recipes by the name of a shipped one; light, because the command line needs it to start."""

from collections.abc import Sequence
from pathlib import Path

from stylepipe.cache_folder import expand_home
from stylepipe.errors import UsageError
from stylepipe.paths import is_file, is_folder
from stylepipe.recipe.shipped import find_shipped

DEFAULT_OUTPUTS = Path("outputs")


def user_path(text: str | Path) -> Path:
    """Returns a path of the user, with a leading ~ expanded.

    Raises UsageError where there is no home folder, and for an empty path, for example that of an unset shell variable.
    """
    if not str(text):
        raise UsageError("A path is empty.", hint="Name a file or a folder; the current folder is '.'.")
    path = expand_home(str(text))
    if path == "~" or path.startswith("~/"):
        raise UsageError(f"'{text}' starts from the home folder, and there is none.", hint="Write the whole path, or set HOME.")
    return Path(path)


def recipe_path(text: str | Path) -> Path:
    """Returns the path of a recipe, or of a shipped one by its bare name. Raises UsageError when there is none."""
    path = user_path(text)
    return path if path.suffix or is_file(path) or str(text).startswith((".", "/", "~")) else find_shipped(str(text))


def source_path(text: str | Path) -> Path:
    """Returns a path as `recipe_path` does; a run folder, and a name that may be the id of a run, stay as they are."""
    path = user_path(text)
    try:
        return path if is_folder(path) else recipe_path(text)
    except UsageError:
        return path


def recipe_folders(command: Sequence[str]) -> list[Path]:
    """Returns the folder of the recipe in a recorded command, a likely place of its inputs; none if unknown."""
    try:
        folders = [recipe_path(command[2]).parent] if len(command) > 2 else []
    except UsageError:
        return []
    return [folder for folder in folders if is_folder(folder)]
