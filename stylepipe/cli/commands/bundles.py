"""The commands export and import, for runs in one file."""

from pathlib import Path
from typing import Annotated

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.cli.commands.run_and_plan import RunReference
from stylepipe.cli.console import Console
from stylepipe.cli.options import Json, Outputs, overrides
from stylepipe.escapes import visible_line


def export(
    run: RunReference,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            parser=user_path,
            metavar="FILE",
            help="The file to write: *.stylepipe; a folder or *.zip for a crate.",
            show_default=False,
        ),
    ],
    params: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=FILE", help="The current path of an input.", show_default=False),
    ] = None,
    crate: Annotated[
        bool, typer.Option("--crate", help="Writes a Workflow Run RO-Crate for research archives, with the results.")
    ] = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Writes a run and its inputs into one file that runs elsewhere."""
    from stylepipe.api.commands.exporting import export as export_run

    file = export_run(run, output, params=overrides(params), crate=crate, outputs=outputs)
    Console(as_json=json).result(visible_line(str(file)), {"file": str(file)})


def import_(
    file: Annotated[
        Path, typer.Argument(parser=user_path, metavar="FILE", help="A bundle, *.stylepipe, or a picture.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", parser=user_path, metavar="DIR", help="The folder to create. [default: FILE without its ending]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Checks a bundle and unpacks it into a new folder.

    The recipe to run there is resolved.yaml.
    """
    from stylepipe.api.commands.exporting import import_bundle

    folder = import_bundle(file, output)
    Console(as_json=json).result(visible_line(str(folder)), {"folder": str(folder)})
