"""The command show: a run, how a picture was made, or the params of a recipe."""

import json as jsonlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS
from stylepipe.cache_folder import expand_home
from stylepipe.cli.commands.run_and_plan import seconds_of
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Outputs
from stylepipe.escapes import visible_line
from stylepipe.formatting import short_digest

if TYPE_CHECKING:
    from stylepipe.api.commands.showing import RecipeDescription
    from stylepipe.api.results.run_results import Run
    from stylepipe.sharing.provenance import Provenance

Shown = Annotated[
    str,
    typer.Argument(
        parser=expand_home,
        metavar="RUN",
        help="A run (folder, id, or end of the id), a picture of a run, a bundle, or a recipe.",
    ),
]


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
    from stylepipe.api.commands.showing import RecipeDescription
    from stylepipe.api.commands.showing import show as find_shown
    from stylepipe.api.results.run_results import Run

    console = Console(as_json=json)
    shown = find_shown(run, outputs=outputs)
    if isinstance(shown, RecipeDescription):
        console.result(_recipe(shown), _recipe_data(shown))
        return
    if not isinstance(shown, Run):
        console.result(_provenance(shown), shown.model_dump(mode="json", exclude_none=True))
        return
    if open_report:
        import webbrowser

        from stylepipe.report.page import write_report

        report = write_report(shown.path)
        webbrowser.open(report.resolve().as_uri())
        console.say(f"report {report}")
    console.result(_run(shown), shown.record.model_dump(mode="json"))


def _run(run: "Run") -> str:
    folder, record = run.path, run.record
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


def _recipe(shown: "RecipeDescription") -> str:
    recipe = shown.recipe
    rows = [(param.name, param.type, _default(param.default)) for param in shown.params]
    lines = [f"recipe  {recipe.name}", f"file    {shown.file}"]
    lines += [f"makes   {recipe.description}"] if recipe.description else []
    lines += [f"seed    {recipe.seed}", f"results {', '.join(recipe.outputs)}"]
    return "\n".join([*map(visible_line, lines), table(("param", "takes", "default"), rows, empty="It has no params.")])


def _recipe_data(shown: "RecipeDescription") -> dict[str, Any]:
    recipe = shown.recipe
    data = {"recipe": recipe.name, "file": str(shown.file), "description": recipe.description, "seed": recipe.seed}
    params = [vars(param) for param in shown.params]
    return {**data, "params": params, "stages": list(recipe.stages), "outputs": dict(recipe.outputs)}


def _default(value: Any) -> str:
    return value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)
