"""Shared recipes, unpacked into a folder of their own, from which they run like any other."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.runs.records import load_run
from stylepipe.errors import RecipeError, StylepipeError, UsageError
from stylepipe.recipe.extends import read_recipe
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.syntax.scalars import dump
from stylepipe.recipe.validation.problems import show
from stylepipe.sharing.archive import refusal
from stylepipe.sharing.bundle import ENDING, RESOLVED, unpack_bundle
from stylepipe.sharing.find_inputs import Places, find_inputs, nowhere
from stylepipe.sharing.limits import check_stages
from stylepipe.sharing.png_provenance import read_picture
from stylepipe.sharing.provenance import Provenance, portable


def is_shared(path: Path) -> bool:
    """Returns whether the name of a file is that of a picture or bundle with a recipe, and not of a recipe itself."""
    return path.suffix.lower() in (".png", ENDING)


def read_shared(path: Path) -> Provenance:
    """Reads the provenance of a picture or bundle. Raises as `read_picture` and `unpack_bundle` do."""
    if path.suffix.lower() != ENDING:
        return read_picture(path)
    with TemporaryDirectory(prefix="stylepipe-") as folder:
        return unpack_bundle(path, Path(folder))


def unpack(path: Path, folder: Path, weights: WeightsSource, *, limited: bool = True) -> Provenance:
    """Writes the contents of a picture or bundle into an empty folder, and checks all of it.

    Raises InputError when it is damaged or not what it should be, RecipeError when its recipe cannot be run here, and
    UsageError when a bundle's inputs are not those of its run, or when it is `limited` and has too many stages.
    """
    if path.suffix.lower() == ENDING:
        provenance = unpack_bundle(path, folder)
        enclosed = {name: record for name, record in provenance.inputs.items() if record.kind != "weights"}
    else:
        provenance, enclosed = read_picture(path), {}
        (folder / RESOLVED).write_text(provenance.recipe, encoding="utf-8")
    recipe = _load(folder, path)
    for name, record in provenance.inputs.items():
        if name not in recipe.inputs or recipe.inputs[name].kind != record.kind or recipe.inputs[name].param is None:
            raise refusal(path, f"its recipe has no input {show(name)} of the kind {show(record.kind)} whose path is a param")
    if extra := provenance.outputs.keys() - recipe.outputs.keys():
        raise refusal(path, f"its recipe has no output {show(min(extra))}")
    find_inputs(recipe.inputs, enclosed, [], weights)
    if limited:
        check_stages(recipe)
    return provenance


def unpack_run(run: Path, folder: Path) -> Provenance:
    """Writes the recipe of a run into an empty folder.

    Raises UsageError for a sweep, which has a recipe for each variant, and for a record with results that the recipe does not
    have or that have no digests; StoreError or RecipeError when reading fails.
    """
    record = load_run(run)
    source = read_recipe(run / RESOLVED).source
    if "sweep" in source.data:
        raise UsageError("This is a sweep.", hint="Its pictures carry their recipes: name one of them.")
    recipe = dump(portable(source.data, {name: each.reference for name, each in record.inputs.items()}))
    (folder / RESOLVED).write_text(recipe, encoding="utf-8")
    outputs = {name: output.digest for name, output in record.outputs.items()}
    hint = "Run the recipe again."
    if extra := outputs.keys() - _load(folder, run).outputs.keys():
        raise UsageError(f"The record has a result {show(min(extra))}, and the recipe has none.", hint=hint)
    try:
        return Provenance(
            name=record.recipe, recipe=recipe, inputs=record.inputs, environment=record.environment, outputs=outputs
        )
    except ValidationError as error:
        named = ", ".join(map(show, outputs.values()))
        raise UsageError(f"The record's results have invalid digests: {named}.", hint=hint) from error


def inputs_of(
    provenance: Provenance,
    folder: Path,
    *,
    overrides: Mapping[str, str],
    folders: Sequence[Path],
    weights: WeightsSource,
    places: Places = nowhere,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """Returns values for params whose files lie elsewhere than the unpacked recipe says, except for params in `overrides`.

    Searches the `places` and the `folders`, and raises, as `find_inputs` does. Calls `note` for each file that is outside of
    the folders.
    """
    inputs = load_recipe(folder / RESOLVED).inputs
    replaced = {name for name, file in inputs.items() if file.param in overrides}
    recorded = {name: record for name, record in provenance.inputs.items() if name not in replaced}
    replacements = find_inputs(inputs, recorded, folders, weights, places)
    for name, path in replacements.items():
        if not any(path.resolve().is_relative_to(folder.resolve()) for folder in folders):
            note(f"Input '{name}' is taken from {path}.")
    lists = read_recipe(folder / RESOLVED).source.data["inputs"]
    values: dict[str, str] = {}
    for name in replacements:
        param = inputs[name].param
        if param and name in lists:
            values[param] = str(replacements[name])
        elif param:  # one of a list of images: its param is the whole list
            files = [file for file in inputs.values() if file.param == param and file.name not in lists]
            values[param] = json.dumps([str(replacements.get(file.name, file.root / file.reference)) for file in files])
    return values


def _load(folder: Path, path: Path) -> ResolvedRecipe:
    """Loads the unpacked recipe; places of problems name the original file."""
    with placed_in(path, folder):
        return load_recipe(folder / RESOLVED)


@contextmanager
def placed_in(path: Path, folder: Path) -> Iterator[None]:
    """Makes errors of the block name the original file in place of the temporary recipe."""

    def named(text: str) -> str:
        return in_place(text, path, folder / RESOLVED)

    try:
        yield
    except RecipeError as error:
        problems = [
            replace(problem, place=problem.place and replace(problem.place, file=named(problem.place.file)))
            for problem in error.problems
        ]
        raise RecipeError(problems) from error
    except StylepipeError as error:
        error.message = named(error.message)
        raise


def in_place(text: str, path: Path, recipe: Path) -> str:
    """Returns the text with the original file in place of the recipe that was unpacked from it."""
    return text if recipe == path else text.replace(str(recipe), f"{path}: {RESOLVED}")
