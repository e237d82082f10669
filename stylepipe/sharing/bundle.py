"""A bundle: one file `<name>.stylepipe` with a run and everything needed to repeat it.

    recipe.yaml     as its author wrote it
    resolved.yaml   what runs: its params have the values of the run, and the path of each input is a param
    record.json     what the run left
    inputs/         the inputs' files; of weights only names and digests are in the record
    SHA256SUMS      see `archive`

The same run makes the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stylepipe.engine.inputs import FoundInput, WeightsSource, find_input
from stylepipe.engine.runs.records import RECORD, RunRecord, UnreadableRecord, load_run, read_record
from stylepipe.errors import Place, UsageError
from stylepipe.paths import is_folder
from stylepipe.recipe.extends import read_recipe
from stylepipe.recipe.resolved import InputFile
from stylepipe.recipe.syntax.recipe_files import read
from stylepipe.recipe.syntax.scalars import dump
from stylepipe.recipe.validation.problems import show
from stylepipe.sharing.archive import SUMS, refusal, unpack_archive
from stylepipe.sharing.find_inputs import find_inputs, require_inputs
from stylepipe.sharing.provenance import Provenance, params_of_inputs, portable

RECIPE, RESOLVED, INPUTS = "recipe.yaml", "resolved.yaml", "inputs"
ENDING = ".stylepipe"
MAX_RECORD_BYTES = 16_000_000


@dataclass(frozen=True)
class Contents:
    """The contents of a bundle: the record of the run, the references of included inputs, and all members by name."""

    record: RunRecord
    references: Mapping[str, str]
    members: Mapping[str, Path | bytes]


def contents_of(folder: Path, *, given: Mapping[str, Path], folders: Sequence[Path], weights: WeightsSource) -> Contents:
    """Collects the contents of the bundle of a run.

    The inputs' files are those that are `given` for their params, or else are looked for in `folders` by their digests. Raises
    UsageError when one is missing or is another now, when a param is given that is no input's, and when the folder is that of a
    sweep or of a run that still goes on; StoreError and RecipeError when it cannot be read.
    """
    record = load_run(folder)
    if record.status == "running":
        raise UsageError("The run still goes on.", hint="Export it when it has come to its end.")
    source, _ = read_recipe(folder / RESOLVED)
    if "sweep" in source.data:
        picture = next((folder / output.file for output in record.outputs.values()), "PICTURE")
        raise UsageError(
            "That is a sweep, and a bundle holds one run.",
            hint=f"Its pictures carry their recipes: 'stylepipe run {picture}' makes a run of one variant, to be exported.",
        )
    document = portable(source.data, {name: each.reference for name, each in record.inputs.items()})
    params = params_of_inputs(document, record.inputs)
    require_inputs(given, params.values())
    found = _found(record, params, given, folders, weights)
    files: dict[str, Path] = {}
    references: dict[str, str] = {}
    for name, each in found.items():
        references[name] = f"{INPUTS}/{name}" + ("" if each.file.kind == "folder" else each.path.suffix.lower())
        for path in each.stamps:
            inner = f"/{path.relative_to(each.path).as_posix()}" if each.file.kind == "folder" else ""
            files[references[name] + inner] = path
    resolved = dump(portable(document, references)).encode()
    members = {RECIPE: file_of(folder, RECIPE), RESOLVED: resolved, RECORD: file_of(folder, RECORD), **files}
    return Contents(record, references, members)


def file_of(folder: Path, name: str, *, what: str = "The file") -> Path:
    """Returns a file of a run folder for sharing. Raises UsageError when it is missing, or a link, which may lead anywhere."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise UsageError(
            f"{what} '{name}' is no longer in the run's folder, or is a link.",
            hint="Run the recipe again: what is cached is not computed.",
        )
    return path


def _found(
    record: RunRecord, params: Mapping[str, str], given: Mapping[str, Path], folders: Sequence[Path], weights: WeightsSource
) -> dict[str, FoundInput]:
    """Returns the files of the inputs, except weights; `params` maps input names to the params of their paths.

    A folder that is given in the place of pictures is where they are looked for.
    """
    recorded = {name: each for name, each in record.inputs.items() if each.kind != "weights"}
    files: dict[str, InputFile] = {}
    for name, each in recorded.items():
        param = params.get(name)
        path = given.get(param or "", Path(each.reference))
        if each.kind != "folder" and is_folder(path):
            folders, path = [*folders, path], Path(each.reference)
        files[name] = InputFile(name, each.kind, str(path), Path(), Place(RECORD), confined=False, param=param)
    others = find_inputs(files, recorded, folders, weights)
    return {
        name: find_input(replace(file, reference=str(others.get(name, file.reference))), weights)
        for name, file in files.items()
    }


def unpack_bundle(path: Path, folder: Path) -> Provenance:
    """Unpacks a bundle into an empty folder, verifies every member, and returns its provenance.

    Raises InputError with what is not as it should be, and RecipeError when its recipe cannot be read.
    """
    unpack_archive(path, folder)
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    known = {RECIPE, RESOLVED, RECORD}
    if missing := known - names:
        raise refusal(path, f"it has no {min(missing)}")
    if others := [name for name in names - known - {SUMS} if not name.startswith(f"{INPUTS}/")]:
        raise refusal(path, f"{show(min(others))} has no place in a bundle")
    record = _record(path, folder)
    return Provenance(
        name=record.recipe,
        recipe=read(folder / RESOLVED, file=RESOLVED, place=Place(f"{path}: {RESOLVED}")),
        inputs=record.inputs,
        environment=record.environment,
        outputs={name: output.digest for name, output in record.outputs.items()},
    )


def _record(path: Path, folder: Path) -> RunRecord:
    try:
        return read_record(folder / RECORD, max_bytes=MAX_RECORD_BYTES)
    except UnreadableRecord as error:
        refused = refusal(path, error.reason)
        refused.hint = f"{error.hint} {refused.hint}"
        raise refused from error
