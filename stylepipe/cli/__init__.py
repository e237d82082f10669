"""The command line. Each command imports only what it needs, for a quick start."""

import errno
import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import typer
from typer import TyperException

from stylepipe.cli.commands import (
    bundles,
    cache_group,
    diff,
    machine,
    recipes,
    run_and_plan,
    runs_group,
    show,
    sweep,
    verify,
    weights_group,
)
from stylepipe.cli.console import Console
from stylepipe.engine.execution.signals import stopping_signals
from stylepipe.errors import Interrupted, Stopped, StoreError, StylepipeError

EPILOG = (
    "Exit codes: 0 done, 1 a stage failed, 2 usage or recipe, 3 a part of a sweep failed,"
    " 4 verification found a difference or damage, 130 interrupted (143 by SIGTERM, 129 by SIGHUP)."
)


_PERMISSIONS = "Check its permissions, and those of its folders."
_HINTS = {errno.EACCES: _PERMISSIONS, errno.EPERM: _PERMISSIONS, errno.ENAMETOOLONG: "Give a shorter name."}


def build() -> typer.Typer:
    """Builds the command line."""
    app = typer.Typer(
        help="Declarative pipelines for neural style transfer.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command in (
        *(recipes.init, recipes.recipes, recipes.validate, recipes.graph, recipes.schema, recipes.stages, recipes.losses),
        *(
            run_and_plan.run,
            sweep.sweep,
            run_and_plan.plan,
            run_and_plan.explain,
            show.show,
            bundles.export,
            bundles.import_,
            verify.verify,
            diff.diff,
            machine.doctor,
        ),
    ):
        app.command(command.__name__.rstrip("_"))(command)
    app.add_typer(runs_group.app, name="runs")
    app.add_typer(weights_group.app, name="weights")
    app.add_typer(cache_group.app, name="cache")
    app.callback()(machine.about)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code; errors print a sentence and a hint, no traceback."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    console = Console(as_json="--json" in arguments)
    _open_standard_streams()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # JAX's LAPACK; on busy cores its threads and XLA's wait for each other
    os.environ["PYTHONSAFEPATH"] = "1"  # Python processes that libraries start import nothing from the current folder
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of libraries are for developers, who ask for them with -W
    try:
        with stopping_signals():
            code = build()(args=arguments, prog_name="stylepipe", standalone_mode=False)
    except Stopped as stopped:
        error = Interrupted("Stopped.", number=stopped.number)
        console.failure(error)
        code = error.exit_code
    except TyperException as error:
        console.say(_usage(error))
        code = error.exit_code
    except StylepipeError as error:
        console.failure(error)
        code = error.exit_code
    except Exception as error:
        if os.environ.get("STYLEPIPE_TRACEBACK"):
            raise
        if isinstance(error, OSError):
            console.failure(_system_error(error))
            sys.exit(StoreError.exit_code)
        hint = "Set STYLEPIPE_TRACEBACK=1 and run again to see where; please report it."
        console.failure(StylepipeError(f"stylepipe has a fault: {type(error).__name__}: {error}", hint=hint))
        code = StylepipeError.exit_code
    sys.exit(code or 0)


def _system_error(error: OSError) -> StylepipeError:
    """Returns the error for an OSError that no command handles: of a disk, a folder or a stream."""
    from stylepipe.engine.cache.atomic_files import system_reason

    try:
        Path.cwd()
    except FileNotFoundError:
        return StoreError("The current folder has been deleted.", hint="Go to another one, and run the command again.")
    subject = f"'{error.filename}'" if error.filename else "A file or stream that the command needs"
    hint = _HINTS.get(error.errno or 0, "STYLEPIPE_TRACEBACK=1 shows where.")
    return StoreError(f"{subject} cannot be used: {system_reason(error)}.", hint=hint)


def _open_standard_streams() -> None:
    """Opens closed standard streams on the null device, so that no other file takes their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _usage(error: TyperException) -> str:
    """Returns Typer's message for an invalid command line: the usage and the problem."""
    text = io.StringIO()
    cast("typer.BadParameter", error).show(file=text)
    return text.getvalue().rstrip("\n")
