"""Commands about recipes: init, recipes, validate, schema, stages, losses."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylepipe.api.sources.user_paths import user_path
from stylepipe.cli.console import Console, table
from stylepipe.cli.options import Json, Overrides, RecipePath, overrides
from stylepipe.errors import UsageError, did_you_mean
from stylepipe.formatting import counted

if TYPE_CHECKING:
    from stylepipe.stage import Stage


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
    from importlib.resources import files

    if name:
        target = recipe or Path(f"{name.rpartition('/')[2]}.yaml")
        _copy_shipped(name, target)
        Console().say(f"Wrote {target} and what it needs. Run it: stylepipe run {target}")
        return
    recipe = recipe or Path("recipe.yaml")
    text = files("stylepipe.recipe").joinpath("starter.yaml").read_text(encoding="utf-8")
    try:
        with recipe.open("x", encoding="utf-8") as file:
            file.write(text.replace("name: first-look", f"name: {_name(recipe)}"))
    except FileExistsError as error:
        raise UsageError(f"'{recipe}' exists already.", hint="Name another file, or move it away.") from error
    except OSError as error:
        raise UsageError(f"'{recipe}' cannot be written: {error.strerror}.", hint="Name a file in another folder.") from error
    Console().say(f"Wrote {recipe}. Put content.jpg and style.jpg beside it, then: stylepipe run {recipe}")


def _copy_shipped(name: str, target: Path) -> None:
    """Copies a shipped recipe to a file, and beside it, under their own names, the recipes that it extends and its pictures.

    Existing files with the same bytes are kept. Raises UsageError for other existing files, and when a file cannot be written.
    """
    from stylepipe.recipe.extends import recipe_files
    from stylepipe.recipe.load import load_recipe
    from stylepipe.recipe.load_variants import has_sweep, load_sweep
    from stylepipe.recipe.shipped import find_shipped

    source = find_shipped(name)
    folder = source.parent
    recipes = [each.recipe for each in load_sweep(source).variants] if has_sweep(source) else [load_recipe(source)]
    pictures = {file.root / file.reference for recipe in recipes for file in recipe.inputs.values() if file.is_picture}
    copies = {target: source} | {
        target.parent / file.relative_to(folder.resolve() if file in extended else folder): file
        for extended in [recipe_files(source)[1:]]
        for file in [*extended, *sorted(path for path in pictures if path.is_file())]
    }
    contents = {path: file.read_bytes() for path, file in copies.items()}
    for path, content in contents.items():
        if path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise UsageError(f"'{path}' exists already.", hint="Name a file in another folder, or move it away.")
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"'{target}' cannot be written: {error.strerror}.", hint="Name a file in another folder.") from error


def recipes(json: Json = False) -> None:
    """Lists the shipped recipes."""
    from stylepipe.recipe.extends import read_recipe
    from stylepipe.recipe.shipped import shipped_recipes

    descriptions = {name: str(read_recipe(file).source.data.get("description", "")) for name, file in shipped_recipes().items()}
    data = [{"name": name, "description": text} for name, text in descriptions.items()]
    rows = list(descriptions.items())
    Console(as_json=json).result(
        table(("recipe", "makes"), rows, empty="No recipes are installed; install stylepipe again."), data
    )


def validate(recipe: RecipePath, param: Overrides = None, json: Json = False) -> None:
    """Checks a recipe and reports all problems."""
    from stylepipe.recipe.extends import read_recipe
    from stylepipe.recipe.load import load_recipe
    from stylepipe.recipe.load_variants import has_sweep, load_sweep

    console, document = Console(as_json=json), read_recipe(recipe)
    checked = load_recipe(document, overrides=overrides(param))
    variants = [each.name for each in load_sweep(document, overrides=overrides(param)).variants] if has_sweep(document) else []
    for warning in checked.warnings:
        console.say(f"warning: {warning}")
    data = {
        "recipe": checked.name,
        "stages": list(checked.stages),
        "outputs": dict(checked.outputs),
        "variants": variants,
        "warnings": checked.warnings,
    }
    parts = {"stage": len(checked.stages), "variant": len(variants)}
    parts_counted = ", ".join(counted(count, noun) for noun, count in parts.items() if count)
    console.result(f"{recipe}: {parts_counted}, no problems.", data)


def graph(
    recipe: RecipePath,
    param: Overrides = None,
    target: Annotated[
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
    from stylepipe.engine.cache.atomic_files import output_errors
    from stylepipe.recipe.drawing import Drawing
    from stylepipe.recipe.load import load_recipe

    drawing = Drawing.of(load_recipe(recipe, overrides=overrides(param)))
    console = Console(as_json=json)
    if target is None:
        console.result(drawing.mermaid.rstrip(), {"mermaid": drawing.mermaid})
        return
    texts = {".svg": drawing.svg, ".mmd": drawing.mermaid}
    if target.suffix not in texts:
        raise UsageError(f"'{target}' does not end in .svg or .mmd.", hint=f"Name it {target.stem}.svg.")
    with output_errors(target.parent):
        target.write_text(texts[target.suffix], encoding="utf-8")
    console.result(str(target), {"file": str(target)})


def schema() -> None:
    """Prints the JSON Schema of recipes, for editors."""
    from stylepipe.recipe.schema import recipe_schema

    console = Console(as_json=True)
    _usable_stages(console)
    console.result("", recipe_schema())


def stages(
    name: Annotated[
        str | None, typer.Argument(metavar="STAGE", help="Describes one stage in full.", show_default=False)
    ] = None,
    reference: Annotated[bool, typer.Option("--reference", help="Prints the whole reference, as Markdown.")] = False,
    json: Json = False,
) -> None:
    """Lists the stages that recipes may use."""
    from stylepipe.plugins import find_stage, stage_modules
    from stylepipe.recipe.language_reference import describe_stage
    from stylepipe.recipe.language_reference import reference as whole_reference

    console = Console(as_json=json)
    names = sorted(stage_modules())
    if name and name not in names:
        raise UsageError(f"There is no stage '{name}'.", hint=did_you_mean(name, names))
    if reference:
        _usable_stages(console)
        console.result(whole_reference().rstrip("\n"), whole_reference())
    elif name:
        stage = find_stage(name)
        console.result(describe_stage(stage).rstrip("\n"), stage.params.model_json_schema())
    else:
        usable = _usable_stages(console)
        data = [{"name": each, "summary": stage.summary, "module": stage.module} for each, stage in usable.items()]
        rows = [(each, stage.summary) for each, stage in usable.items()]
        console.result(table(("stage", "does"), rows, empty="No stages are installed."), data)


def _usable_stages(console: Console) -> Mapping[str, "Stage"]:
    """Returns the usable stages; prints the problems of the others, and of other extensions."""
    from stylepipe.api.extensions import extension_problems
    from stylepipe.plugins import usable_stages

    for problem in extension_problems():
        console.say(f"warning: {problem}")
    return usable_stages()[0]


def losses(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="Describes one loss in full.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Lists the losses that stylize can minimize, or describes one."""
    from stylepipe.neural.losses.loss_kinds import loss_kinds, source
    from stylepipe.recipe.language_reference import describe_model

    console = Console(as_json=json)
    models, problems = loss_kinds().models, loss_kinds().problems
    if kind and kind in problems:
        raise problems[kind]
    if kind and kind not in models:
        raise UsageError(f"There is no loss '{kind}'.", hint=did_you_mean(kind, sorted(models)))
    if kind:
        text = f"{describe_model(kind, models[kind])}\nSource: {source(kind)}."
        console.result(text, {"source": source(kind), **models[kind].model_json_schema()})
        return
    for problem in problems.values():
        console.say(f"warning: {problem}")
    data = [
        {
            "kind": each,
            "summary": (spec.__doc__ or "").partition("\n")[0],
            "parameters": [name for name in spec.model_fields if name != "kind"],
            "source": source(each),
        }
        for each, spec in models.items()
    ]
    text = "\n\n".join(
        f"{loss['kind']}\n  {loss['summary']}\n  parameters: {', '.join(loss['parameters'])}\n  source: {loss['source']}"
        for loss in data
    )
    console.result(text, data)


def _name(path: Path) -> str:
    """Returns a recipe's name, which begins with a letter, from its file name."""
    return re.sub(r"[^a-z0-9_]+", "-", re.sub(r"^[^a-z]+", "", path.stem.lower()))[:64].strip("-") or "first-look"
