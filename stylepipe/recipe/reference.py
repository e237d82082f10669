"""The reference of the recipe language, written from the stages themselves: one page of Markdown."""

import inspect
from collections.abc import Mapping
from typing import Any

from stylepipe.packs import find_stage, stage_modules
from stylepipe.recipe.describe import Schema, phrase
from stylepipe.stage import Input, Stage

HEAD = """\
# Recipe reference

Written by `stylepipe stages --reference` from the stages installed; do not edit. How recipes are put together is in
[recipes.md](recipes.md).
"""


def reference() -> str:
    """Every installed stage: what it does, its inputs, and its parameters with type, default and meaning."""
    return "\n".join([HEAD, *(describe_stage(find_stage(name)) for name in sorted(stage_modules()))])


def describe_stage(stage: Stage) -> str:
    """One stage, as a section of the reference."""
    schema = stage.params.model_json_schema()
    definitions = schema.get("$defs", {})
    parts = [
        f"## {stage.name}\n",
        f"{inspect.getdoc(stage.function)}\n",
        f"Gives: {stage.output}. Version {stage.version}.\n",
        "| input | takes |\n|---|---|",
        *(f"| `{name}` | {_takes(given)} |" for name, given in stage.inputs.items()),
        "",
        _table(schema, schema),
    ]
    for name in _models(schema, definitions):
        parts += [f"\n### {stage.name}: {_title(definitions[name])}\n"]
        if about := definitions[name].get("description"):
            parts += [f"{inspect.cleandoc(about)}\n"]
        parts += [_table(schema, definitions[name])]
    return "\n".join(parts) + "\n"


def _takes(given: Input) -> str:
    return ("list of " if given.many else "") + given.kind + (", optional" if given.optional else "")


def _table(root: Schema, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {phrase(root, field)} | {_default(field, required=name in required)} | {_meaning(field)} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return "\n".join(["| parameter | type | default | meaning |", "|---|---|---|---|", *rows]) if rows else "No parameters."


def _default(field: Schema, *, required: bool) -> str:
    if required or ("default" not in field and "const" not in field):
        return "required" if required else ""
    default = field.get("default", field.get("const"))
    return f"`{'null' if default is None else _plain(default)}`"


def _plain(value: Any) -> str:
    """A value as YAML's flow style spells it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items() if item is not None) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_plain, value)) + "]"
        case _:
            return str(value)


def _meaning(field: Schema) -> str:
    return " ".join(field.get("description", "").split()).replace("|", "\\|")


def _title(definition: Schema) -> str:
    """A model of a union is called by its kind, as recipes do; another one by its title."""
    kind = definition["properties"].get("kind", {})
    return f"kind {kind['const']}" if "const" in kind else definition["title"]


def _models(schema: Schema, definitions: Mapping[str, Schema]) -> list[str]:
    """The names of the models that a stage's parameters refer to, in the order in which they are met."""
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
