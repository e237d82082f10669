"""Passing runs on, as the commands need it: what pictures are to carry, and recipes out of pictures and bundles."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stylepipe.cli.console import Console
from stylepipe.cli.options import DEFAULT_OUTPUTS, overrides, recipe_folders
from stylepipe.engine.cache.input_index import own_input_index
from stylepipe.engine.events import EngineNote, Event, Observer, RunEnded, RunStarted
from stylepipe.engine.inputs import FoundInput, WeightsSource
from stylepipe.engine.runs.records import RECORD, find_run, load_run
from stylepipe.engine.runs.run_folder import add_note
from stylepipe.errors import UsageError, did_you_mean, reason_of
from stylepipe.escapes import visible_line
from stylepipe.neural.weights import catalog
from stylepipe.paths import exists, is_file
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe
from stylepipe.recipe.shipped import shipped_recipes
from stylepipe.sharing.bundle import RESOLVED
from stylepipe.sharing.find_inputs import nowhere
from stylepipe.sharing.png_provenance import MAX_BYTES, embed
from stylepipe.sharing.provenance import Provenance, provenance_of
from stylepipe.sharing.unpacking import inputs_of, is_shared, placed_in, unpack, unpack_run


@dataclass(frozen=True)
class Origin:
    """Where a picture comes from: a recipe, and the name of the output there."""

    recipe: ResolvedRecipe
    output: str


def embedding(observe: Observer, origins: Mapping[str, Origin], found: Collection[FoundInput]) -> Observer:
    """Passes events on to `observe`, and when the run ends, lets its pictures carry how they were made.

    `origins` has those of the run's outputs by name, `found` all inputs of the run.
    """
    folder = Path()

    def pass_on(event: Event) -> None:
        nonlocal folder
        match event:
            case RunStarted(started, _):
                folder = started
            case RunEnded():
                try:
                    _embed(folder, origins, found, observe)
                except Exception as error:  # the run itself has its result, or another error
                    observe(EngineNote(f"The pictures do not carry their recipe. {reason_of(error)}"))
        observe(event)

    return pass_on


def _embed(folder: Path, origins: Mapping[str, Origin], found: Collection[FoundInput], observe: Observer) -> None:
    record = load_run(folder)
    by_file = {_identity(each.file): each for each in found}
    for name, output in record.outputs.items():
        if name not in origins or not output.file.endswith(".png"):
            continue
        origin = origins[name]
        inputs = {own: by_file[_identity(file)] for own, file in origin.recipe.inputs.items() if _identity(file) in by_file}
        computed = record.stages[output.stage].environment or record.environment
        provenance = provenance_of(origin.recipe, inputs, environment=computed, outputs={origin.output: output.digest})
        try:
            embed(folder / output.file, provenance)
        except ValueError:
            observe(add_note(folder, f"'{output.file}' does not carry its recipe, which is larger than {MAX_BYTES} bytes."))


def _identity(file: InputFile) -> tuple[str, Path, str, str | None, bool]:
    """What an input is, whatever the recipe calls it."""
    return file.kind, file.root, file.reference, file.channel, file.invert


def weights_source() -> WeightsSource:
    """Where weights are found by name."""
    return WeightsSource(catalog.find, catalog.read_weights)


@contextmanager
def unpacked(
    path: Path, params: Sequence[str] | None, *, outputs: Path = DEFAULT_OUTPUTS, limited: bool = True
) -> Iterator[tuple[Path, list[str]]]:
    """The recipe to run, and the params that it is given: of a run, a picture or a bundle, unpacked while the block lasts.

    A run is named by its folder, or by its id, or the end of that, under `outputs`. Any other file is taken for a recipe as it
    is. Raises as `unpack`, `unpack_run` and `inputs_of` do.
    """
    run = None if is_shared(path) else _run_folder(path, outputs)
    if run is None and not is_shared(path):
        yield path, list(params or ())
        return
    with TemporaryDirectory(prefix="stylepipe-") as temporary:
        folder = Path(temporary)
        if run:
            provenance, folders = unpack_run(run, folder), [Path(), *recipe_folders(load_run(run).command)]
        else:
            provenance, folders = unpack(path, folder, weights_source(), limited=limited), [path.parent, Path()]
        found = inputs_here(provenance, folder, given=overrides(params), folders=folders)
        with placed_in(path, folder):
            yield folder / RESOLVED, [*(params or ()), *(f"{param}={value}" for param, value in found.items())]


def inputs_here(provenance: Provenance, folder: Path, *, given: Mapping[str, str], folders: Sequence[Path]) -> dict[str, str]:
    """As `inputs_of`; inputs are looked for where they were when this user's runs used them, too, and that is said."""
    source = weights_source()
    with own_input_index() as index:
        places = index.places if index else nowhere
        return inputs_of(provenance, folder, given=given, folders=folders, weights=source, places=places, note=Console().say)


def _run_folder(path: Path, outputs: Path) -> Path | None:
    """The folder of the run that is meant; None where it is the file of a recipe. Raises UsageError where it is neither."""
    if is_file(path / RECORD):
        return path
    if path.suffix or exists(path):
        return None
    try:
        return find_run(outputs, str(path))
    except UsageError as error:
        names = [name for name in shipped_recipes() if "/" in str(path) or "/" not in name]
        raise UsageError(
            f"There is no file '{path}', no recipe of that name comes with stylepipe, and it is no run in '{outputs}'.",
            hint=f"{did_you_mean(str(path), names)} `stylepipe recipes` and `stylepipe runs` list them.",
        ) from error


def describe(provenance: Provenance) -> str:
    """A provenance for people."""
    versions = ", ".join(f"{name} {value}" for name, value in provenance.environment.items())
    lines = [f"recipe  {provenance.name}"]
    lines += [f"input   {name}: {found.reference} ({found.sha256[:12]})" for name, found in provenance.inputs.items()]
    lines += [f"result  {name} ({digest[:12]})" for name, digest in provenance.outputs.items()]
    return "\n".join([*map(visible_line, [*lines, f"made by {versions}"]), "", provenance.recipe.rstrip()])
