"""Values given on the command line: typed by the defaults; and the sections of a sweep."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stylepipe.recipe.params.overrides import same_type
from stylepipe.recipe.resolved import ResolvedRecipe

RECIPE = """\
stylepipe: 1
name: test
params:
  whole: 3
  real: 2.0
  text: me
  note: me
  flag: false
  any: null
  wholes: [1, 2]
  reals: [1.0]
  mixed: [1, auto]
  empty: []
  table: {a: 1}
  photo: photo.png
inputs:
  photo: {image: $params.photo}
  style: {image: "${params.text}.png"}
stages:
  soft: {use: soften, image: $photo, radius: $params.real}
output: $soft
"""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("whole", "5", 5),
        ("whole", "0x10", 16),
        ("real", "5", 5),
        ("real", "1e-1", 0.1),
        ("note", "you", "you"),
        ("note", "5", "5"),
        ("note", "null", "null"),
        ("note", "'5'", "5"),
        ("note", '"a\\tb"', "a\tb"),
        ("note", "a: b # c", "a: b # c"),
        ("note", "$HOME/[1].png", "$HOME/[1].png"),
        ("note", "", ""),
        ("flag", "true", True),
        ("any", "[1, a]", [1, "a"]),
        ("any", "null", None),
        ("wholes", "[7]", [7]),
        ("wholes", "[]", []),
        ("reals", "[1, 2.5]", [1, 2.5]),
        ("mixed", "[auto, 2]", ["auto", 2]),
        ("empty", "[1, [a]]", [1, ["a"]]),
        ("table", "{b: x}", {"b": "x"}),
    ],
)
def test_values(load: Callable[..., ResolvedRecipe], name: str, text: str, value: object) -> None:
    changed = load(RECIPE, **{name: text}).params
    assert (changed[name], type(changed[name])) == (value, type(value))
    assert {key: changed[key] for key in changed if key != name} == {
        key: default for key, default in load(RECIPE).params.items() if key != name
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "whole",
            "5.5",
            "-p whole: whole is 5.5; expected a whole number, as its default is. Write the default as 3.0 to allow fractions.",
        ),
        ("whole", "5.0", "-p whole: whole is 5.0; expected a whole number, as its default is. Write 5."),
        ("whole", "true", "-p whole: whole is true; expected a whole number, as its default is."),
        ("whole", "", "-p whole: whole is null; expected a whole number, as its default is."),
        ("real", "fast", "-p real: real is 'fast'; expected a number, as its default is."),
        ("real", ".nan", "-p real:1:1: The number .nan is not finite. Write it in quotes if it is text."),
        ("flag", "yes", "-p flag: flag is 'yes'; expected true or false, as its default is."),
        ("flag", "1", "-p flag: flag is 1; expected true or false, as its default is."),
        ("wholes", "3", "-p wholes: wholes is 3; expected a list of whole numbers, as its default is."),
        ("wholes", "[1, 2.5]", "-p wholes: wholes is [1, 2.5]; expected a list of whole numbers, as its default is."),
        (
            "wholes",
            "[1, 2",
            "-p wholes:1:1: This is not valid YAML: the bracket that opens here is not closed, or a comma is missing in it.",
        ),
        ("reals", "[a]", "-p reals: reals is ['a']; expected a list of numbers, as its default is."),
        ("mixed", "[1.5]", "-p mixed: mixed is [1.5]; expected a list like it, as its default is."),
        ("table", "[1]", "-p table: table is [1]; expected a mapping, as its default is."),
        ("any", "!!int 3", "-p any:1:1: The tag !!int is not part of the language. Write the value without it."),
        ("any", "[" * 99, "-p any:1:65: Lists and mappings are nested more than 64 deep, the most that is read."),
        ("note", "'open", "-p note:1:1: This is not valid YAML: the quote that opens here is never closed."),
        ("note", "\udcff", "-p note: The value is larger than 1 MB, or not UTF-8 text."),
        ("any", "x" * 1_000_001, "-p any: The value is larger than 1 MB, or not UTF-8 text."),
        ("wole", "5", "-p wole: The recipe has no param 'wole'. Did you mean 'whole'?"),
        ("style", "x.png", "-p style: The recipe has no param 'style'. Did you mean 'table'?"),
        ("real", "-1", "recipe.yaml:20:46: stages.soft.radius is -1 (from $params.real); expected a number from 0 to 100."),
    ],
)
def test_refused_values(problems: Callable[..., list[str]], name: str, text: str, message: str) -> None:
    assert problems(RECIPE, **{name: text}) == [message]


def test_all_wrong_values_are_reported(problems: Callable[..., list[str]]) -> None:
    assert [line.partition(":")[0] for line in problems(RECIPE, whole="a", flag="b", none="c")] == [
        "-p flag",
        "-p none",
        "-p whole",
    ]


@pytest.mark.parametrize(
    ("value", "default", "fits"),
    [
        (1, 1.0, True),
        (1.0, 1, False),
        (True, 1, False),
        (1, True, False),
        (True, 1.0, False),
        ("a", 1, False),
        (None, 1, False),
        ({}, [], False),
        ([[1]], [[2, 3]], True),
        ([["a"]], [[2, 3]], False),
        ([1, "a"], ["b", 2], True),
        ([None], [1], False),
        ([{"a": 1}], [{"b": "x"}], True),
    ],
)
def test_same_type(value: object, default: object, fits: bool) -> None:
    assert same_type(value, default) == fits


def test_a_path_from_the_command_line_starts_from_the_current_folder(
    load: Callable[..., ResolvedRecipe], tmp_path: Path
) -> None:
    ours = load(RECIPE).inputs["photo"]
    assert (ours.reference, ours.root, ours.confined) == ("photo.png", Path(), True)
    for reference in ("/elsewhere/photo.png", "../photo.png", r"C:\photo.png"):
        theirs = load(RECIPE, photo=reference).inputs["photo"]
        assert (theirs.root / theirs.reference, theirs.confined) == (tmp_path / reference, False)


def test_a_path_from_the_command_line_may_start_from_the_users_folder(
    load: Callable[..., ResolvedRecipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert load(RECIPE, photo="~/photo.png").inputs["photo"].reference == "/home/me/photo.png"
    assert load(RECIPE, photo="photo~/a.png").inputs["photo"].reference == "photo~/a.png"


@pytest.mark.parametrize("reference", ["~/photo.png", "~me/photos/x.png"])
def test_a_home_folder_in_a_recipe_is_refused(problems: Callable[..., list[str]], reference: str) -> None:
    (problem,) = problems(RECIPE.replace("photo: photo.png", f"photo: {reference}"))
    assert "it starts from a home folder; paths start from the recipe's folder." in problem
    assert problem.endswith("Give a file from elsewhere on the command line: -p photo=PATH.")


def test_a_path_that_is_only_in_part_from_the_command_line_stays_in_the_folder(problems: Callable[..., list[str]]) -> None:
    assert problems(RECIPE, text="../photo") == [
        "recipe.yaml:18:18: inputs.style.image cannot be '../photo.png': it leaves the recipe's folder."
        " Make it a param, '{image: $params.style}', and give it on the command line: -p style=PATH."
    ]
    assert problems(RECIPE, photo="") == [
        "recipe.yaml:17:18: inputs.photo.image cannot be '' (from $params.photo): it is empty."
    ]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("{grid: {real: [1, 2.5, high]}}", "22:31: sweep.grid.real[2] is 'high'; expected a number, as its default is."),
        ("{zip: {wole: [1]}}", "22:15: The recipe has no param 'wole'. Did you mean 'whole'?"),
        ("{include: [{whole: a}]}", "22:27: sweep.include[0].whole is 'a'; expected a whole number, as its default is."),
        ("{exclude: [{wole: 1}]}", "22:20: The recipe has no param 'wole'. Did you mean 'whole'?"),
        ("{name: '${real}'}", "22:15: sweep.name: there is no $real. Did you mean '$params.real'?"),
        (
            "{name: 'a $b'}",
            "22:15: sweep.name: in 'a $b' a '$' begins no reference."
            " Write $name for a value, ${name} for one inside a text, $$ for a dollar sign.",
        ),
        ("[real]", "22:8: sweep is ['real']; expected a mapping."),
        ("{grid: {real: 1}}", "22:22: sweep.grid.real is 1; expected a list of at least 1 value."),
    ],
)
def test_sweeps(problems: Callable[..., list[str]], sweep: str, message: str) -> None:
    assert problems(f"{RECIPE}sweep: {sweep}\n") == [f"recipe.yaml:{message}"]


def test_the_seed_is_set_where_no_param_is_called_so(load: Callable[..., ResolvedRecipe], problems: Callable[..., list[str]]):
    assert load(RECIPE).seed == 0
    recipe = load(RECIPE, seed="7")
    assert (recipe.seed, recipe.document["seed"], recipe.document["params"]["seed"]) == (7, "$params.seed", 7)
    assert load("seed: 3\n" + RECIPE, seed="4").seed == 4
    assert load("seed: $params.whole\n" + RECIPE, whole="5").seed == 5
    assert load(RECIPE.replace("whole: 3", "seed: 3"), seed="9").seed == 0  # that is a param of the recipe's own
    assert problems(RECIPE, seed="x") == ["-p seed: seed is 'x'; expected a whole number, as its default is."]
    (problem,) = problems(RECIPE, seed="-1")
    assert "seed is -1 (from $params.seed); expected a whole number from 0 to 4294967295" in problem
    (problem,) = problems("seed: $params.whole\n" + RECIPE, seed="1")
    assert problem.startswith("-p seed: The recipe has no param 'seed'.")
