"""The commands export and import, for runs in one file."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from stylepipe.cli.commands.runs import RunReference
from stylepipe.cli.console import Console
from stylepipe.cli.options import DEFAULT_OUTPUTS, Json, Outputs, overrides, recipe_folders, typed_path
from stylepipe.errors import UsageError
from stylepipe.escapes import visible_line


def export(
    run: RunReference,
    target: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            parser=typed_path,
            metavar="FILE",
            help="The file to write: *.stylepipe; a folder or *.zip for a crate.",
            show_default=False,
        ),
    ],
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=FILE", help="The current path of an input.", show_default=False),
    ] = None,
    as_crate: Annotated[
        bool, typer.Option("--crate", help="Writes a Workflow Run RO-Crate for research archives, with the results.")
    ] = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Writes a run and its inputs into one file that runs elsewhere."""
    from stylepipe.cli.shared_recipes import weights_source
    from stylepipe.engine.runs.records import find_run, load_run
    from stylepipe.sharing.archive import write_archive, write_folder
    from stylepipe.sharing.bundle import ENDING, contents_of
    from stylepipe.sharing.crate import crate_of

    if not as_crate and target.suffix != ENDING:
        raise UsageError(f"'{target}' does not end in {ENDING}.", hint=f"Name it {target.stem}{ENDING}.")
    _require_absent(target)
    folder = find_run(outputs, run)
    command = load_run(folder).command
    input_files = {name: typed_path(file) for name, file in overrides(param).items()}
    contents = contents_of(folder, overrides=input_files, folders=[Path(), *recipe_folders(command)], weights=weights_source())
    members = crate_of(contents, folder) if as_crate else contents.members
    write = write_folder if as_crate and target.suffix != ".zip" else write_archive
    write(target, members)
    Console(as_json=json).result(visible_line(str(target)), {"file": str(target)})


def import_(
    file: Annotated[
        Path, typer.Argument(parser=typed_path, metavar="FILE", help="A bundle, *.stylepipe, or a picture.", show_default=False)
    ],
    target: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", parser=typed_path, metavar="DIR", help="The folder to create. [default: FILE without its ending]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Checks a bundle and unpacks it into a new folder.

    The recipe to run there is resolved.yaml.
    """
    from stylepipe.cli.shared_recipes import weights_source
    from stylepipe.engine.cache.atomic_files import output_errors
    from stylepipe.sharing.unpacking import is_shared, unpack

    if not is_shared(file):
        raise UsageError(f"'{file}' is neither a bundle nor a picture, by its name.", hint="Name a *.stylepipe file.")
    folder = target or file.with_suffix("")
    _require_absent(folder)
    with output_errors(folder.parent), TemporaryDirectory(prefix=".", dir=folder.parent) as temporary:
        bundle_folder = Path(temporary) / folder.name
        bundle_folder.mkdir()
        unpack(file, bundle_folder, weights_source(), limited=False)
        bundle_folder.rename(folder)
    Console(as_json=json).result(visible_line(str(folder)), {"folder": str(folder)})


def _require_absent(path: Path) -> None:
    if os.path.lexists(path):
        raise UsageError(f"'{path}' exists already.", hint="Name another with -o, or move it away.")
