"""Commands about recipes: init, validate, schema."""

from pathlib import Path
from typing import Annotated

import typer

from stylepipe.cli.console import Console
from stylepipe.cli.options import Json, Overrides, RecipePath, overrides
from stylepipe.errors import UsageError


def init(
    recipe: Annotated[Path, typer.Argument(help="The file to write.")] = Path("recipe.yaml"),
) -> None:
    """Writes a recipe to start from."""
    from importlib.resources import files

    if recipe.exists():
        raise UsageError(f"'{recipe}' exists already.", hint="Name another file, or move it away.")
    text = files("stylepipe.recipe").joinpath("starter.yaml").read_text(encoding="utf-8")
    try:
        recipe.write_text(text.replace("name: first-look", f"name: {_slug(recipe.stem)}"), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"'{recipe}' cannot be written: {error.strerror}.") from error
    Console().say(f"Wrote {recipe}. Put content.jpg and style.jpg beside it, then: stylepipe run {recipe}")


def validate(recipe: RecipePath, param: Overrides = None, json: Json = False) -> None:
    """Checks a recipe, and reports everything that is wrong with it."""
    from stylepipe.recipe.load import load_recipe

    console = Console(as_json=json)
    checked = load_recipe(recipe, overrides=overrides(param))
    for warning in checked.warnings:
        console.say(f"warning: {warning}")
    data = {
        "recipe": checked.name,
        "stages": list(checked.stages),
        "outputs": dict(checked.outputs),
        "warnings": checked.warnings,
    }
    console.result(f"{recipe}: {len(checked.stages)} stages, no problems.", data)


def schema() -> None:
    """Prints the JSON Schema of recipes, installed stages included, for editors."""
    from stylepipe.recipe.schema import recipe_schema

    Console(as_json=True).result("", recipe_schema())


def _slug(stem: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in stem.lower()).strip("-") or "first-look"
