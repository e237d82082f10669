"""Options that several commands share, each declared once."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylepipe.cache_folder import expand_home
from stylepipe.errors import UsageError
from stylepipe.paths import is_file, is_folder

if TYPE_CHECKING:
    from stylepipe.cli.console import Console
    from stylepipe.engine.cache.store import Store
    from stylepipe.engine.job import Job


DEFAULT_OUTPUTS = Path("outputs")

_RECIPE = "The recipe, a YAML file, or the name of one that comes with stylepipe"


def typed_path(text: str | Path) -> Path:
    """Returns a path as typed, with a leading ~ expanded.

    Raises UsageError where there is no home folder, and for an empty path, for example that of an unset shell variable.
    """
    if not str(text):
        raise UsageError("A path is empty.", hint="Name a file or a folder; the current folder is '.'.")
    path = expand_home(str(text))
    if path == "~" or path.startswith("~/"):
        raise UsageError(f"'{text}' starts from the home folder, and there is none.", hint="Write the whole path, or set HOME.")
    return Path(path)


def typed_recipe(text: str) -> Path:
    """Returns the path of a recipe as typed, or of a shipped one by its bare name. Raises UsageError when there is none."""
    path = typed_path(text)
    if path.suffix or is_file(path) or text.startswith((".", "/", "~")):
        return path
    from stylepipe.recipe.shipped import find_shipped

    return find_shipped(text)


def typed_source(text: str) -> Path:
    """Returns a path as `typed_recipe` does; a run folder, and a name that may be the id of a run, stay as they are."""
    path = typed_path(text)
    try:
        return path if is_folder(path) else typed_recipe(text)
    except UsageError:
        return path


def recipe_folders(command: Sequence[str]) -> list[Path]:
    """Returns the folder of the recipe in a recorded command, a likely place of its inputs; none if unknown."""
    try:
        folders = [typed_recipe(command[2]).parent] if len(command) > 2 else []
    except UsageError:
        return []
    return [folder for folder in folders if is_folder(folder)]


RecipePath = Annotated[Path, typer.Argument(parser=typed_recipe, metavar="RECIPE", help=f"{_RECIPE}.", show_default=False)]
SharedPath = Annotated[
    Path,
    typer.Argument(
        parser=typed_source,
        metavar="RECIPE",
        help=f"{_RECIPE}; or a run, a picture that was made by one, or a bundle.",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="Sets a parameter; the value is YAML.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Prints JSON on stdout.")]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        parser=typed_path,
        metavar="DIR",
        help="The cache folder. [default: $STYLEPIPE_CACHE, or the user's cache]",
        show_default=False,
    ),
]
Outputs = Annotated[Path, typer.Option("--outputs", parser=typed_path, metavar="DIR", help="The folder of runs.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="STAGE", help="Runs from this stage on; earlier stages must be cached.", show_default=False),
]
Until = Annotated[str | None, typer.Option("--until", metavar="STAGE", help="Stops after this stage.", show_default=False)]
Force = Annotated[
    list[str] | None,
    typer.Option(
        "--force", metavar="STAGE", help="Runs this stage although it is cached; 'all' runs every stage.", show_default=False
    ),
]
NoLimits = Annotated[
    bool,
    typer.Option("--no-limits", help="Lifts the limits on stages, memory and time of a picture or bundle."),
]
NoEmbed = Annotated[bool, typer.Option("--no-embed", help="Does not embed the recipe in the pictures.")]


def overrides(pairs: Sequence[str] | None) -> Mapping[str, str]:
    """Parses `name=value` pairs. Raises UsageError for one without `=` or given twice."""
    values: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"-p {pair}: expected NAME=VALUE.", hint="For example -p size=512.")
        if name in values:
            raise UsageError(f"-p {name} is given twice.", hint="Give it once.")
        values[name] = value
    return values


def open_store(folder: Path | None) -> "Store":
    """Opens the store in a folder, or the default one, for maintenance. Raises StoreError."""
    from stylepipe.cache_folder import cache_folder
    from stylepipe.engine.cache.cache_access import open_cache

    return open_cache(folder or cache_folder())


def open_store_to_run(folder: Path | None) -> "Store":
    """Opens the store in a folder, or the default one, for reading and adding results. Raises StoreError."""
    from stylepipe.cache_folder import cache_folder
    from stylepipe.engine.cache.cache_access import open_cache_to_run

    return open_cache_to_run(folder or cache_folder())


def note_read_only_cache(store: "Store", console: "Console") -> None:
    """Prints a note when the chosen cache is read-only."""
    if store.read_only:
        console.say(f"The cache '{store.read_only}' is read-only: new results are kept in '{store.root}'.")


def load_job(
    recipe: Path,
    params: Sequence[str] | None,
    *,
    force: Sequence[str] | None = None,
    start: str | None = None,
    until: str | None = None,
    indexed: bool = True,
) -> "Job":
    """Loads and checks a recipe, and finds and digests its inputs; unchanged files in the user's input index are not read.

    Raises as `load_recipe` and `prepare` do.
    """
    from stylepipe.engine.cache.input_index import own_input_index
    from stylepipe.engine.inputs import WeightsSource, find_input
    from stylepipe.engine.job import prepare
    from stylepipe.neural.weights import catalog
    from stylepipe.recipe.load import load_recipe

    loaded = load_recipe(recipe, overrides=overrides(params))
    source = WeightsSource(catalog.find, catalog.read_weights)
    forced = "all" in (force or ()) or (force or ())
    with own_input_index() if indexed else nullcontext() as index:
        find = partial(find_input, index=index)
        return prepare(loaded, weights=source, force=forced, start=start, until=until, find=find)
