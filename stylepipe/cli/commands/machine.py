"""Information on the program and the machine: --version and doctor."""

from typing import Annotated

import typer

from stylepipe.cli.console import Console
from stylepipe.cli.options import CacheFolder, Json


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
    from stylepipe.api.commands.diagnosis import doctor as check_installation

    console = Console(as_json=json)
    installed = check_installation(cache=cache)
    beside = f"; results are taken from {installed.read_only_cache}, too" if installed.read_only_cache else ""
    properties = {
        **installed.environment,
        "memory": f"{installed.memory / 1e9:.1f} GB",
        "cache": f"{installed.cache}, {installed.cache_free / 1e9:.1f} GB free{beside}",
        "weights": ", ".join(name if path else f"{name} (missing)" for name, path in installed.weights.items()),
        "stages": ", ".join(installed.stages),
    }
    read_only = installed.read_only_cache and str(installed.read_only_cache)
    data = {
        **installed.environment,
        "memory": installed.memory,
        "cache": {"folder": str(installed.cache), "free": installed.cache_free, "read_only": read_only},
        "weights": {name: path and str(path) for name, path in installed.weights.items()},
        "stages": installed.stages,
        "problems": [{"message": error.message, "hint": error.hint} for error in installed.problems],
    }
    width = max(map(len, properties))
    console.result("\n".join(f"{name.ljust(width)}  {value}" for name, value in properties.items()), data)
    for error in installed.problems:
        console.problem(error)
    if installed.problems:
        raise typer.Exit(1)
