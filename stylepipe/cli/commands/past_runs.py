"""Commands for past runs: runs list, runs rm, and show."""

import json as jsonlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, recipe_path
from stylepipe.cache_folder import expand_home
from stylepipe.cli.commands.runs import seconds_of
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Outputs
from stylepipe.errors import InputError, UsageError
from stylepipe.escapes import visible_line
from stylepipe.formatting import counted, short_digest
from stylepipe.paths import exists, is_file

if TYPE_CHECKING:
    from stylepipe.engine.runs.records import RunRecord
    from stylepipe.sharing.provenance import Provenance

Removed = Annotated[
    list[str], typer.Argument(parser=expand_home, metavar="RUN", help="A run: its folder, its id, or the end of its id.")
]
Shown = Annotated[
    str,
    typer.Argument(
        parser=expand_home,
        metavar="RUN",
        help="A run (folder, id, or end of the id), a picture of a run, a bundle, or a recipe.",
    ),
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
    from stylepipe.cli.thumbnails import with_thumbnails
    from stylepipe.engine.runs.records import list_runs

    columns = ("id", "recipe", "status", "took", "cached")
    rows, pictures, data = [], [], []
    console = Console(as_json=json)
    for folder, record in list_runs(outputs, unreadable=lambda error: console.say(f"warning: {error}"))[:limit]:
        cached = f"{sum(stage.cached for stage in record.stages.values())} of {len(record.stages)}"
        rows.append((record.id, record.recipe, record.status, seconds_of(record.seconds), cached))
        pictures.append(_last_picture(folder, record))
        data.append({"folder": str(folder), "record": record.model_dump(mode="json")})
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
    from stylepipe.engine.cache.atomic_files import output_errors
    from stylepipe.engine.runs.records import find_run, load_run

    if "" in runs:
        raise UsageError("A run to remove has no name.", hint="'stylepipe runs' lists them.")
    folders = list(dict.fromkeys(find_run(outputs, run, by_recipe=False) for run in runs))
    for folder in folders:
        record = load_run(folder)
        if record.status == "running":
            raise UsageError(f"The run '{record.id}' is in progress.", hint="Stop it first, with Ctrl-C.")
        if folder.is_symlink() or folder.resolve().name != record.id:
            raise UsageError(f"'{folder}' is not a run's own folder, '{record.id}'.", hint="Remove it as any other folder.")
    size = sum(path.lstat().st_size for folder in folders for path in folder.rglob("*"))
    console = Console(as_json=json)
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():  # None: it is closed
            raise UsageError("Nobody can be asked whether to remove runs.", hint="--yes removes them without asking.")
        for folder in folders:
            console.say(visible_line(str(folder)))
        if not typer.confirm(f"Remove {counted(len(folders), 'run')}, {size / 1e6:.1f} MB?", err=True):
            raise UsageError("Nothing was removed.")
    for folder in folders:
        with output_errors(folder):
            shutil.rmtree(folder)
    console.result(
        "\n".join(visible_line(f"removed {folder}") for folder in folders), {"removed": list(map(str, folders)), "bytes": size}
    )


def _last_picture(folder: Path, record: "RunRecord") -> Path | None:
    """Returns the first result that is a picture, or the last picture of a stage."""
    records = [*record.outputs.values(), *reversed(list(record.stages.values()))]
    return next((folder / item.file for item in records if item.file and item.file.endswith(".png")), None)


def show(
    run: Shown,
    open_report: Annotated[bool, typer.Option("--open", help="Updates the run's report and opens it in the browser.")] = False,
    outputs: Outputs = DEFAULT_OUTPUTS,
    json: Json = False,
) -> None:
    """Shows a run, how a picture was made, or the params of a recipe.

    For a run: its parameters, stages and results. For a picture or a bundle: the recipe, inputs and versions in it. For a
    recipe: its params with their types and defaults.
    """
    from stylepipe.engine.runs.records import find_run, load_run
    from stylepipe.recipe.resolved import PICTURE_ENDINGS
    from stylepipe.sharing.unpacking import is_shared, read_shared

    path, console = Path(run), Console(as_json=json)
    if is_shared(path):
        provenance = read_shared(path)
        console.result(_provenance(provenance), provenance.model_dump(mode="json", exclude_none=True))
        return
    if is_file(path) and path.suffix.lower() in PICTURE_ENDINGS:
        hint = "The PNG in its run's folder does, unless another program has saved it again; 'stylepipe runs' lists the runs."
        raise InputError(f"'{path}' is a picture that does not say how it was made: only PNG files do.", hint=hint)
    if is_file(path):
        console.result(*_recipe(path))
        return
    try:
        folder = find_run(outputs, run)
    except UsageError:
        if exists(path) or (recipe := _shipped(run)) is None:
            raise
        console.result(*_recipe(recipe))
        return
    if open_report:
        import webbrowser

        from stylepipe.report.page import write_report

        report = write_report(folder)
        webbrowser.open(report.resolve().as_uri())
        console.say(f"report {report}")
    record = load_run(folder)
    console.result(_run(folder, record), record.model_dump(mode="json"))


def _run(folder: Path, record: "RunRecord") -> str:
    lines = [f"{record.recipe}  {record.id}  {record.status}  {seconds_of(record.seconds)}", f"folder  {folder}"]
    lines += [f"param   {name} = {value}" for name, value in record.params.items()]
    lines += [f"input   {name}: {used.reference} ({short_digest(used.sha256)})" for name, used in record.inputs.items()]
    lines += [
        f"result  {name}: {folder / output.file} ({short_digest(output.digest)})" for name, output in record.outputs.items()
    ]
    if record.error:
        lines += [f"error   {record.error.message}"]
        lines += [f"last    {folder / record.error.last_frame}"] if record.error.last_frame else []
    columns = ("stage", "kind", "took", "from", "iterations", "picture")
    rows: list[tuple[str, ...]] = []
    for name, stage in record.stages.items():
        source = "cache" if stage.cached else "computed"
        rows.append((name, stage.stage, seconds_of(stage.seconds), source, str(stage.iterations or ""), stage.file or ""))
    return "\n".join([*map(visible_line, lines), table(columns, rows, empty="No stage was finished.")])


def _provenance(provenance: "Provenance") -> str:
    versions = ", ".join(f"{name} {value}" for name, value in provenance.environment.items())
    lines = [f"recipe  {provenance.name}"]
    lines += [f"input   {name}: {each.reference} ({short_digest(each.sha256)})" for name, each in provenance.inputs.items()]
    lines += [f"result  {name} ({short_digest(digest)})" for name, digest in provenance.outputs.items()]
    return "\n".join([*map(visible_line, [*lines, f"made by {versions}"]), "", provenance.recipe.rstrip()])


def _recipe(path: Path) -> tuple[str, Mapping[str, Any]]:
    """Returns the params of a recipe as text and as JSON data. Raises RecipeError."""
    from stylepipe.recipe.load import load_recipe
    from stylepipe.recipe.params.overrides import type_phrase

    recipe = load_recipe(path)
    files = {file.param: _file(file.kind) for file in recipe.inputs.values() if file.param}
    lists = {name for name in files if isinstance(recipe.params[name], list)}
    params = [
        {
            "name": name,
            "type": "pictures: a list, a folder or a pattern" if name in lists else files.get(name) or type_phrase(default),
            "default": default,
        }
        for name, default in recipe.params.items()
    ]
    rows = [(each["name"], each["type"], _default(each["default"])) for each in params]
    lines = [f"recipe  {recipe.name}", f"file    {path}"]
    lines += [f"makes   {recipe.description}"] if recipe.description else []
    lines += [f"seed    {recipe.seed}", f"results {', '.join(recipe.outputs)}"]
    text = "\n".join([*map(visible_line, lines), table(("param", "takes", "default"), rows, empty="It has no params.")])
    data = {"recipe": recipe.name, "file": str(path), "description": recipe.description, "seed": recipe.seed}
    return text, {**data, "params": params, "stages": list(recipe.stages), "outputs": dict(recipe.outputs)}


def _file(kind: str) -> str:
    words = {"image": "a picture", "mask": "a mask", "weights": "weights, by name or file", "folder": "a folder of pictures"}
    return words[kind]


def _default(value: Any) -> str:
    return value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)


def _shipped(name: str) -> Path | None:
    """Returns the file of the shipped recipe of that name, if there is one."""
    try:
        path = recipe_path(name)
    except UsageError:
        return None
    return path if is_file(path) else None
