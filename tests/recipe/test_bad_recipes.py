"""What people get told: every kind of mistake with its exact message."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stylepipe.recipe.resolved import ResolvedRecipe

Found = Callable[..., list[str]]

GOOD = """\
stylepipe: 1
name: test
params: {radius: 2.0, passes: 3, sizes: [1, 2], who: me, on: true, any: null, deep: {inner: 1}}
inputs:
  photo: {image: photo.png}
  region: {mask: region.png}
stages:
  soft: {use: soften, image: $photo}
output: $soft
"""


def cases() -> Iterator[tuple[str, str, list[str]]]:
    text = (Path(__file__).parent / "bad_recipes.txt").read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        out, into = ("".join(f"{line[2:]}\n" for line in lines if line.startswith(sign)) for sign in ("- ", "+ "))
        if lines:
            yield out, into, [f"recipe.yaml:{line}" for line in lines if not line.startswith(("- ", "+ "))]


def change(out: str, into: str) -> str:
    """The good recipe with one thing changed; whole lines where they are taken out whole, else a part of a line."""
    if out not in GOOD:
        out, into = out.rstrip("\n"), into.rstrip("\n")
    assert GOOD.count(out) == 1
    return GOOD.replace(out, into)


def test_the_good_recipe_is_good(load: Callable[..., ResolvedRecipe]) -> None:
    assert load(GOOD).warnings == ()


CASES = list(cases())


@pytest.mark.parametrize(
    ("out", "into", "messages"), CASES, ids=[into.strip() or f"no {out.strip()}" for out, into, _ in CASES]
)
def test_message(problems: Found, out: str, into: str, messages: list[str]) -> None:
    assert problems(change(out, into)) == messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "recipe.yaml: The file holds no recipe. 'stylepipe init' writes one to start from."),
        ("# nothing here\n", "recipe.yaml: The file holds no recipe. 'stylepipe init' writes one to start from."),
        ("- stylepipe: 1\n", "recipe.yaml:1:1: The file holds […]; expected a mapping."),
        ("just text\n", "recipe.yaml:1:1: The file holds 'just text'; expected a mapping."),
        ("name: te\x07st\n", "recipe.yaml:1:9: The character U+0007 may not stand in a recipe."),
        (
            f"a: {'[' * 70}",
            "recipe.yaml:1:67: Lists and mappings are nested more than 64 deep, the most that is read.",
        ),
        (
            f"{'k' * 101}: 1\n",
            "recipe.yaml:1:1: The key 'kkkkkkkkkkkkkkkkkkkk…' has 101 characters; at most 100 are read.",
        ),
        (
            GOOD.replace("name: test", f"name: test\nseed: {'9' * 200}"),
            "recipe.yaml:3:7: The number 99999999999999999999… has 200 characters; at most 100 are read."
            " Write it in quotes if it is text.",
        ),
        (
            GOOD.replace(
                "{use: soften, image: $photo}", "{use: paint, content: $photo, styles: [" + "$photo, " * 10_000 + "]}"
            ),
            "recipe.yaml:8:79688: The file holds more than 10000 keys and values, the most that are read.",
        ),
        (
            GOOD.replace("[1, 2]", f"[{'1, ' * 2000}]").replace("soften,", "soften, foreach: $params.sizes,"),
            "recipe.yaml:8:32: stages.soft.foreach[1] is 1, which is in the list already.",
        ),
    ],
    ids=["nothing", "a comment", "a list", "text", "control", "nested", "long key", "long number", "many values", "doubles"],
)
def test_message_about_the_whole_text(problems: Found, text: str, message: str) -> None:
    assert problems(text)[0] == message


def test_all_problems_come_at_once_in_the_order_of_their_places(problems: Found) -> None:
    text = """\
stylepipe: 1
name: test
name: again
seed: -1
inputs:
  photo: {image: ../photo.png}
  region: {mask: region.png}
stages:
  soft: {use: sofen, image: $photo}
  cut: {use: cutout, image: $soft, mask: $regoin, feather: $params.fether}
  softer: {use: soften, image: $region, radius: big}
output: $cot
"""
    assert problems(text, radius="3") == [
        "-p radius: The recipe has no param 'radius'.",
        "recipe.yaml:3:1: The key 'name' stands twice; it is first at line 2. Remove one of the two.",
        "recipe.yaml:4:7: seed is -1; expected a whole number from 0 to 4294967295 or a reference.",
        "recipe.yaml:6:18: inputs.photo.image cannot be '../photo.png': it leaves the recipe's folder. Make it a param,"
        " '{image: $params.photo}', and give it on the command line: -p photo=PATH.",
        "recipe.yaml:9:15: There is no stage 'sofen'. Did you mean 'soften'?",
        "recipe.yaml:10:42: stages.cut.mask: there is no input or stage $regoin. Did you mean 'region'?",
        "recipe.yaml:10:60: stages.cut.feather: there is no $params.fether.",
        "recipe.yaml:11:32: stages.softer.image is $region, a mask; expected an image. Possible: $cut.",
        "recipe.yaml:11:49: stages.softer.radius is 'big'; expected a number from 0 to 100.",
        "recipe.yaml:12:9: output: there is no input or stage $cot. Did you mean 'cut'?",
    ]


def test_only_so_many_problems_are_listed(problems: Found) -> None:
    text = (
        GOOD.replace("output: $soft\n", "") + "outputs: {" + ", ".join(f"a{number}: $nothing" for number in range(500)) + "}\n"
    )
    found = problems(text)
    assert len(found) == 101
    assert found[-1] == "These are the first 100 problems; there may be more."
