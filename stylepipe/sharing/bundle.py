"""A bundle: one file `<name>.stylepipe` with a run and everything needed to repeat it.

    recipe.yaml     as its author wrote it
    resolved.yaml   the recipe to run: its params have the values of the run, and the path of each input is a param
    record.json     the record of the run; it has the names and digests of weights
    inputs/         the input files, except weights
    SHA256SUMS      checksums; see `archive`

Exporting a run again gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stylepipe.engine.inputs import InputSource, WeightsSource, find_input
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


def contents_of(folder: Path, *, overrides: Mapping[str, Path], folders: Sequence[Path], weights: WeightsSource) -> Contents:
    """Collects the contents of the bundle of a run.

    Input files are taken from `overrides`, by param, or else found in `folders` by digest. Raises UsageError when a file is
    missing or has changed, when an override is of a param that holds no input's path, and when the folder is that of a sweep or
    of a run in progress; StoreError and RecipeError when it cannot be read.
    """
    record = load_run(folder)
    if record.status == "running":
        raise UsageError("The run has not ended.", hint="Export it when it has.")
    source = read_recipe(folder / RESOLVED).source
    if "sweep" in source.data:
        picture = next((folder / output.file for output in record.outputs.values()), "PICTURE")
        raise UsageError(
            "This is a sweep, and a bundle holds one run.",
            hint=f"Its pictures carry their recipes: export the run that 'stylepipe run {picture}' makes of one variant.",
        )
    document = portable(source.data, {name: each.reference for name, each in record.inputs.items()})
    params = params_of_inputs(document, record.inputs)
    require_inputs(overrides, params.values())
    sources = _sources(record, params, overrides, folders, weights)
    files: dict[str, Path] = {}
    references: dict[str, str] = {}
    for name, each in sources.items():
        references[name] = f"{INPUTS}/{name}" + ("" if each.file.kind == "folder" else each.path.suffix.lower())
        for path in each.stamps:
            inner = f"/{path.relative_to(each.path).as_posix()}" if each.file.kind == "folder" else ""
            files[references[name] + inner] = path
    resolved = dump(portable(document, references)).encode()
    members = {RECIPE: file_of(folder, RECIPE), RESOLVED: resolved, RECORD: file_of(folder, RECORD), **files}
    return Contents(record, references, members)


def file_of(folder: Path, name: str, *, label: str = "The file") -> Path:
    """Returns a file of a run folder for sharing. Raises UsageError when it is missing, or a link, which may lead anywhere."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise UsageError(
            f"{label} '{name}' is no longer in the run's folder, or is a link.",
            hint="Run the recipe again: cached results are not computed again.",
        )
    return path


def _sources(
    record: RunRecord, params: Mapping[str, str], overrides: Mapping[str, Path], folders: Sequence[Path], weights: WeightsSource
) -> dict[str, InputSource]:
    """Returns the files of the inputs, except weights; `params` maps input names to the params of their paths.

    An override of a picture that names a folder makes it one of the folders to search.
    """
    recorded = {name: each for name, each in record.inputs.items() if each.kind != "weights"}
    files: dict[str, InputFile] = {}
    for name, each in recorded.items():
        param = params.get(name)
        path = overrides.get(param or "", Path(each.reference))
        if each.kind != "folder" and is_folder(path):
            folders, path = [*folders, path], Path(each.reference)
        files[name] = InputFile(name, each.kind, str(path), Path(), Place(RECORD), confined=False, param=param)
    replacements = find_inputs(files, recorded, folders, weights)
    return {
        name: find_input(replace(file, reference=str(replacements.get(name, file.reference))), weights)
        for name, file in files.items()
    }


def unpack_bundle(path: Path, folder: Path) -> Provenance:
    """Unpacks a bundle into an empty folder, verifies every member, and returns its provenance.

    Raises InputError that names the first defect, and RecipeError when its recipe cannot be read.
    """
    unpack_archive(path, folder)
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    required = {RECIPE, RESOLVED, RECORD}
    if missing := required - names:
        raise refusal(path, f"it has no {min(missing)}")
    if extra := [name for name in names - required - {SUMS} if not name.startswith(f"{INPUTS}/")]:
        raise refusal(path, f"{show(min(extra))} does not belong in a bundle")
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
