"""The JSON Schema of the recipe language, the parameters of all installed stages included, for editors and other tools."""

from typing import Any

from stylepipe.plugins import usable_stages
from stylepipe.recipe.bind import PLURALS
from stylepipe.recipe.model import REFERENCE, RecipeModel, StageBlock
from stylepipe.stage import Input, Stage

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MutableSchema = dict[str, Any]

_REFERENCE: MutableSchema = {"type": "string", "pattern": REFERENCE}
_NULL: MutableSchema = {"type": "null"}


def recipe_schema() -> MutableSchema:
    """Returns the schema (draft 2020-12) of recipe files.

    A reference such as $params.size is allowed in place of any value of a parameter. The schema does not check the targets of
    references, nor what a stage's model checks by code. Stages that cannot be imported are left out.
    """
    schema = RecipeModel.model_json_schema()
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
            "if": {"not": {"required": ["extends"]}},  # the extended recipe may have the required keys
            "then": whole,
            "$defs": definitions,
        }
    )


def _definitions(stage: Stage, foreach: MutableSchema) -> dict[str, MutableSchema]:
    """Returns the schemas of a stage's block and of the models of its parameters; their names begin with the stage's."""
    params = stage.params.model_json_schema(ref_template=f"#/$defs/{stage.name}.{{model}}")
    models = {f"{stage.name}.{name}": _templated(model) for name, model in params.get("$defs", {}).items()}
    needed = [name for name, input_ in stage.inputs.items() if not input_.optional]
    block = {
        "type": "object",
        "description": stage.summary,
        "properties": {
            "use": {"const": stage.name},
            "foreach": foreach,
            **{name: _input(input_) for name, input_ in stage.inputs.items()},
            **_templated(params).get("properties", {}),
        },
        "required": ["use", *needed, *params.get("required", ())],
        "additionalProperties": False,
    }
    return {stage.name: block, **models}


def _input(input_: Input) -> MutableSchema:
    forms = [{"type": "array", "items": _REFERENCE}, _REFERENCE] if input_.many else [_REFERENCE]
    schema = {"anyOf": [*forms, *([_NULL] if input_.optional else [])]} if len(forms) > 1 or input_.optional else _REFERENCE
    return {**schema, "description": f"{'A list of' if input_.many else 'A reference to'} {PLURALS[input_.kind]}"}


def _templated(schema: MutableSchema) -> MutableSchema:
    """Returns a schema in which each part may be a reference. (The tag of a union may be one: several members may match.)"""
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


def _or_reference(schema: MutableSchema) -> MutableSchema:
    notes = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    bare = {key: value for key, value in schema.items() if key not in notes}
    return {"anyOf": [_templated(bare), _REFERENCE], **notes} if bare else schema


def _closed(schema: Any) -> Any:
    """Returns the schema with unknown keys forbidden in mappings that have a pattern of their keys."""
    if isinstance(schema, list):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "patternProperties" in schema else {}
    return closed | {key: _closed(inner) for key, inner in schema.items()}


def _ref(name: str) -> MutableSchema:
    return {"$ref": f"#/$defs/{name}"}
