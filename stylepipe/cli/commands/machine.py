"""Information on the program and the machine: --version and doctor."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylepipe.cli.console import Console
from stylepipe.cli.options import CacheFolder, Json
from stylepipe.errors import StylepipeError

if TYPE_CHECKING:
    from stylepipe.engine.cache.store import Store

LEAST_FREE = 10**9


def _print_version(wanted: bool) -> bool:
    if wanted:
        from stylepipe import __version__

        Console().result(__version__, __version__)
        raise typer.Exit
    return wanted


def about(
    version: Annotated[
        bool, typer.Option("--version", help="Prints the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Declarative pipelines for neural style transfer."""


def doctor(cache: CacheFolder = None, json: Json = False) -> None:
    """Checks the installation and suggests fixes."""
    from stylepipe.api.sources.jobs import open_store_to_run
    from stylepipe.engine.environment import environment
    from stylepipe.neural.weights.catalog import list_weights
    from stylepipe.plugins import stage_modules

    console = Console(as_json=json)
    store = open_store_to_run(cache)
    problems = list(_problems(store))
    beside = f"; results are taken from {store.read_only}, too" if store.read_only else ""
    memory, free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), _free(store.root)
    files, names = list_weights(), sorted(stage_modules())
    properties = {
        **environment(),
        "memory": f"{memory / 1e9:.1f} GB",
        "cache": f"{store.root}, {free / 1e9:.1f} GB free{beside}",
        "weights": ", ".join(name if path else f"{name} (missing)" for name, path in files.items()),
        "stages": ", ".join(names),
    }
    data = {
        **environment(),
        "memory": memory,
        "cache": {"folder": str(store.root), "free": free, "read_only": store.read_only and str(store.read_only)},
        "weights": {name: path and str(path) for name, path in files.items()},
        "stages": names,
        "problems": [{"message": error.message, "hint": error.hint} for error in problems],
    }
    width = max(map(len, properties))
    console.result("\n".join(f"{name.ljust(width)}  {value}" for name, value in properties.items()), data)
    for error in problems:
        console.problem(error)
    if problems:
        raise typer.Exit(1)


def _problems(store: "Store") -> Iterator[StylepipeError]:
    """Returns the problems of this installation, each with a fix."""
    from stylepipe.api.extensions import extension_problems, function_problems

    checks: list[Callable[[], object]] = [partial(_check_cache, store), _check_devices, _check_weights]
    for check in checks:
        try:
            check()
        except StylepipeError as error:
            yield error
    yield from extension_problems()
    yield from function_problems()


def _check_cache(store: "Store") -> None:
    with store.session():
        pass
    if _free(store.root) < LEAST_FREE:
        raise StylepipeError(
            f"There is less than {LEAST_FREE / 1e9:.0f} GB of space left for the cache.",
            hint="'stylepipe cache gc --days 30' removes results that were not used for a month.",
        )


def _check_devices() -> None:
    from stylepipe.hardware.devices import jax_backend

    if jax_backend() == "cpu" and Path("/dev/nvidia0").exists() and "JAX_PLATFORMS" not in os.environ:
        raise StylepipeError(
            "There is an NVIDIA GPU, and JAX computes on the CPU.",
            hint="Install stylepipe with its extra 'cuda', or set JAX_PLATFORMS=cpu if that is meant.",
        )


def _check_weights() -> None:
    from stylepipe.neural.weights.catalog import CATALOGUE, find

    for name, entry in CATALOGUE.items():
        if not entry.published:
            find(name)


def _free(folder: Path) -> int:
    from shutil import disk_usage

    from stylepipe.paths import exists

    return disk_usage(next(path for path in (folder, *folder.parents) if exists(path))).free
