"""Generates the reference of the recipe language from its model and the stages: one page of Markdown."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from stylepipe.plugins import usable_stages
from stylepipe.recipe.model import Recipe
from stylepipe.recipe.validation.describe_schema import Schema, locate, phrase, tags
from stylepipe.stage import Input, Stage

HEAD = """\
# Recipe reference

Written by `stylepipe stages --reference` from the language and the stages installed; do not edit. How recipes are put
together is in [recipes.md](recipes.md).
"""


def reference() -> str:
    """Returns the recipe's keys and every installed stage: summary, inputs, parameters with type, default and meaning."""
    return "\n".join([HEAD, _recipe(), *map(describe_stage, usable_stages()[0].values())])


def describe_stage(stage: Stage) -> str:
    """Returns a stage's section of the reference."""
    schema = stage.params.model_json_schema()
    parts = [
        f"## {stage.name}\n",
        f"{inspect.getdoc(stage.function)}\n",
        f"Gives: {stage.output}. Version {stage.version}.\n",
        "| input | takes |\n|---|---|",
        *(f"| `{name}` | {_takes(given)} |" for name, given in stage.inputs.items()),
        "",
        *_tables(stage.name, schema, "parameter"),
    ]
    return "\n".join(parts) + "\n"


def describe_model(name: str, model: type[BaseModel]) -> str:
    """A model of parameters, such as that of a loss, as a section like those of the stages."""
    return (
        "\n".join([f"## {name}\n", f"{inspect.getdoc(model)}\n", *_tables(name, model.model_json_schema(), "parameter")]) + "\n"
    )


def _recipe() -> str:
    return "\n".join(["## The recipe\n", *_tables("The recipe", Recipe.model_json_schema(), "key")]) + "\n"


def _tables(of: str, schema: Schema, column: str) -> Iterator[str]:
    """Yields the table of a model, and those of the models that it refers to."""
    definitions = schema.get("$defs", {})
    yield _table(schema, column)
    for name in _models(schema, definitions):
        yield f"\n### {of}: {_title(definitions[name])}\n"
        if about := definitions[name].get("description"):
            yield f"{inspect.cleandoc(about)}\n"
        yield _table({**definitions[name], "$defs": definitions}, column)


def _takes(given: Input) -> str:
    return ("list of " if given.many else "") + given.kind + (", optional" if given.optional else "")


def _table(schema: Schema, column: str) -> str:
    rows = [
        f"| `{name}` | {phrase(schema, field)} | {_default(schema, name)} | {_meaning(field)} |"
        for name, field in schema.get("properties", {}).items()
    ]
    head = [f"| {column} | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else "No parameters."


def _default(schema: Schema, name: str) -> str:
    field = schema["properties"][name]
    required = name in schema.get("required", ())
    if required or ("default" not in field and "const" not in field):
        return "required" if required else ""
    default = field.get("default", field.get("const"))
    return f"`{_plain(_written(schema, default, (name,)))}`"


def _written(root: Schema, value: Any, location: tuple[str | int, ...]) -> Any:
    """Returns a default as a recipe would write it: for a model, its kind and its changes from the model's defaults."""
    match value:
        case list():
            return [_written(root, item, (*location, index)) for index, item in enumerate(value)]
        case dict():
            tag, options = tags(root, locate(root, location).schema)
            kind = {tag: value[tag]} if options else {}
            location = (*location, *kind.values())
            fields = locate(root, location).schema.get("properties", {})
            changed = {key: item for key, item in value.items() if key not in fields or item != fields[key].get("default")}
            return kind | {key: _written(root, item, (*location, key)) for key, item in changed.items()}
        case _:
            return value


def _plain(value: Any) -> str:
    """Returns a value in YAML's flow style, numbers to four digits."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return str(float(f"{value:.4g}"))
        case dict():
            return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_plain, value)) + "]"
        case _:
            return str(value) or "''"


def _meaning(field: Schema) -> str:
    return " ".join(field.get("description", "").split()).replace("|", "\\|")


def _title(definition: Schema) -> str:
    """Returns the kind of a union's member, as in recipes; for other models, the title."""
    kind = definition["properties"].get("kind", {})
    return f"kind {kind['const']}" if "const" in kind else definition["title"]


def _models(schema: Schema, definitions: Mapping[str, Schema]) -> list[str]:
    """Returns the names of the models that a stage's parameters refer to, in order of appearance."""
    met: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in met:
                if "properties" in definitions[name]:
                    met.append(name)
                walk(definitions[name])
            for key, value in node.items():
                if key != "$defs":
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    return met
