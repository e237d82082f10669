"""`extends`: what is merged and where things then stand; what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stylepipe.errors import RecipeError
from stylepipe.recipe.extends import MAX_FILES, read_recipe
from stylepipe.recipe.resolved import ResolvedRecipe

BASE = """\
stylepipe: 1
name: base
params: {sizes: [1, 2, 3], radius: 2.0}
inputs:
  photo: {image: photo.png}
stages:
  soft: {use: soften, image: $photo, radius: $params.radius}
  softer: {use: soften, image: $soft, radius: 5}
output: $softer
"""

CHANGE = """\
extends: base.yaml
name: change
params: {sizes: [4]}
stages:
  softer: {radius: 7, wrap: true}
  added: {use: soften, image: $softer}
output: $added
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def refusal(path: str) -> str:
    with pytest.raises(RecipeError) as caught:
        read_recipe(Path(path))
    return str(caught.value)


def test_mappings_are_merged_and_lists_replaced(folder: Path, load: Callable[..., ResolvedRecipe]) -> None:
    recipe = load(CHANGE)
    assert recipe.name == "change"
    assert recipe.params == {"sizes": [4], "radius": 2.0}
    assert list(recipe.stages) == ["soft", "softer", "added"]
    assert recipe.stages["softer"].params.model_dump(include={"radius", "wrap"}) == {"radius": 7.0, "wrap": True}
    assert recipe.outputs == {"added": "added"}
    assert recipe.text == CHANGE


def test_places_are_in_the_file_that_says_a_thing(folder: Path) -> None:
    (folder / "change.yaml").write_text(CHANGE)
    source = read_recipe(Path("change.yaml")).source
    expected = {
        ("name",): "change.yaml:2:7",
        ("stages", "soft", "radius"): "base.yaml:7:46",
        ("stages", "softer", "radius"): "change.yaml:5:20",
        ("stages", "softer", "image"): "base.yaml:8:32",
        ("params", "sizes", 0): "change.yaml:3:18",
    }
    assert {path: str(source.values[path]) for path in expected} == expected
    assert ("params", "sizes", 1) not in source.values


def test_problems_are_reported_in_both_files(folder: Path, problems: Callable[..., list[str]]) -> None:
    (folder / "base.yaml").write_text(
        BASE.replace("radius: 5", "radius: 500").replace("use: soften, image: $photo", "use: soften")
    )
    assert problems(CHANGE.replace("radius: 7, ", "").replace("wrap: true", "wrap: 3")) == [
        "base.yaml:7:3: stages.soft.image is missing; expected an image. Possible: $photo, $softer, $added.",
        "base.yaml:8:47: stages.softer.radius is 500; expected a number from 0 to 100.",
        "recipe.yaml:5:18: stages.softer.wrap is 3; expected true or false.",
    ]


def test_null_takes_away(folder: Path, load: Callable[..., ResolvedRecipe]) -> None:
    recipe = load("extends: base.yaml\noutput: null\noutputs: {first: $soft}\n")
    assert recipe.outputs == {"first": "soft"}


def test_a_chain_starts_from_the_first_recipes_folder(folder: Path) -> None:
    (folder / "looks").mkdir()
    (folder / "looks" / "middle.yaml").write_text("extends: base.yaml\nname: middle\n")
    (folder / "first.yaml").write_text("extends: looks/middle.yaml\nseed: 3\n")
    source = read_recipe(folder / "first.yaml").source
    assert (source.data["name"], source.data["seed"], source.data["output"]) == ("middle", 3, "$softer")
    assert source.values["name",].file == str(folder / "looks/middle.yaml")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("bse.yaml", "first.yaml:1:10: There is no file bse.yaml."),
        ("../base.yaml", "first.yaml:1:10: extends cannot be '../base.yaml': it leaves the recipe's folder."),
        (
            "/etc/passwd",
            "first.yaml:1:10: extends cannot be '/etc/passwd': it is absolute; paths start from the recipe's folder.",
        ),
        ("'C:base.yaml'", "first.yaml:1:10: extends cannot be 'C:base.yaml': it names a drive."),
        (
            r"looks\base.yaml",
            r"first.yaml:1:10: extends cannot be 'looks\\base.yaml': it holds a backslash; folders are separated by /.",
        ),
        ("''", "first.yaml:1:10: extends cannot be '': it is empty."),
        ('"a\\0b"', r"first.yaml:1:10: extends cannot be 'a\x00b': it holds a control character."),
        ("3", "first.yaml:1:10: extends cannot be 3: expected the path of a recipe."),
        ("[base.yaml]", "first.yaml:1:10: extends cannot be ['base.yaml']: expected the path of a recipe."),
        ("first.yaml", "first.yaml:1:10: extends forms a cycle: first.yaml → first.yaml."),
        ("looks", "first.yaml:1:10: looks is a folder; expected a recipe."),
        ("outside.yaml", "first.yaml:1:10: extends cannot be 'outside.yaml': it is a link out of the recipe's folder."),
        (
            "looks/up/base.yaml",
            "first.yaml:1:10: extends cannot be 'looks/up/base.yaml': it is a link out of the recipe's folder.",
        ),
        ("loop.yaml", "first.yaml:1:10: loop.yaml cannot be read: Too many levels of symbolic links."),
        ("broken.yaml", "broken.yaml:1:5: This is not valid YAML: a value is missing here. Check quotes, brackets and commas."),
        (
            "newer.yaml",
            "newer.yaml:1:12: The recipe is written in version 3 of the language; this stylepipe reads version 1."
            " Install a newer stylepipe.",
        ),
        ("list.yaml", "list.yaml:1:1: The file holds [1]; expected a mapping."),
        ("x" * 300, "first.yaml:1:10: " + "x" * 300 + " cannot be read: File name too long."),
    ],
)
def test_what_cannot_be_extended(folder: Path, reference: str, message: str) -> None:
    (folder / "looks").mkdir()
    (folder / "looks" / "up").symlink_to(folder.parent)
    (folder / "outside.yaml").symlink_to("/etc/passwd")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "broken.yaml").write_text("a: [")
    (folder / "newer.yaml").write_text("stylepipe: 3\nsomething: new\n")
    (folder / "list.yaml").write_text("[1]")
    (folder / "first.yaml").write_text(f"extends: {reference}\n")
    assert refusal("first.yaml") == message


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("base.yaml")
    (folder / "first.yaml").write_text("extends: link.yaml\n")
    assert read_recipe(Path("first.yaml")).source.data["name"] == "base"


def test_a_cycle_over_several_files(folder: Path) -> None:
    (folder / "a.yaml").write_text("extends: b.yaml\n")
    (folder / "b.yaml").write_text("name: b\nextends: a.yaml\n")
    assert refusal("a.yaml") == "b.yaml:2:10: extends forms a cycle: a.yaml → b.yaml → a.yaml."


def test_chains_are_bounded(folder: Path) -> None:
    for number in range(MAX_FILES):
        (folder / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    (folder / f"{MAX_FILES}.yaml").write_text("name: last\n")
    assert read_recipe(folder / "1.yaml").source.data["name"] == "last"
    assert refusal("0.yaml").startswith("7.yaml:1:10: extends goes over more than 8 files: 0.yaml → 1.yaml → 2.yaml")
