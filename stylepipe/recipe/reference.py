"""The reference of the recipe language, written from the stages themselves: one page of Markdown."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from stylepipe.packs import find_stage, stage_modules
from stylepipe.stage import Input, Stage

Schema = Mapping[str, Any]

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
        _table(schema, definitions),
    ]
    for name in _models(schema, definitions):
        parts += [f"\n### {stage.name}: {_title(definitions[name])}\n"]
        if about := definitions[name].get("description"):
            parts += [f"{inspect.cleandoc(about)}\n"]
        parts += [_table(definitions[name], definitions)]
    return "\n".join(part for part in parts if part is not None) + "\n"


def _takes(given: Input) -> str:
    return ("list of " if given.many else "") + given.kind + (", optional" if given.optional else "")


def _table(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {_type(field, definitions)} | {_default(field, required=name in required)} | {_meaning(field)} |"
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


def _type(field: Schema, definitions: Mapping[str, Schema]) -> str:
    """A field's type in words, with its bounds: `number, over 0, at most 1`."""
    match field:
        case {"$ref": reference}:
            return _named(reference, definitions)
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"anyOf": members} | {"oneOf": members} | {"allOf": members}:
            return " or ".join(_type(member, definitions) for member in members)
        case {"type": "array"}:
            items = field.get("items") or {"anyOf": field.get("prefixItems", [])}
            return ", ".join(["list of " + _type(items, definitions), *_bounds(field)])
        case {"type": "object", "additionalProperties": Mapping() as values}:
            return "mapping to " + _type(values, definitions)
        case {"type": "object", "additionalProperties": dict(values)}:
            return "mapping to " + _type(values, definitions)
        case {"type": kind}:
            return ", ".join([kind, *_bounds(field)])
        case _:
            return "any"


def _bounds(field: Schema) -> Iterator[str]:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "over",
        "maximum": "at most",
        "exclusiveMaximum": "under",
        "minItems": "at least this many:",
        "maxItems": "at most this many:",
    }
    return (f"{word} {field[key]}" for key, word in words.items() if key in field)


def _named(reference: str, definitions: Mapping[str, Schema]) -> str:
    definition = definitions[reference.rpartition("/")[2]]
    return _type(definition, definitions) if "properties" not in definition else f"*{_title(definition)}*"


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
