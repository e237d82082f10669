"""What the program says of itself and of the machine: --version and doctor."""

from pathlib import Path
from typing import Annotated

import typer

from stylepipe.cli.console import Console
from stylepipe.cli.options import CacheFolder, Json, open_store


def _print_version(wanted: bool) -> None:
    if wanted:
        from stylepipe import __version__

        Console().result(__version__, __version__)
        raise typer.Exit


def about(
    version: Annotated[
        bool, typer.Option("--version", help="Prints the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Declarative pipelines for neural style transfer."""


def doctor(cache: CacheFolder = None, json: Json = False) -> None:
    """Checks what recipes need here: versions, devices, memory, cache, weights, stages."""
    import os
    import shutil

    import jax

    from stylepipe.engine.environment import environment
    from stylepipe.errors import StoreError
    from stylepipe.neural.weights import list_weights
    from stylepipe.packs import stage_modules

    store = open_store(cache)
    try:
        with store.session():
            writable = "writable"
    except StoreError as error:
        writable = error.message
    present = {name: path is not None for name, path in list_weights().items()}
    found = {
        **environment(),
        "devices": ", ".join(f"{device.platform} {device.device_kind}" for device in jax.devices()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "cache": f"{store.root} ({writable}, {shutil.disk_usage(_existing(store.root)).free / 2**30:.1f} GiB free)",
        "weights": ", ".join(f"{name} ({'here' if here else 'missing'})" for name, here in present.items()),
        "stages": ", ".join(sorted(stage_modules())),
    }
    width = max(map(len, found))
    Console(as_json=json).result("\n".join(f"{name.ljust(width)}  {value}" for name, value in found.items()), found)
    if writable != "writable" or not any(present.values()):
        raise typer.Exit(1)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
