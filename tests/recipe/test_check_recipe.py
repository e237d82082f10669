"""What a good recipe comes to: nodes, their inputs and parameters, outputs, warnings; and the resolved recipe as a recipe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylepipe.recipe.expand import MAX_NODES
from stylepipe.recipe.resolved import WEIGHTS_ENDINGS, ResolvedRecipe
from stylepipe.recipe.syntax.scalars import dump

Load = Callable[..., ResolvedRecipe]

EVERYTHING = (Path(__file__).parent / "recipes" / "everything.yaml").read_text(encoding="utf-8")

SMALL = """\
stylepipe: 1
name: small
inputs: {photo: {image: photo.png}, region: {mask: region.png}, net: {weights: vgg19-slim}}
stages:
  a: {use: soften, image: $photo}
output: $a
"""


def stages(text: str) -> str:
    """The small recipe with other stages, of which the last is the output."""
    last = text.strip().splitlines()[-1].partition(":")[0].strip()
    return SMALL.replace("  a: {use: soften, image: $photo}\n", text).replace("$a", f"${last}")


def test_everything(load: Load) -> None:
    recipe = load(EVERYTHING)
    assert (recipe.name, recipe.seed, recipe.description) == ("everything", 7, "Costs $5, or nothing.")
    assert recipe.text == EVERYTHING
    assert {name: (file.kind, file.reference, file.is_name) for name, file in recipe.inputs.items()} == {
        "content": ("image", "assets/photo.png", False),
        "style": ("image", "assets/me$.png", False),
        "region": ("mask", "region.png", False),
        "net": ("weights", "vgg19-slim", True),
        "other": ("weights", "assets/other.safetensors", False),
    }
    common = {"content": "content", "styles": ("style", "content"), "extractor": "net", "masks": ("region",)}
    assert {name: dict(node.inputs) for name, node in recipe.stages.items()} == {
        "painted@192": common,
        "painted@384": {**common, "init": "painted@192"},
        "softened@0": {"image": "painted@384"},
        "softened@1": {"image": "painted@384"},
        "finished": {"image": "softened@1"},
        "edges": {"image": "painted@192"},
        "final": {"image": "finished", "mask": "edges"},
        "spare@a": {"image": "content"},
        "spare@0.1": {"image": "content"},
    }
    assert recipe.outputs == {"poster": "final", "draft": "painted@192", "soft": "softened@1"}
    assert recipe.warnings == (
        "recipe.yaml:35:3: no output needs softened@0; it does not run.",
        "recipe.yaml:41:3: no output needs spare@a, spare@0.1; they do not run.",
    )
    painted = recipe.stages["painted@384"]
    assert str(painted.place) == "recipe.yaml:21:3"
    assert painted.stage.name == "paint"
    assert painted.params.model_dump() == {
        "size": 384,
        "losses": ({"kind": "content", "layers": {"relu1_1": 1.0}}, {"kind": "gram", "weight": 100.0, "layers": {}}),
        "crop": None,
        "seeds": [],
        "first": 0.0,
        "last": 1.0,
        "extra": {"text": "384 of 100.0, $5", "looks": {"soft": {"radius": 1.5}, "hard": {"radius": 0}}},
    }
    assert [recipe.stages[name].params.radius for name in ("softened@0", "softened@1")] == [1.5, 3.0]
    assert recipe.stages["spare@0.1"].params.label == "item 0.1"


@pytest.mark.parametrize("ending", WEIGHTS_ENDINGS)
def test_weights_with_the_ending_of_a_file_are_one(load: Load, ending: str) -> None:
    recipe = load(SMALL.replace("vgg19-slim", f"net{ending}"))
    assert not recipe.inputs["net"].is_name


def test_stages_come_after_what_they_need_whatever_the_order_in_the_file(load: Load) -> None:
    recipe = load(stages("  z: {use: soften, image: $photo}\n  c: {use: soften, image: $a}\n  a: {use: soften, image: $z}\n"))
    assert list(recipe.stages) == ["z", "a", "c"]


def test_absent_optional_and_null_inputs_are_not_bound(load: Load) -> None:
    node = load(stages("  p: {use: paint, content: $photo, styles: [], init: null, masks: null}\n")).stages["p"]
    assert node.inputs == {"content": "photo", "styles": ()}
    assert node.needs == ("photo",)


def test_an_item_of_an_optional_list_may_be_the_previous_one(load: Load, problems: Callable[..., list[str]]) -> None:
    text = stages("  p: {use: paint, foreach: [1, 2], content: $photo, styles: [$photo, $previous]}\n")
    assert problems(text) == [
        "recipe.yaml:5:70: stages.p.styles[1] is $previous, null for the first item; expected an image. Possible: $photo."
    ]
    assert load(text.replace("[1, 2]", "[1]").replace(", $previous", "")).stages["p@1"].needs == ("photo", "photo")


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ("[192, 384]", ["192", "384"]),
        ("[0.5, 1e-5, -1]", ["0.5", "1e-05", "-1"]),
        ("[a, b_c, D.e-f+g]", ["a", "b_c", "D.e-f+g"]),
        ("[true, null]", ["true", "null"]),
        ("[[1], [1]]", ["0", "1"]),
        ("[{a: 1}, 5, x/y]", ["0", "1", "2"]),
    ],
)
def test_names_of_items(load: Load, items: str, names: list[str]) -> None:
    recipe = load(stages(f"  s: {{use: soften, foreach: {items}, image: $photo}}\n"))
    assert list(recipe.stages) == [f"s@{name}" for name in names]
    assert recipe.outputs == {"s": f"s@{names[-1]}"}


@pytest.mark.parametrize("reference", ["$s@1e-5", "$s@0.00001", "$s@1e-05"])
def test_items_are_found_by_any_spelling_of_their_value(load: Load, reference: str) -> None:
    recipe = load(
        stages(f"  s: {{use: soften, foreach: [1e-5, 2], image: $photo}}\n  t: {{use: soften, image: {reference}}}\n")
    )
    assert recipe.stages["t"].needs == ("s@1e-05",)


def test_previous_may_be_an_input_of_any_kind_that_fits(load: Load) -> None:
    text = stages("  s: {use: cutout, foreach: [1, 2], image: $photo, mask: $region, feather: $item}\n")
    assert [node.needs for node in load(text).stages.values()] == [("photo", "region")] * 2


def test_an_empty_section_is_none(load: Load) -> None:
    assert load(SMALL.replace("stages:", "params:\nsweep:\nstages:")).params == {}


def test_bounds(problems: Callable[..., list[str]], load: Load) -> None:
    def loop(count: int) -> str:
        return stages(f"  s: {{use: soften, foreach: [{', '.join(map(str, range(count)))}], image: $photo}}\n")

    assert len(load(loop(MAX_NODES)).stages) == MAX_NODES
    assert problems(loop(MAX_NODES + 1)) == [
        "recipe.yaml:5:3: With all items of foreach, the recipe has more than 1000 stages."
    ]


def test_a_stage_that_cannot_be_imported_is_a_problem_of_the_recipe(
    problems: Callable[..., list[str]], install_pack: Callable[..., Path]
) -> None:
    install_pack("faulty", {"faulty_one": "import no_such_module_at_all\n", "faulty_two": "x = 1\n"})
    text = stages("  a: {use: faulty_one}\n  b: {use: faulty_two}\n")
    assert problems(text) == [
        "recipe.yaml:5:12: The stage 'faulty_one' cannot be imported from 'faulty.faulty_one':"
        " ModuleNotFoundError: No module named 'no_such_module_at_all'.",
        "recipe.yaml:6:12: The module 'faulty.faulty_two' holds no stage of its own name."
        " It must define a function 'faulty_two' decorated with @stage.",
    ]


# --- the resolved recipe is a recipe -------------------------------------------------------------------------------------


def meaning(recipe: ResolvedRecipe) -> dict[str, Any]:
    """All of a recipe but how it was written."""
    return {
        "name": (recipe.name, recipe.description, recipe.seed, recipe.outputs),
        "inputs": {name: (file.kind, file.reference) for name, file in recipe.inputs.items()},
        "stages": [(node.name, node.stage.name, node.inputs, node.params) for node in recipe.stages.values()],
    }


def test_the_resolved_recipe_says_the_same(load: Load) -> None:
    recipe = load(EVERYTHING)
    again = load(dump(dict(recipe.document)))
    assert meaning(again) == meaning(recipe)
    assert again.document == recipe.document


def test_the_resolved_recipe_holds_no_folders_from_the_command_line(load: Load) -> None:
    for typed, expected in {
        "/home/me/pictures/photo.png": "photo.png",
        r"C:\me\photo.png": "photo.png",
        "../photo.png": "photo.png",
        "..": "content",
        "pictures/photo.png": "pictures/photo.png",
    }.items():
        recipe = load(EVERYTHING, photo=typed)
        assert recipe.document["params"]["photo"] == expected
        assert load(dump(dict(recipe.document))).inputs["content"].reference == expected


names = st.sampled_from(["a", "b", "c", "d", "e"])
values = st.sampled_from(
    [1, 2.5, "text", "$$", "cost $$5", True, None, [1, "$$"], {"x": ["${params.p}"]}, "$params.q", "<${params.p}>"]
)


@st.composite
def recipes(draw: st.DrawFn) -> str:
    """Recipes whose stages need inputs and any stages before them, with and without foreach."""
    before = ["photo"]
    blocks: dict[str, Any] = {}
    for name in draw(st.lists(names, min_size=1, unique=True)):
        reference = st.sampled_from(before).map("${}".format)
        block = {"use": "paint", "content": draw(reference), "styles": draw(st.lists(reference, max_size=3))}
        block["extra"] = draw(st.dictionaries(st.text(max_size=4), values, max_size=3))
        items = draw(
            st.none() | st.lists(st.sampled_from([1, 2.5, "x", [1], {"y": "$$"}]), min_size=1, max_size=3, unique_by=repr)
        )
        if items:
            block |= {"foreach": items, "init": "$previous", "extra": {**block["extra"], "item": "$item"}}
        blocks[name] = block
        before.append(name)
    document = {
        "stylepipe": 1,
        "name": "drawn",
        "params": {"p": "$$p", "q": {"r": [1, "$$"]}},
        "inputs": {"photo": {"image": "photo.png"}},
        "stages": dict(draw(st.permutations(list(blocks.items())))),
        "outputs": {"result": f"${draw(st.sampled_from(list(blocks)))}"},
    }
    return dump(document)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipes())
def test_every_resolved_recipe_says_the_same(load: Load, text: str) -> None:
    recipe = load(text)
    again = load(dump(dict(recipe.document)))
    assert meaning(again) == meaning(recipe)
    assert again.document == recipe.document
