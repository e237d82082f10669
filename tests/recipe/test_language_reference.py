"""The reference: the recipe's own keys, and defaults as one would write them."""

from typing import Annotated, Literal

from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.recipe.language_reference import describe_stage, reference
from stylepipe.recipe.model import InputBlock, Random, Range, RecipeModel, StageBlock, Sweep
from stylepipe.stage import Params, stage


class Dot(Params):
    """A dot."""

    kind: Literal["dot"] = "dot"
    radius: float = 129 / 255
    label: str = ""


class Line(Params):
    """A line, from one dot to another."""

    kind: Literal["line"] = "line"
    ends: tuple[Dot, Dot] = (Dot(), Dot(radius=2.0))


Mark = Annotated[Dot | Line, Field(discriminator="kind")]


class MarkParams(Params):
    """What is drawn."""

    marks: tuple[Mark, ...] = Field((Dot(), Line(), Dot(radius=1 / 3, label="here"), Line(ends=(Dot(label="a"), Dot()))))
    free: dict[str, float] = Field({"a": 1e-7, "b": 2.0})
    last: Mark | None = Dot(radius=1.0)
    absent: Mark | None = None


@stage(version=1)
def mark(image: Image, params: MarkParams) -> Image:
    """Draws marks."""
    raise NotImplementedError


def defaults(heading: str) -> dict[str, str]:
    """The defaults in the table below a heading of the stage's section."""
    rows = describe_stage(mark).partition(heading)[2].partition("\n#")[0].splitlines()
    cells = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in rows if row.startswith("| `")]
    return {row[0]: row[2] for row in cells if len(row) == 4}


def test_of_a_model_a_default_holds_its_kind_and_what_differs_from_its_own_defaults() -> None:
    assert defaults("## mark") == {
        "marks": "[{kind: dot}, {kind: line}, {kind: dot, radius: 0.3333, label: here}, {kind: line, ends: [{label: a}, {}]}]",
        "free": "{a: 1e-07, b: 2.0}",
        "last": "{kind: dot, radius: 1.0}",
        "absent": "null",
    }
    assert defaults("### mark: kind line") == {"kind": "line", "ends": "[{}, {radius: 2.0}]"}


def test_numbers_have_four_digits_and_an_empty_text_is_seen() -> None:
    assert defaults("### mark: kind dot") == {"kind": "dot", "radius": "0.5059", "label": "''"}


def test_every_key_of_a_recipe_is_described() -> None:
    section = reference().partition("## The recipe\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in section.splitlines() if row.startswith("| `")]
    fields = [name for model in (RecipeModel, InputBlock, StageBlock, Sweep, Random, Range) for name in model.model_fields]
    assert [row[0] for row in rows] == [f"`{name}`" for name in fields]
    assert all(len(row) == 4 and row[1] and row[3] for row in rows)
