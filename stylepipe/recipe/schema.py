"""The JSON Schema of the recipe language, the parameters of all installed stages included, for editors and other tools."""

from typing import Any

from stylepipe.plugins import usable_stages
from stylepipe.recipe.bind import PLURALS
from stylepipe.recipe.model import Recipe, StageBlock
from stylepipe.recipe.validation.describe_schema import REFERENCE
from stylepipe.stage import Input, Stage

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_REFERENCE: Schema = {"type": "string", "pattern": REFERENCE}
_NULL: Schema = {"type": "null"}


def recipe_schema() -> Schema:
    """The schema (draft 2020-12) of recipe files.

    A parameter takes a reference such as $params.size wherever it takes a value. Where references lead, and what a stage's
    model checks by code, is beyond a schema. Stages that cannot be imported are left out.
    """
    schema = Recipe.model_json_schema()
    stages, _ = usable_stages()
    names = sorted(stages)
    uses = {"enum": names, "description": StageBlock.model_fields["use"].description}
    choices = [{"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": _ref(name)} for name in names]
    definitions = {**schema.pop("$defs"), "StageBlock": {"type": "object", "properties": {"use": uses}, "allOf": choices}}
    foreach = StageBlock.model_json_schema()["properties"]["foreach"]
    for name in names:
        definitions |= _definitions(stages[name], foreach)
    required = schema.pop("required")
    sections = {name: inner if name in required else {"anyOf": [inner, _NULL]} for name, inner in schema["properties"].items()}
    whole = {"required": required, "properties": {"stages": {"additionalProperties": {"required": ["use"]}}}}
    return _closed(
        {
            "$schema": DIALECT,
            **schema,
            "properties": sections,
            "if": {"not": {"required": ["extends"]}},  # what another recipe holds need not be said again
            "then": whole,
            "$defs": definitions,
        }
    )


def _definitions(stage: Stage, foreach: Schema) -> dict[str, Schema]:
    """The schema of a stage's block, and of the models that its parameters are made of; names begin with the stage's."""
    params = stage.params.model_json_schema(ref_template=f"#/$defs/{stage.name}.{{model}}")
    models = {f"{stage.name}.{name}": _templated(model) for name, model in params.get("$defs", {}).items()}
    needed = [name for name, given in stage.inputs.items() if not given.optional]
    block = {
        "type": "object",
        "description": stage.summary,
        "properties": {
            "use": {"const": stage.name},
            "foreach": foreach,
            **{name: _input(given) for name, given in stage.inputs.items()},
            **_templated(params).get("properties", {}),
        },
        "required": ["use", *needed, *params.get("required", ())],
        "additionalProperties": False,
    }
    return {stage.name: block, **models}


def _input(given: Input) -> Schema:
    forms = [{"type": "array", "items": _REFERENCE}, _REFERENCE] if given.many else [_REFERENCE]
    schema = {"anyOf": [*forms, *([_NULL] if given.optional else [])]} if len(forms) > 1 or given.optional else _REFERENCE
    return {**schema, "description": f"{'A list of' if given.many else 'A reference to'} {PLURALS[given.kind]}"}


def _templated(schema: Schema) -> Schema:
    """A schema whose parts may each be a reference. (The tag of a union may be one, so more than one member may match.)"""
    result = {key: value for key, value in schema.items() if key not in ("discriminator", "oneOf")}
    for key in ("properties", "patternProperties"):
        if key in result:
            result[key] = {name: _or_reference(inner) for name, inner in result[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), dict):
            result[key] = _or_reference(result[key])
    if "prefixItems" in result:
        result["prefixItems"] = [_or_reference(inner) for inner in result["prefixItems"]]
    if members := schema.get("anyOf") or schema.get("oneOf"):
        result["anyOf"] = [_templated(member) for member in members]
    return result


def _or_reference(schema: Schema) -> Schema:
    notes = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    bare = {key: value for key, value in schema.items() if key not in notes}
    return {"anyOf": [_templated(bare), _REFERENCE], **notes} if bare else schema


def _closed(schema: Any) -> Any:
    """The schema, no key being allowed in a mapping but those that match its pattern, where it has one."""
    if isinstance(schema, list):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "patternProperties" in schema else {}
    return closed | {key: _closed(inner) for key, inner in schema.items()}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
