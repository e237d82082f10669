"""What was passed on, as a recipe in a folder of its own: from there it runs like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stylepipe.engine.inputs import WeightsSource
from stylepipe.errors import InputError, RecipeError
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.sharing.finding import find_inputs
from stylepipe.sharing.picture import read_picture
from stylepipe.sharing.provenance import Provenance

RESOLVED = "resolved.yaml"
ENDINGS = (".png",)


def is_shared(path: Path) -> bool:
    """Whether a file, by its name, is one that a recipe is passed on in, and no recipe itself."""
    return path.suffix.lower() in ENDINGS


def read_shared(path: Path) -> Provenance:
    """What a picture says of how it was made. Raises InputError."""
    return read_picture(path)


def unpack(path: Path, folder: Path) -> Provenance:
    """Writes what was passed on into an empty folder, once all of it is checked.

    Raises InputError when it is damaged or not what it should be, and RecipeError when its recipe cannot be run here.
    """
    provenance = read_shared(path)
    (folder / RESOLVED).write_text(provenance.recipe, encoding="utf-8")
    _check(provenance, _load(folder, path), path)
    return provenance


def inputs_of(
    provenance: Provenance, folder: Path, *, given: Mapping[str, str], folders: Sequence[Path], weights: WeightsSource
) -> dict[str, Path]:
    """The files to take in place of those that the unpacked recipe names, but for those that the user has `given`.

    They are looked for in the `folders` as `find_inputs` does, and raises what that does.
    """
    recorded = {name: record for name, record in provenance.inputs.items() if name not in given}
    return find_inputs(load_recipe(folder / RESOLVED).inputs, recorded, folders, weights)


def _load(folder: Path, path: Path) -> ResolvedRecipe:
    """The unpacked recipe; its problems have their places in the file that it came from."""
    try:
        return load_recipe(folder / RESOLVED)
    except RecipeError as error:
        problems = [
            replace(problem, place=problem.place and replace(problem.place, file=f"{path}: {RESOLVED}"))
            for problem in error.problems
        ]
        raise RecipeError(problems) from error


def _check(provenance: Provenance, recipe: ResolvedRecipe, path: Path) -> None:
    """Refuses what does not fit together."""
    for name, record in provenance.inputs.items():
        if name not in recipe.params or name not in recipe.inputs or recipe.inputs[name].kind != record.kind:
            raise InputError(
                f"'{path}' does not fit together: its recipe has no input {name!r} of kind {record.kind!r}.",
                hint="It was not written by stylepipe.",
            )
