"""Commands about recipes: init, recipes, validate, graph, schema, stages, losses."""

from pathlib import Path
from typing import Annotated

import typer

from stylepipe.api.sources.user_paths import user_path
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Overrides, RecipePath, overrides
from stylepipe.formatting import counted


def init(
    recipe: Annotated[
        Path | None,
        typer.Argument(
            parser=user_path,
            metavar="RECIPE",
            help="The file to write. [default: recipe.yaml, or NAME.yaml]",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Copies a shipped recipe with its pictures; `stylepipe recipes` lists them.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Writes a starter recipe."""
    from stylepipe.api.commands.starting import init as write_recipe

    file = write_recipe(recipe, name=name)
    next_step = "and what it needs. Run it:" if name else "Put content.jpg and style.jpg beside it, then:"
    Console().say(f"Wrote {file}{' ' if name else '. '}{next_step} stylepipe run {file}")


def recipes(json: Json = False) -> None:
    """Lists the shipped recipes."""
    from stylepipe.api.commands.starting import recipes as list_recipes

    rows = list(list_recipes().items())
    data = [{"name": name, "description": description} for name, description in rows]
    empty = "No recipes are installed; install stylepipe again."
    Console(as_json=json).result(table(("recipe", "makes"), rows, empty=empty), data)


def validate(recipe: RecipePath, params: Overrides = None, json: Json = False) -> None:
    """Checks a recipe and reports all problems."""
    from stylepipe.api.commands.checking import validate as check_recipe

    console = Console(as_json=json)
    checked = check_recipe(recipe, params=overrides(params))
    for warning in checked.recipe.warnings:
        console.say(f"warning: {warning}")
    data = {
        "recipe": checked.recipe.name,
        "stages": list(checked.recipe.stages),
        "outputs": dict(checked.recipe.outputs),
        "variants": checked.variants,
        "warnings": checked.recipe.warnings,
    }
    parts = {"stage": len(checked.recipe.stages), "variant": len(checked.variants)}
    parts_counted = ", ".join(counted(count, noun) for noun, count in parts.items() if count)
    console.result(f"{checked.file}: {parts_counted}, no problems.", data)


def graph(
    recipe: RecipePath,
    params: Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", parser=user_path, metavar="FILE", help="The file to write, *.svg or *.mmd.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Draws the graph of a recipe.

    Prints a Mermaid flowchart, or writes an SVG or Mermaid file.
    """
    from stylepipe.api.commands.checking import graph as draw_graph

    drawing = draw_graph(recipe, params=overrides(params), output=output)
    if output:
        Console(as_json=json).result(str(output), {"file": str(output)})
    else:
        Console(as_json=json).result(drawing.mermaid.rstrip(), {"mermaid": drawing.mermaid})


def schema() -> None:
    """Prints the JSON Schema of recipes, for editors."""
    from stylepipe.api.commands.listing import schema as recipe_schema

    console = Console(as_json=True)
    console.result("", recipe_schema(note=console.say))


def stages(
    name: Annotated[
        str | None, typer.Argument(metavar="STAGE", help="Describes one stage in full.", show_default=False)
    ] = None,
    reference: Annotated[bool, typer.Option("--reference", help="Prints the whole reference, as Markdown.")] = False,
    json: Json = False,
) -> None:
    """Lists the stages that recipes may use."""
    from stylepipe.api.commands.listing import stages as list_stages

    console = Console(as_json=json)
    listed = list_stages(name, note=console.say)
    if reference:
        from stylepipe.recipe.language_reference import reference as whole_reference

        console.result(whole_reference().rstrip("\n"), whole_reference())
    elif name:
        from stylepipe.recipe.language_reference import describe_stage

        stage = listed[name]
        console.result(describe_stage(stage).rstrip("\n"), stage.params.model_json_schema())
    else:
        data = [{"name": each, "summary": stage.summary, "module": stage.module} for each, stage in listed.items()]
        rows = [(each, stage.summary) for each, stage in listed.items()]
        console.result(table(("stage", "does"), rows, empty="No stages are installed."), data)


def losses(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="Describes one loss in full.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Lists the losses that stylize can minimize, or describes one."""
    from stylepipe.api.commands.listing import losses as list_losses
    from stylepipe.neural.losses.loss_kinds import source
    from stylepipe.recipe.language_reference import describe_model

    console = Console(as_json=json)
    models = list_losses(kind, note=console.say)
    if kind:
        text = f"{describe_model(kind, models[kind])}\nSource: {source(kind)}."
        console.result(text, {"source": source(kind), **models[kind].model_json_schema()})
        return
    data = [
        {
            "kind": each,
            "summary": (model.__doc__ or "").partition("\n")[0],
            "parameters": [name for name in model.model_fields if name != "kind"],
            "source": source(each),
        }
        for each, model in models.items()
    ]
    text = "\n\n".join(
        f"{loss['kind']}\n  {loss['summary']}\n  parameters: {', '.join(loss['parameters'])}\n  source: {loss['source']}"
        for loss in data
    )
    console.result(text, data)
