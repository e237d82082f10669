"""The commands `runs …`: list and remove past runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS
from stylepipe.cache_folder import expand_home
from stylepipe.cli.commands.run_and_plan import seconds_of
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Outputs
from stylepipe.errors import UsageError
from stylepipe.escapes import visible_line
from stylepipe.formatting import counted

if TYPE_CHECKING:
    from stylepipe.api.results.run_results import Run
    from stylepipe.api.runs import RemovedRuns

Removed = Annotated[
    list[str], typer.Argument(parser=expand_home, metavar="RUN", help="A run: its folder, its id, or the end of its id.")
]


class _ListByDefault(TyperGroup):
    """`stylepipe runs -n 3` is `stylepipe runs list -n 3`."""

    def parse_args(self, ctx, args):
        named = args and (args[0] in self.commands or args[0] in ("-h", "--help"))
        return super().parse_args(ctx, args if named else ["list", *args])


app = typer.Typer(cls=_ListByDefault, help="Lists and removes runs; `runs` alone lists them.")


@app.command("list")
def list_(
    limit: Annotated[
        int | None, typer.Option("-n", min=1, metavar="N", help="Lists only the newest N.", show_default=False)
    ] = None,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Lists the runs, the newest first.

    A true-color terminal ($COLORTERM is truecolor) also shows a picture of each.
    """
    from stylepipe.api.runs import list as list_runs
    from stylepipe.cli.thumbnails import with_thumbnails

    columns = ("id", "recipe", "status", "took", "cached")
    rows, pictures, data = [], [], []
    console = Console(as_json=json)
    for run in list_runs(limit=limit, outputs=outputs, note=console.say):
        stages = run.record.stages.values()
        cached = f"{sum(stage.cached for stage in stages)} of {len(stages)}"
        rows.append((run.record.id, run.record.recipe, run.record.status, seconds_of(run.seconds), cached))
        pictures.append(_last_picture(run))
        data.append({"folder": str(run.path), "record": run.record.model_dump(mode="json")})
    shown = with_thumbnails(columns, rows, pictures) if rows and not json else None
    text = shown or table(columns, rows, empty=f"No runs in '{outputs}' yet.")
    console.result(text, data, colored=shown is not None)


@app.command()
def rm(
    runs: Removed,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Does not ask for confirmation.")] = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Removes the folders of runs with their pictures; cached results stay.

    Runs in progress, and folders that do not belong to a run, are refused.
    """
    from stylepipe.api.runs import rm as remove_runs

    console = Console(as_json=json)

    def confirm(chosen: "RemovedRuns") -> bool:
        return yes or _confirmed(chosen, console)

    removed = remove_runs(*runs, outputs=outputs, confirm=confirm)
    folders = list(map(str, removed.folders))
    text = "\n".join(visible_line(f"removed {folder}") for folder in folders)
    console.result(text, {"removed": folders, "bytes": removed.bytes})


def _confirmed(chosen: "RemovedRuns", console: Console) -> bool:
    """Asks whether to remove runs. Raises UsageError where nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():  # None: it is closed
        raise UsageError("Nobody can be asked whether to remove runs.", hint="--yes removes them without asking.")
    for folder in chosen.folders:
        console.say(visible_line(str(folder)))
    return typer.confirm(f"Remove {counted(len(chosen.folders), 'run')}, {chosen.bytes / 1e6:.1f} MB?", err=True)


def _last_picture(run: "Run") -> Path | None:
    """Returns the first result that is a picture, or the last picture of a stage."""
    records = [*run.record.outputs.values(), *reversed(list(run.record.stages.values()))]
    return next((run.path / item.file for item in records if item.file and item.file.endswith(".png")), None)
