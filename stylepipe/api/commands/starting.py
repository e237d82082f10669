"""Recipes to begin with: the functions behind `stylepipe recipes` and `stylepipe init`."""

import re
from importlib.resources import files
from pathlib import Path

from stylepipe.api.sources.user_paths import user_path
from stylepipe.errors import UsageError
from stylepipe.recipe.extends import read_recipe, recipe_files
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.load_variants import has_sweep, load_sweep
from stylepipe.recipe.shipped import find_shipped, shipped_recipes


def recipes() -> dict[str, str]:
    """Returns the names of the recipes that come with stylepipe, and what each makes."""
    return {name: str(read_recipe(file).source.data.get("description", "")) for name, file in shipped_recipes().items()}


def init(recipe: str | Path | None = None, /, *, name: str | None = None) -> Path:
    """Writes a starter recipe, or with `name` a copy of a shipped one with its pictures, and returns its file.

    The file is `recipe.yaml` by default, or NAME.yaml. Raises UsageError for an unknown name, and for a file that exists or
    cannot be written.
    """
    target = user_path(recipe or (f"{name.rpartition('/')[2]}.yaml" if name else "recipe.yaml"))
    if name:
        _copy_shipped(name, target)
    else:
        _write_starter(target)
    return target


def _write_starter(target: Path) -> None:
    text = files("stylepipe.recipe").joinpath("starter.yaml").read_text(encoding="utf-8")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text.replace("name: first-look", f"name: {_name(target)}"))
    except FileExistsError as error:
        raise UsageError(f"'{target}' exists already.", hint="Name another file, or move it away.") from error
    except OSError as error:
        raise UsageError(f"'{target}' cannot be written: {error.strerror}.", hint="Name a file in another folder.") from error


def _name(path: Path) -> str:
    """Returns a recipe's name, which begins with a letter, from its file name."""
    return re.sub(r"[^a-z0-9_]+", "-", re.sub(r"^[^a-z]+", "", path.stem.lower()))[:64].strip("-") or "first-look"


def _copy_shipped(name: str, target: Path) -> None:
    """Copies a shipped recipe to a file, and beside it, under their own names, the recipes that it extends and its pictures.

    Existing files with the same bytes are kept. Raises UsageError for other existing files, and when a file cannot be written.
    """
    source = find_shipped(name)
    folder = source.parent
    recipes = [each.recipe for each in load_sweep(source).variants] if has_sweep(source) else [load_recipe(source)]
    pictures = {file.root / file.reference for recipe in recipes for file in recipe.inputs.values() if file.is_picture}
    copies = {target: source} | {
        target.parent / file.relative_to(folder.resolve() if file in extended else folder): file
        for extended in [recipe_files(source)[1:]]
        for file in [*extended, *sorted(path for path in pictures if path.is_file())]
    }
    contents = {path: file.read_bytes() for path, file in copies.items()}
    for path, content in contents.items():
        if path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise UsageError(f"'{path}' exists already.", hint="Name a file in another folder, or move it away.")
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"'{target}' cannot be written: {error.strerror}.", hint="Name a file in another folder.") from error
