"""Validates plain data with a pydantic model, and reports errors in the recipe's terms."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stylepipe.errors import reason_of
from stylepipe.recipe.syntax.yaml_text import KeyPath, is_text
from stylepipe.recipe.validation.describe_schema import Spot, choices, fields, locate, phrase, tags
from stylepipe.recipe.validation.problems import Problems, dotted, nearest, show, suggest

Model = TypeVar("Model", bound=BaseModel)

_HABITS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def validate(model: type[Model], data: Any, *, at: KeyPath, problems: Problems, beside: Sequence[str] = ()) -> Model | None:
    """Returns the model of `data` at the path `at`; None when it has problems, which are reported.

    Types are strict: text is not a number, but a whole number is one. `beside` are further names allowed in the same mapping,
    for the hint about an unknown one.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        schema = model.model_json_schema()
        located = [(locate(schema, details["loc"]), details) for details in error.errors(include_url=False)]
        # The innermost first: an error of an entry is more specific than one of its list.
        for spot, details in sorted(located, key=lambda pair: -len(pair[0].path)):
            _report(details, spot, schema=schema, at=at, problems=problems, beside=beside)
    except Exception as error:  # the validator of a plug-in may raise anything
        problems.add(at, f"{dotted(at)} cannot be checked: {reason_of(error)}.")
    return None


def _report(
    details: Any, spot: Spot, *, schema: dict[str, Any], at: KeyPath, problems: Problems, beside: Sequence[str]
) -> None:
    value = details["input"]
    path = at + spot.path
    name = dotted(path)
    match details["type"]:
        case "extra_forbidden":
            key = str(details["loc"][-1])
            names = [*fields(schema, spot.schema), *(() if spot.path else beside)]
            problems.add((*path, key), f"{name} has no '{key}'.", suggest(key, names), at_key=True)
        case "missing":
            problems.add(path, f"{name} is missing; expected {phrase(schema, spot.schema)}.", at_key=True)
        case _ if problems.holds_broken(path):
            pass
        case "union_tag_not_found" | "union_tag_invalid":
            tag, options = tags(schema, spot.schema)
            state = f"is {show(value[tag])}{problems.origin((*path, tag))}" if tag in value else "is missing"
            expected = ", ".join(map(show, options))
            message = f"{name}.{tag} {state}; expected one of {expected}."
            problems.add((*path, tag), message, nearest(value.get(tag), options), at_key=tag not in value)
        case "value_error" | "assertion_error":
            state = f" is {show(value)}{problems.origin(path)}" if not isinstance(value, dict | list) else ""
            subject = f"The name {show(value)} cannot stand here" if spot.is_key else name + state
            problems.add(path, f"{subject}: {str(details['ctx']['error']).rstrip('.')}.", at_key=spot.is_key)
        case _ if spot.is_key:
            message = f"The name {show(value)} cannot stand here; expected {phrase(schema, spot.schema)}."
            problems.add(path, message, nearest(value, choices(schema, spot.schema)), at_key=True)
        case kind:
            message = f"{name} is {show(value)}{problems.origin(path)}; expected {phrase(schema, spot.schema)}."
            problems.add(path, message, _hint(kind, value) or nearest(value, choices(schema, spot.schema)))


def _hint(kind: str, value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer() and kind.startswith("int"):
        return f"Write {int(value)}."
    if isinstance(value, str) and kind == "bool_type" and value in _HABITS:
        return f"Write {_HABITS[value]}."
    if isinstance(value, str) and kind in ("int_type", "float_type", "bool_type") and not is_text(value):
        return "Write it without quotes."
    if isinstance(value, int | float) and kind == "string_type":
        return "Write it in quotes."
    return None
