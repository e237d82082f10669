"""The JSON Schema: recipes pass, mistakes do not; jsonschema is the judge."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stylepipe.artifacts import INPUT_KINDS
from stylepipe.recipe.model import Kind, RecipeModel
from stylepipe.recipe.schema import recipe_schema
from stylepipe.recipe.syntax.yaml_text import parse

EXAMPLES = [
    *sorted((Path(__file__).parent / "recipes").glob("*.yaml")),
    *sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml")),
    Path(__file__).parents[2] / "stylepipe" / "recipe" / "starter.yaml",
]


@pytest.fixture(scope="module")
def validator(pack: Path) -> Draft202012Validator:
    schema = recipe_schema()
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    return Draft202012Validator(schema)


def everything() -> Any:
    return parse(EXAMPLES[0].read_text(encoding="utf-8"), file="x").data


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_recipes_pass(validator: Draft202012Validator, path: Path) -> None:
    data = parse(path.read_text(encoding="utf-8"), file=path.name).data
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)] == []


def test_a_recipe_that_extends_another_may_leave_things_out(validator: Draft202012Validator) -> None:
    change = {"extends": "base.yaml", "stages": {"soft": {"radius": 3}}}
    assert list(validator.iter_errors(change)) == []
    assert list(validator.iter_errors({**change, "extends": 3})) != []


def put(path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *outer, last = path.split("/")
        for part in outer:
            data = data[int(part) if isinstance(data, list) else part]
        data[int(last) if isinstance(data, list) else last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stylepipe", 2),
        ("name", "a b"),
        ("seed", -1),
        ("seed", "7"),
        ("parms", {}),
        ("params/a b", 1),
        ("inputs/content", {"picture": "a.png"}),
        ("inputs/content", {}),
        ("outputs/poster", "final"),
        ("stages/edges", {"image": "$content"}),
        ("stages/edges/use", "outlin"),
        ("stages/edges/color", 3),
        ("stages/edges/image", ["$content"]),
        ("stages/painted/foreach", 3),
        ("stages/finished/passes", 0),
        ("stages/finished/passes", 1.5),
        ("stages/finished/passes", "2"),
        ("stages/finished/wrap", "yes"),
        ("stages/finished/method", "boxx"),
        ("stages/painted/losses/1/weight", 0),
        ("stages/painted/losses/1/kind", "grm"),
        ("stages/painted/losses/1/wieght", 1),
        ("stages/painted/losses/0/layers", {"relu9": 1}),
        ("stages/painted/crop", {"size": [1]}),
        ("sweep/grid/weight", []),
        ("sweep/gird", {}),
    ],
)
def test_mistakes_do_not_pass(validator: Draft202012Validator, path: str, value: Any) -> None:
    data = everything()
    put(path, value)(data)
    assert list(validator.iter_errors(data)) != []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stages/finished/passes", "$params.passes"),
        ("stages/finished/wrap", "$params.wrap"),
        ("stages/finished/method", "$params.method"),
        ("stages/painted/losses", "$params.losses"),
        ("stages/painted/losses/0", "$item"),
        ("stages/painted/losses/1/weight", "$item.weight"),
        ("stages/painted/losses/0/layers/relu1_1", "$params.first"),
        ("stages/painted/crop", {"size": ["$params.height", 3]}),
        ("stages/painted/init", None),
        ("stages/painted/masks", None),
        ("params", None),
        ("stages/edges@1", {"use": "outline", "image": "$content"}),
    ],
)
def test_references_and_nulls_pass_where_the_language_allows_them(
    validator: Draft202012Validator, path: str, value: Any
) -> None:
    data = everything()
    put(path, value)(data)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)] == []


def test_every_field_of_the_recipe_is_in_the_schema(validator: Draft202012Validator) -> None:
    assert set(validator.schema["properties"]) == set(RecipeModel.model_fields)
    assert set(Kind.__args__) == {*INPUT_KINDS, "images"}
