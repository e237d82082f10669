"""Loading a recipe with its sweep: names, what the command line changes, and what is wrong with variants."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylepipe.errors import RecipeError
from stylepipe.recipe.load_variants import ResolvedSweep, load_sweep
from stylepipe.recipe.syntax.scalars import dump

RECIPE = """\
stylepipe: 1
name: test
seed: $params.seed
params: {radius: 2.0, passes: 3, sizes: [1, 2], who: a/me.png, cost: $$5, table: {a: 0}, on: true, any: null, seed: 0}
inputs:
  photo: {image: $params.who}
stages:
  soft: {use: soften, image: $photo, radius: $params.radius, passes: $params.passes}
output: $soft
"""


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ResolvedSweep]:
    monkeypatch.chdir(tmp_path)

    def load(sweep: str = "", *, most: int = 256, **overrides: str) -> ResolvedSweep:
        Path("recipe.yaml").write_text(RECIPE + (f"sweep: {sweep}\n" if sweep else ""), encoding="utf-8")
        return load_sweep(Path("recipe.yaml"), overrides=overrides, max_variants=most)

    return load


def names(sweep: ResolvedSweep) -> list[str]:
    return [variant.name for variant in sweep.variants]


def test_variants_are_recipes_with_other_params(swept):
    sweep = swept("{grid: {radius: [1, 4.5], passes: [1, 2]}}", seed="7")
    assert names(sweep) == [f"radius={radius}_passes={passes}" for radius in (1, 4.5) for passes in (1, 2)]
    assert sweep.axes == {"radius": [1, 4.5], "passes": [1, 2]}
    variant = sweep.variants[2]
    assert variant.values == {"radius": 4.5, "passes": 1}
    assert variant.recipe.params == {**sweep.base.params, "radius": 4.5, "passes": 1}
    assert variant.recipe.stages["soft"].params.model_dump()["radius"] == 4.5
    assert variant.recipe.document["params"]["radius"] == 4.5
    assert (variant.recipe.seed, sweep.base.seed) == (7, 7)
    assert sweep.base.stages["soft"].params.model_dump()["radius"] == 2.0


def test_a_seed_can_be_swept(swept):
    assert [variant.recipe.seed for variant in swept("{grid: {seed: [3, 1]}}").variants] == [3, 1]


def test_the_seed_is_an_axis_without_a_param_of_its_name(swept, monkeypatch):
    monkeypatch.setattr(f"{__name__}.RECIPE", RECIPE.replace("seed: $params.seed\n", "").replace(", seed: 0", ""))
    sweep = swept(seed="[1, 2]")
    assert [variant.recipe.seed for variant in sweep.variants] == [1, 2]
    assert names(sweep) == ["seed=1", "seed=2"]
    Path("again.yaml").write_text(dump(sweep.document))
    assert [variant.recipe.seed for variant in load_sweep(Path("again.yaml")).variants] == [1, 2]


def test_lists_on_the_command_line_are_axes_where_the_param_is_no_list(swept):
    assert names(swept(passes="[1, 2]")) == ["passes=1", "passes=2"]
    assert names(swept(on="[true, false]")) == ["on=true", "on=false"]
    assert names(swept(sizes="[[1], [2, 3]]")) == ["sizes=1", "sizes=2-3"]
    assert names(swept(sizes="[7]", passes="[1, 2]")) == ["passes=1", "passes=2"]
    sweep = swept(who="[../x.png, /y.png]")
    assert [variant.recipe.inputs["photo"].confined for variant in sweep.variants] == [False, False]
    assert names(sweep) == ["who=x.png", "who=y.png"]


def test_a_pattern_stands_for_files(swept, tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/two.jpg", "a/one.jpg", "a/three.png", "a/.hidden.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "a" / "folder.jpg").mkdir()
    assert swept("{grid: {who: [a/*.jpg]}}").axes == {"who": ["a/one.jpg", "a/two.jpg"]}
    assert swept("{zip: {who: [x.png, a/*.jpg], passes: [1, 2, 3]}}").axes["who"] == ["x.png", "a/one.jpg", "a/two.jpg"]
    typed = swept(who=f"[{tmp_path}/a/*.png, a/t*]")
    assert typed.axes == {"who": [f"{tmp_path}/a/three.png", "a/three.png", "a/two.jpg"]}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a/*.bmp", "there is no folder '{}/a'"),
        ("../*.jpg", "it leaves the recipe's folder"),
        ("/*", "it is absolute; paths start from the recipe's folder"),
    ],
)
def test_a_pattern_that_stands_for_nothing_is_reported(swept, pattern, reason):
    with pytest.raises(RecipeError) as found:
        swept(f"{{grid: {{who: [b.png, '{pattern}']}}}}")
    (problem,) = found.value.problems
    assert problem.message == f"'{pattern}' stands for no file: {reason.format(Path.cwd())}."
    assert str(problem.place) == "recipe.yaml:10:29"


def test_a_pattern_on_the_command_line_that_stands_for_nothing_is_reported(swept):
    with pytest.raises(RecipeError, match=r"-p who: 'a/\*' stands for no file: there is no folder '.*/a'\."):
        swept(who="[a/*]")


def test_the_command_line_stands_in_place_of_what_the_sweep_says(swept):
    sweep = "{grid: {radius: [1, 2]}, zip: {passes: [1, 2], seed: [5, 6]}, include: [{radius: 9, cost: x}, {passes: 7}]}"
    assert [dict(variant.values) for variant in swept(sweep, radius="3", passes="[4, 5]").variants] == [
        {"seed": 5, "passes": 4},
        {"seed": 5, "passes": 5},
        {"seed": 6, "passes": 4},
        {"seed": 6, "passes": 5},
        {"cost": "x"},
    ]
    random = "{random: {samples: 3, ranges: {radius: {low: 1, high: 2}, passes: {low: 1, high: 8}}}}"
    assert swept(random, radius="[1, 2]").axes["radius"] == [1, 2]


def test_names_from_a_template(swept):
    sweep = swept('{grid: {radius: [1, 2.5], who: [a/x.png, "b c.png"]}, name: "r${params.radius} ${params.who}: $$"}')
    assert names(sweep) == ["r1_x.png", "r1_b_c.png", "r2.5_x.png", "r2.5_b_c.png"]


def test_files_of_one_name_are_told_apart(swept):
    assert names(swept("{grid: {who: [a/x.png, b/x.png]}}")) == ["who=a_x.png", "who=b_x.png"]
    assert names(swept('{grid: {who: [x.png, a/x.png]}, name: "on ${params.who}"}')) == ["on_x.png", "on_a_x.png"]
    assert names(swept(who="[/mnt/one/x.png, ../x.png]")) == ["who=x.png", "who=x-2.png"]


def test_a_pattern_in_a_text_that_is_no_path_is_a_text(swept):
    assert swept(cost="['a*', b]").axes == {"cost": ["a*", "b"]}


def test_a_folder_in_a_list_stands_for_its_pictures(swept, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a").mkdir()
    for name in ("a/10.jpg", "a/9.JPG", "a/notes.txt", "a/.hidden.png"):
        (tmp_path / name).touch()
    assert swept("{grid: {who: [a]}}").axes == {"who": ["a/9.JPG", "a/10.jpg"]}
    assert swept(who="[a]").axes == {"who": ["a/9.JPG", "a/10.jpg"]}
    assert swept(who="['~/a', x.png]").axes == {"who": [f"{tmp_path}/a/9.JPG", f"{tmp_path}/a/10.jpg", "x.png"]}


def test_variants_that_have_no_short_names_of_their_own_are_numbered(swept):
    assert names(swept("{grid: {cost: [A, a]}}")) == ["variant-01", "variant-02"]
    assert names(swept(f"{{grid: {{cost: [{'a' * 90}, b]}}}}")) == ["variant-01", "variant-02"]
    assert names(swept("{include: [{passes: 1}]}")) == ["variant-01"]


@pytest.mark.parametrize("name", ["", ', name: "n${params.radius}-${params.cost}"'])
def test_the_document_is_a_recipe_of_the_same_variants(swept, name):
    random = "random: {samples: 3, ranges: {radius: {low: 1, high: 2}}}"
    sweep = swept(f'{{{random}, grid: {{cost: [$$1, "2"]}}, exclude: [{{cost: $$1, radius: 9}}]{name}}}', passes="2")
    assert sweep.axes["cost"] == ["$1", "2"]
    Path("again.yaml").write_text(dump(sweep.document))
    again = load_sweep(Path("again.yaml"))
    assert names(again) == names(sweep)
    assert [variant.recipe.params for variant in again.variants] == [variant.recipe.params for variant in sweep.variants]


@pytest.mark.parametrize(
    ("sweep", "overrides", "messages"),
    [
        ("", {}, ["recipe.yaml:1:1: The recipe has no sweep. Give a param several values: -p size='[256, 512]'."]),
        (
            "{grid: {passes: [1, 2]}, exclude: [{radius: 2}]}",
            {},
            ["recipe.yaml:10:1: The sweep excludes all of its variants."],
        ),
        (
            "{grid: {passes: [1, 2, 3], radius: [1, 2]}, random: {samples: 1000000000, ranges: {seed: {low: 0, high: 9}}}}",
            {},
            ["recipe.yaml:10:1: The sweep has 6000000000 variants. At most 5 are allowed; --max-variants allows more."],
        ),
        (
            "{grid: {passes: [0, 2, 99], radius: [1, -1]}}",
            {"most": 6},
            [
                "recipe.yaml:8:46: Variant 'passes=0_radius=-1': stages.soft.radius is -1 (from $params.radius);"
                " expected a number from 0 to 100.",
                "recipe.yaml:8:46: Variant 'passes=2_radius=-1': stages.soft.radius is -1 (from $params.radius);"
                " expected a number from 0 to 100.",
                "recipe.yaml:8:46: Variant 'passes=99_radius=-1': stages.soft.radius is -1 (from $params.radius);"
                " expected a number from 0 to 100.",
                "recipe.yaml:8:70: Variant 'passes=0_radius=1': stages.soft.passes is 0 (from $params.passes);"
                " expected a whole number from 1 to 8.",
                "recipe.yaml:8:70: Variant 'passes=0_radius=-1': stages.soft.passes is 0 (from $params.passes);"
                " expected a whole number from 1 to 8.",
                "recipe.yaml:8:70: Variant 'passes=99_radius=1': stages.soft.passes is 99 (from $params.passes);"
                " expected a whole number from 1 to 8.",
                "recipe.yaml:8:70: Variant 'passes=99_radius=-1': stages.soft.passes is 99 (from $params.passes);"
                " expected a whole number from 1 to 8.",
            ],
        ),
        (
            "{grid: {who: [a.png, ../b.png]}}",
            {},
            [
                "recipe.yaml:6:18: Variant 'who=b.png': inputs.photo.image cannot be '../b.png' (from $params.who):"
                " it leaves the recipe's folder. Give a file from elsewhere on the command line: -p who=PATH."
            ],
        ),
        (
            '{grid: {passes: [1, 2]}, name: "p${params.radius}"}',
            {},
            ["recipe.yaml:10:39: sweep.name gives several variants the name 'p2.0'. Refer to each param that varies."],
        ),
        (
            "{grid: {passes: [1, 2]}, name: $params.passes}",
            {},
            ["recipe.yaml:10:39: sweep.name gives the name '1'; names begin with a letter and have at most 80 characters."],
        ),
        (
            '{grid: {table: [{a: 1}, {b: 2}]}, name: "t${params.table.a}"}',
            {},
            ["recipe.yaml:10:48: sweep.name: $params.table has no 'a'. Known: b."],
        ),
        (
            "{grid: {pases: [1]}}",
            {"radius": "[1, a]", "passes": "[]", "nothing": "[1]", "who": "[1]", "cost": "[a"},
            [
                "-p cost:1:1: This is not valid YAML: the bracket that opens here is not closed, or a comma is missing in it.",
                "-p nothing: The recipe has no param 'nothing'. Known: any, cost, on, passes, radius, seed, sizes, table, who.",
                "-p passes: passes is []; expected at least one value.",
                "-p radius: radius[1] is 'a'; expected a number, as its default is.",
                "-p who: who[0] is 1; expected text, as its default is.",
                "recipe.yaml:10:16: The recipe has no param 'pases'. Did you mean 'passes'?",
            ],
        ),
    ],
)
def test_messages(swept, sweep: str, overrides: dict, messages: list[str]):
    with pytest.raises(RecipeError) as caught:
        swept(sweep, **{"most": 5, **overrides})
    assert str(caught.value).splitlines() == messages


NUMBERS = st.one_of(st.integers(-3, 9), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(NUMBERS, st.booleans(), st.none(), st.text("ab/$.{}", max_size=4), st.lists(st.integers(0, 2), max_size=2))
PARAMS = st.sampled_from(["radius", "passes", "sizes", "who", "cost", "on", "any", "seed", "table", "no"])
AXES = st.dictionaries(PARAMS, st.lists(VALUES, min_size=1, max_size=3), max_size=2)
SETS = st.lists(st.dictionaries(PARAMS, VALUES, max_size=2), max_size=2)
RANGE = st.fixed_dictionaries({"low": NUMBERS, "high": NUMBERS, "scale": st.sampled_from(["linear", "log"])})
RANDOM = st.fixed_dictionaries({"samples": st.integers(0, 4), "ranges": st.dictionaries(PARAMS, RANGE, max_size=2)})
SWEEPS = st.fixed_dictionaries(
    {},
    optional={
        **{"grid": AXES, "zip": AXES, "random": RANDOM, "include": SETS, "exclude": SETS},
        "name": st.sampled_from(["n", "${params.radius}", "v${params.who}${params.table.a}", "$params.cost", "$"]),
    },
)


@given(SWEEPS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sweep_is_expanded_or_refused(swept, sweep):
    try:
        found = swept("\n  " + dump(sweep).replace("\n", "\n  "), most=100)
    except RecipeError as error:
        assert all(problem.place for problem in error.problems)
    else:
        assert 0 < len(found.variants) <= 100
        assert len(set(names(found))) == len(found.variants)
