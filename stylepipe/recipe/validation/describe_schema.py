"""Describes in words what a model allows, by following an error's location through its JSON Schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stylepipe.recipe.model import REFERENCE
from stylepipe.recipe.syntax.yaml_text import KeyPath
from stylepipe.recipe.validation.problems import show

Schema = Mapping[str, Any]

_NOUNS = {"integer": "whole numbers", "number": "numbers", "string": "texts"}


@dataclass(frozen=True)
class Spot:
    """The target of an error's location: its key path in the data, its schema, and whether the error is about the key."""

    path: KeyPath
    schema: Schema
    is_key: bool = False


def locate(root: Schema, location: Sequence[str | int]) -> Spot:
    """Follows a location of pydantic through a schema.

    Locations hold names of union members beside keys and indices. The tag of a discriminated union is skipped, since it is not
    in the data; so is a mapping or list among the members, when the error is inside it. The search ends at any other union,
    because the error is about the union as a whole.
    """
    path: list[str | int] = []
    outer, here = root, root
    for position, part in enumerate(location, 1):
        here = _without_null(root, here)
        if part == "[key]":
            return Spot(tuple(path), _names(outer), is_key=True)
        if members := here.get("discriminator", {}).get("mapping"):
            here = {"$ref": members[part]} if part in members else {}
            continue
        if position < len(location) and (member := _collection(root, here, part)):
            here = member
            continue
        inner = _member(here, part)
        if inner is None:
            break
        path.append(part)
        outer, here = here, inner
    return Spot(tuple(path), _without_null(root, here))


def fields(root: Schema, schema: Schema) -> list[str]:
    """Returns the names that a mapping may have."""
    return list(_resolved(root, schema).get("properties", ()))


def choices(root: Schema, schema: Schema) -> list[Any]:
    """Returns the allowed values, where they are listed."""
    schema = _resolved(root, schema)
    return list(schema["enum"]) if "enum" in schema else [schema["const"]] if "const" in schema else []


def tags(root: Schema, schema: Schema) -> tuple[str, list[str]]:
    """Returns the name of a discriminated union's tag, and its values."""
    discriminator = _resolved(root, schema).get("discriminator", {})
    return discriminator.get("propertyName", "kind"), list(discriminator.get("mapping", ()))


def phrase(root: Schema, schema: Schema) -> str:
    """Returns the allowed values in words: 'a whole number from 1 to 8'."""
    schema = _resolved(root, schema)
    if listed := choices(root, schema):
        return ("one of " if len(listed) > 1 else "") + ", ".join(map(show, listed))
    if "discriminator" in schema:
        tag, options = tags(root, schema)
        return f"a mapping whose '{tag}' is one of {', '.join(map(show, options))}"
    if alternatives := [member["required"][0] for member in schema.get("oneOf", ()) if list(member) == ["required"]]:
        return f"a mapping with exactly one of the keys {', '.join(alternatives)}"
    if members := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(phrase(root, member) for member in members))
    match schema.get("type"):
        case "integer":
            return "a whole number" + _range(schema)
        case "number":
            return "a number" + _range(schema)
        case "string":
            return "a reference" if schema.get("pattern") == REFERENCE else "text" + _text(schema)
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case "array":
            return "a list" + _items(root, schema)
        case "object":
            return "a mapping" + _entries(schema)
        case _:
            return "another value"


def _range(schema: Schema) -> str:
    def bound(name: str) -> str:
        limit = schema[name]
        return str(int(limit) if float(limit).is_integer() else limit)

    if "minimum" in schema and "maximum" in schema:
        text = f" from {bound('minimum')} to {bound('maximum')}"
    else:
        words = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "of at most", "exclusiveMaximum": "below"}
        bounds = [f"{word} {bound(name)}" for name, word in words.items() if name in schema]
        text = " " + " and ".join(bounds) if bounds else ""
    return text + (f", a multiple of {bound('multipleOf')}" if "multipleOf" in schema else "")


def _text(schema: Schema) -> str:
    if schema.get("examples"):
        return f" such as {show(schema['examples'][0])}"
    if "pattern" in schema:
        return f" that matches {schema['pattern']}"
    bounds = _count(schema, "minLength", "maxLength", "characters")
    return f" of {bounds}" if bounds else ""


def _items(root: Schema, schema: Schema) -> str:
    inner = [*schema.get("prefixItems", []), *([schema["items"]] if schema.get("items") else [])]
    kinds = {_resolved(root, item).get("type") for item in inner}
    noun = _NOUNS.get(kinds.pop() or "", "values") if len(kinds) == 1 else "values"
    if bounds := _count(schema, "minItems", "maxItems", noun):
        return f" of {bounds}"
    return f" of {noun}" if noun != "values" else ""


def _entries(schema: Schema) -> str:
    bounds = _count(schema, "minProperties", "maxProperties", "entries")
    return f" of {bounds}" if bounds else ""


def _count(schema: Schema, least: str, most: str, noun: str) -> str:
    """Returns '2 numbers', '1 to 3 numbers', 'at least 1 number'; nothing where there are no bounds."""
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    singular = noun.replace("ies", "y").removesuffix("s")
    text = f"at most {high}" if low is None else f"at least {low}" if high is None else f"{low} to {high}"
    return f"{low if low == high else text} {singular if (high or low) == 1 else noun}"


def _member(schema: Schema, part: str | int) -> Schema | None:
    if isinstance(part, int):
        fixed = schema.get("prefixItems", [])
        return fixed[part] if part < len(fixed) else schema.get("items")
    if part in schema.get("properties", {}):
        return schema["properties"][part]
    rest = schema.get("additionalProperties")
    return next(iter(schema.get("patternProperties", {}).values()), rest if isinstance(rest, Mapping) else None)


def _collection(root: Schema, schema: Schema, label: str | int) -> Schema | None:
    """Returns the only mapping or list among a union's members, for pydantic's label dict[…], list[…] or tuple[…]."""
    kind = {"dict": "object", "list": "array", "tuple": "array"}.get(str(label).partition("[")[0])
    members = [_resolved(root, member) for member in schema.get("anyOf", ())]
    fitting = [member for member in members if kind and member.get("type") == kind]
    return fitting[0] if len(fitting) == 1 else None


def _names(schema: Schema) -> Schema:
    """Returns the schema of a mapping's keys."""
    patterns = ({"type": "string", "pattern": pattern} for pattern in schema.get("patternProperties", {}))
    return schema.get("propertyNames") or next(patterns, {})


def _resolved(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _without_null(root: Schema, schema: Schema) -> Schema:
    """Returns the schema of X for `X | None`, as pydantic's locations do."""
    schema = _resolved(root, schema)
    members = [member for member in schema.get("anyOf", []) if member != {"type": "null"}]
    return _resolved(root, members[0]) if len(members) == 1 else schema
