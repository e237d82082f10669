"""Recipes of runs, pictures and bundles, unpacked while a command runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stylepipe.cli.console import Console
from stylepipe.cli.options import DEFAULT_OUTPUTS, overrides, recipe_folders
from stylepipe.engine.cache.input_index import own_input_index
from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.runs.records import RECORD, find_run, load_run
from stylepipe.errors import UsageError, did_you_mean
from stylepipe.escapes import visible_line
from stylepipe.formatting import short_digest
from stylepipe.neural.weights import catalog
from stylepipe.paths import exists, is_file
from stylepipe.recipe.shipped import shipped_recipes
from stylepipe.sharing.bundle import RESOLVED
from stylepipe.sharing.find_inputs import nowhere
from stylepipe.sharing.provenance import Provenance
from stylepipe.sharing.unpacking import inputs_of, is_shared, placed_in, unpack, unpack_run


def weights_source() -> WeightsSource:
    """Returns the source of weights by name."""
    return WeightsSource(catalog.find, catalog.read_weights)


@contextmanager
def unpacked(
    path: Path, params: Sequence[str] | None, *, outputs: Path = DEFAULT_OUTPUTS, limited: bool = True
) -> Iterator[tuple[Path, list[str]]]:
    """Unpacks a run, picture or bundle while the block lasts; yields the recipe to run and its params.

    A run is named by its folder, or by its id or the end of its id under `outputs`. Any other file is a recipe and yielded
    unchanged. Raises as `unpack`, `unpack_run` and `inputs_of` do.
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
        values = inputs_here(provenance, folder, overrides=overrides(params), folders=folders)
        with placed_in(path, folder):
            yield folder / RESOLVED, [*(params or ()), *(f"{param}={value}" for param, value in values.items())]


def inputs_here(
    provenance: Provenance, folder: Path, *, overrides: Mapping[str, str], folders: Sequence[Path]
) -> dict[str, str]:
    """Does as `inputs_of`; also searches the places in the user's input index, and prints which files it uses."""
    source = weights_source()
    with own_input_index() as index:
        places = index.places if index else nowhere
        return inputs_of(
            provenance, folder, overrides=overrides, folders=folders, weights=source, places=places, note=Console().say
        )


def _run_folder(path: Path, outputs: Path) -> Path | None:
    """Returns the folder of a run; None for the file of a recipe. Raises UsageError for neither."""
    if is_file(path / RECORD):
        return path
    if path.suffix or exists(path):
        return None
    try:
        return find_run(outputs, str(path))
    except UsageError as error:
        names = [name for name in shipped_recipes() if "/" in str(path) or "/" not in name]
        raise UsageError(
            f"There is no file '{path}', no recipe of that name comes with stylepipe, and it is not a run in '{outputs}'.",
            hint=f"{did_you_mean(str(path), names)} `stylepipe recipes` and `stylepipe runs` list them.",
        ) from error


def describe(provenance: Provenance) -> str:
    """Formats a provenance as text."""
    versions = ", ".join(f"{name} {value}" for name, value in provenance.environment.items())
    lines = [f"recipe  {provenance.name}"]
    lines += [
        f"input   {name}: {record.reference} ({short_digest(record.sha256)})" for name, record in provenance.inputs.items()
    ]
    lines += [f"result  {name} ({short_digest(digest)})" for name, digest in provenance.outputs.items()]
    return "\n".join([*map(visible_line, [*lines, f"made by {versions}"]), "", provenance.recipe.rstrip()])
