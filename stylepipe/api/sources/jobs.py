"""Jobs and sweeps from recipe files, and the caches that they use."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from stylepipe.api.sources.opened import weights_source
from stylepipe.api.sources.user_paths import user_path
from stylepipe.cache_folder import cache_folder
from stylepipe.engine.cache.cache_access import open_cache, open_cache_to_run
from stylepipe.engine.cache.input_index import own_input_index
from stylepipe.engine.cache.store import Store
from stylepipe.engine.inputs import find_input
from stylepipe.engine.job import FindInput, Job, prepare
from stylepipe.engine.sweeps.merge import SweepJob, prepare_sweep
from stylepipe.image.files.io import Notify, ignore
from stylepipe.recipe.extends import RecipeDocument
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.load_variants import MAX_VARIANTS, ResolvedSweep, load_sweep


def load_job(
    recipe: Path | RecipeDocument,
    overrides: Mapping[str, str],
    *,
    force: Collection[str] = (),
    start: str | None = None,
    until: str | None = None,
    indexed: bool = True,
) -> Job:
    """Returns the recipe, checked, with its inputs; a file is read for its digest unless it is in the user's index.

    Raises as `load_recipe` and `prepare` do.
    """
    loaded = load_recipe(recipe, overrides=overrides)
    with _finding(indexed=indexed) as find:
        return prepare(loaded, weights=weights_source(), force=_forced(force), start=start, until=until, find=find)


def load_sweep_job(
    recipe: Path | RecipeDocument,
    overrides: Mapping[str, str],
    *,
    force: Collection[str] = (),
    max_variants: int = MAX_VARIANTS,
) -> tuple[ResolvedSweep, SweepJob]:
    """Returns the variants of a recipe, checked, and the job of all of them. Raises as `load_sweep` and `prepare_sweep` do."""
    loaded = load_sweep(recipe, overrides=overrides, max_variants=max_variants)
    with _finding() as find:
        return loaded, prepare_sweep(loaded, weights=weights_source(), force=_forced(force), find=find)


def open_store(folder: str | Path | None) -> Store:
    """Opens the store in a folder, or the default one, for maintenance. Raises StoreError."""
    return open_cache(user_path(folder) if folder else cache_folder())


def open_store_to_run(folder: str | Path | None, *, note: Notify = ignore) -> Store:
    """Opens the store in a folder, or the default one, for reading and adding results. Raises StoreError.

    `note` receives a message when results are added to another folder, because this one cannot be written.
    """
    store = open_cache_to_run(user_path(folder) if folder else cache_folder())
    if store.read_only:
        note(f"The cache '{store.read_only}' may not be written: new results are kept in '{store.root}'.")
    return store


@contextmanager
def _finding(*, indexed: bool = True) -> Iterator[FindInput]:
    with own_input_index() if indexed else nullcontext() as index:
        yield partial(find_input, index=index)


def _forced(stages: Collection[str]) -> bool | Collection[str]:
    return True if "all" in stages else stages
