"""What can be run: recipes, and runs, pictures and bundles, which are unpacked into a temporary folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stylepipe.api.sources.recipe_objects import Recipe
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, recipe_folders, source_path, user_path
from stylepipe.engine.cache.input_index import own_input_index
from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.runs.records import RECORD, find_run, load_run
from stylepipe.errors import UsageError, did_you_mean
from stylepipe.image.files.io import Notify
from stylepipe.neural.weights import catalog
from stylepipe.paths import exists, is_file
from stylepipe.recipe.extends import RecipeDocument
from stylepipe.recipe.shipped import shipped_recipes
from stylepipe.sharing.bundle import RESOLVED
from stylepipe.sharing.find_inputs import nowhere
from stylepipe.sharing.provenance import Provenance
from stylepipe.sharing.unpacking import in_place, inputs_of, is_shared, placed_in, unpack, unpack_run


def weights_source() -> WeightsSource:
    """Returns the source of weights by name."""
    return WeightsSource(catalog.find, catalog.read_weights)


class Opened(NamedTuple):
    """A recipe to run, its overrides, and the file that it comes from, as the user named it."""

    recipe: Path | RecipeDocument
    overrides: Mapping[str, str]
    source: Path

    def named(self, text: str) -> str:
        """Returns a message with the user's file in place of the recipe that was unpacked from it."""
        return in_place(text, self.source, self.recipe) if isinstance(self.recipe, Path) else text


@contextmanager
def opened(
    recipe: str | Path | Recipe,
    overrides: Mapping[str, str],
    *,
    note: Notify,
    outputs: str | Path = DEFAULT_OUTPUTS,
    limited: bool = True,
) -> Iterator[Opened]:
    """Opens a recipe; a run, picture or bundle is unpacked while the block lasts.

    A run is named by its folder, or by its id or the end of its id under `outputs`. Any other file is a recipe and yielded
    unchanged. Raises as `unpack`, `unpack_run` and `inputs_of` do.
    """
    if isinstance(recipe, Recipe):
        yield Opened(recipe.document, overrides, Path(f"{recipe.name}.yaml"))
        return
    source = source_path(recipe)
    run = None if is_shared(source) else _run_folder(source, user_path(outputs))
    if run is None and not is_shared(source):
        yield Opened(source, overrides, source)
        return
    with TemporaryDirectory(prefix="stylepipe-") as temporary:
        folder = Path(temporary)
        if run:
            provenance, folders = unpack_run(run, folder), [Path(), *recipe_folders(load_run(run).command)]
        else:
            provenance, folders = unpack(source, folder, weights_source(), limited=limited), [source.parent, Path()]
        files = inputs_here(provenance, folder, overrides=overrides, folders=folders, note=note)
        with placed_in(source, folder):
            yield Opened(folder / RESOLVED, {**files, **overrides}, source)


def inputs_here(
    provenance: Provenance, folder: Path, *, overrides: Mapping[str, str], folders: Sequence[Path], note: Notify
) -> dict[str, str]:
    """As `inputs_of`; also searches the places in the user's index of inputs."""
    source = weights_source()
    with own_input_index() as index:
        places = index.places if index else nowhere
        return inputs_of(provenance, folder, overrides=overrides, folders=folders, weights=source, places=places, note=note)


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
