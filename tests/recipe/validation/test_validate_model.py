"""Checking data against a model: a model is reported on in its own terms, whatever it is made of."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from stylepipe.errors import Place, RecipeError
from stylepipe.recipe.syntax.yaml_text import MAX_PROBLEMS, Source
from stylepipe.recipe.validation.describe_schema import phrase
from stylepipe.recipe.validation.problems import Problems
from stylepipe.recipe.validation.validate_model import validate


class Leaf(BaseModel, extra="forbid"):
    kind: Literal["leaf"]
    size: int = Field(1, gt=0, le=10)


class Branch(BaseModel, extra="forbid"):
    kind: Literal["branch", "twig"]
    parts: "list[Part]" = []


Part = Annotated[Leaf | Branch, Field(discriminator="kind")]
Branch.model_rebuild()


class Tree(BaseModel, extra="forbid"):
    root: Part | None = None
    numbers: tuple[int, float] = (1, 2.0)
    either: int | list[int] | Leaf = 1
    table: dict[str, Part] = {}
    weights: dict[Literal["first", "second"], float] | list[float] | Literal["all"] = "all"
    odd: Annotated[int, Field(multiple_of=2, ge=0)] = 0
    open: Annotated[float, Field(gt=0, lt=1)] = 0.5
    code: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    even: int = 0

    @field_validator("even")
    @classmethod
    def _even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("must be even.")
        return number


def problems_of(data: Any, *, broken: tuple[tuple[str | int, ...], ...] = ()) -> list[str]:
    problems = Problems(Source(values={(): Place("x", 1, 1)}))
    for path in broken:
        problems.mark_broken(path)
    try:
        model = validate(Tree, data, at=(), problems=problems)
        problems.raise_any()
    except RecipeError as error:
        return [problem.message + (f" {problem.hint}" if problem.hint else "") for problem in error.problems]
    assert model == Tree.model_validate(data)
    return []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"root": {"kind": "branch", "parts": [{"kind": "leaf"}, {"kind": "twig", "parts": []}]}},
        {"numbers": [3, 4], "either": [1, 2], "odd": 4, "open": 0.25},
        {"weights": {"first": 1.0}},
        {"either": {"kind": "leaf", "size": 3}, "table": {"a": {"kind": "leaf"}}, "root": None},
    ],
)
def test_sound_data_become_the_model(data: Any) -> None:
    assert problems_of(data) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "The recipe is []; expected a mapping."),
        ({"root": 3}, "root is 3; expected a mapping whose 'kind' is one of 'branch', 'leaf', 'twig'."),
        ({"root": {"kind": "lef"}}, "root.kind is 'lef'; expected one of 'branch', 'leaf', 'twig'. Did you mean 'leaf'?"),
        ({"root": {"kind": 3}}, "root.kind is 3; expected one of 'branch', 'leaf', 'twig'."),
        (
            {"weights": {"frist": 1.0}},
            "The name 'frist' cannot stand here; expected one of 'first', 'second'. Did you mean 'first'?",
        ),
        ({"weights": {"first": "a"}}, "weights.first is 'a'; expected a number."),
        ({"weights": "first"}, "weights is 'first'; expected a mapping or a list of numbers or 'all'."),
        ({"root": {}}, "root.kind is missing; expected one of 'branch', 'leaf', 'twig'."),
        ({"root": {"kind": "leaf", "size": 11}}, "root.size is 11; expected a whole number above 0 and of at most 10."),
        ({"root": {"kind": "leaf", "sise": 1}}, "root has no 'sise'. Did you mean 'size'?"),
        (
            {"root": {"kind": "twig", "parts": [{"kind": "twig", "parts": [{"kind": "leaf", "size": "1"}]}]}},
            "root.parts[0].parts[0].size is '1'; expected a whole number above 0 and of at most 10. Write it without quotes.",
        ),
        (
            {"table": {"leaf": {"kind": "leaf", "size": 0}}},
            "table.leaf.size is 0; expected a whole number above 0 and of at most 10.",
        ),
        ({"numbers": [1]}, "numbers[1] is missing; expected a number."),
        ({"numbers": [1, 2, 3]}, "numbers is [1, 2, 3]; expected a list of 2 values."),
        ({"numbers": [1.5, 2]}, "numbers[0] is 1.5; expected a whole number."),
        ({"either": "x"}, "either is 'x'; expected a whole number or a list of whole numbers or a mapping."),
        ({"either": [1, "x"]}, "either[1] is 'x'; expected a whole number."),
        ({"odd": 3}, "odd is 3; expected a whole number of at least 0, a multiple of 2."),
        ({"open": 1}, "open is 1; expected a number above 0 and below 1."),
        ({"code": "A"}, "code is 'A'; expected text that matches ^[a-z]+$."),
        ({"even": 3}, "even is 3: must be even."),
        ({"even": True}, "even is true; expected a whole number."),
        ({"nothing": 3}, "The recipe has no 'nothing'. Known: code, either, even, numbers, odd, open, root, table, weights."),
    ],
)
def test_messages(data: Any, message: str) -> None:
    assert problems_of(data) == [message]


def test_nothing_is_said_about_what_was_found_wrong_already() -> None:
    data = {"root": {"kind": None, "parts": 3}, "numbers": [None, 2], "even": None, "odd": 3}
    broken = (("root", "kind"), ("numbers", 0), ("even",))
    assert problems_of(data, broken=broken) == ["odd is 3; expected a whole number of at least 0, a multiple of 2."]


def test_very_many_errors_are_cut_short() -> None:
    found = problems_of({"root": {"kind": "branch", "parts": [{"kind": "leaf", "size": 0}] * 5000}})
    assert len(found) == MAX_PROBLEMS + 1


def test_phrases_for_what_pydantic_describes_in_other_ways() -> None:
    assert phrase({}, {}) == "another value"
    assert phrase({}, {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 4}) == "a list of 1 to 4 texts"
    assert phrase({}, {"oneOf": [{"type": "boolean"}, {"type": "null"}]}) == "true or false or null"
    assert phrase({}, {"const": "a"}) == "'a'"
