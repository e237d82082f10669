"""Shows runs, pictures, bundles and recipes: the function behind `stylepipe show` and `stylepipe.show`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylepipe.api.results.run_results import Run
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, recipe_path, user_path
from stylepipe.engine.runs.records import find_run, load_run
from stylepipe.errors import InputError, UsageError
from stylepipe.paths import exists, is_file
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.params.overrides import type_phrase
from stylepipe.recipe.resolved import PICTURE_ENDINGS, ResolvedRecipe
from stylepipe.sharing.provenance import Provenance
from stylepipe.sharing.unpacking import is_shared, read_shared

_FILES = {"image": "a picture", "mask": "a mask", "weights": "weights, by name or file", "folder": "a folder of pictures"}


@dataclass(frozen=True)
class ParamDescription:
    """A param of a recipe: its name, what it takes in words, and its default."""

    name: str
    type: str
    default: Any


@dataclass(frozen=True)
class RecipeDescription:
    """The recipe in a `file`: its params, and what it makes of them."""

    file: Path
    recipe: ResolvedRecipe
    params: tuple[ParamDescription, ...]


def show(run: str | Path, /, *, outputs: str | Path = DEFAULT_OUTPUTS) -> Run | Provenance | RecipeDescription:
    """Returns a run, how a picture was made, or what a recipe takes.

    For a run, by its folder, its id or the end of its id: its record, pictures and losses. For a picture of a run or a bundle:
    the recipe, inputs and versions in it. For a recipe, by its file or the name of a shipped one: its params.

    Raises InputError for a picture that does not say how it was made, UsageError where there is no such thing, and as
    `load_recipe` and `read_shared` do.
    """
    path = user_path(run)
    if is_shared(path):
        return read_shared(path)
    if is_file(path) and path.suffix.lower() in PICTURE_ENDINGS:
        hint = "The PNG in its run's folder does, unless another program has saved it again; 'stylepipe runs' lists the runs."
        raise InputError(f"'{path}' is a picture that does not say how it was made: only PNG files do.", hint=hint)
    if is_file(path):
        return _recipe(path)
    try:
        folder = find_run(user_path(outputs), str(run))
    except UsageError:
        if exists(path) or (recipe := _shipped(str(run))) is None:
            raise
        return _recipe(recipe)
    return Run(folder, load_run(folder))


def _recipe(path: Path) -> RecipeDescription:
    recipe = load_recipe(path)
    return RecipeDescription(path, recipe, tuple(_params(recipe)))


def _params(recipe: ResolvedRecipe) -> list[ParamDescription]:
    kinds: Mapping[str, str] = {file.param: _FILES[file.kind] for file in recipe.inputs.values() if file.param}
    return [ParamDescription(name, _type(kinds.get(name), default), default) for name, default in recipe.params.items()]


def _type(file: str | None, default: Any) -> str:
    if file and isinstance(default, list):
        return "pictures: a list, a folder or a pattern"
    return file or type_phrase(default)


def _shipped(name: str) -> Path | None:
    """Returns the file of the shipped recipe of that name, if there is one."""
    try:
        path = recipe_path(name)
    except UsageError:
        return None
    return path if is_file(path) else None
