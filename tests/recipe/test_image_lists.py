"""A list of images as one input: by a list, a folder or a pattern, in the recipe or on the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.load_variants import load_sweep
from stylepipe.recipe.resolved import ResolvedRecipe
from stylepipe.recipe.syntax.scalars import dump

RECIPE = """\
stylepipe: 1
name: test
params: {styles: [a.png, b.png], folder: pics}
inputs:
  photo: {image: photo.png}
  vgg: {weights: vgg19-slim}
  styles: {images: $params.styles}
  others: {images: $params.folder}
stages:
  painted: {use: paint, content: $photo, styles: STYLES, extractor: $vgg, losses: [{kind: content, layers: {relu1_1: 1}}]}
output: $painted
"""
ALL = RECIPE.replace("STYLES", "$styles")


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path) -> None:
    for name in ("pics/10.jpg", "pics/9.JPG", "pics/notes.txt", "elsewhere/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()


def styles(recipe: ResolvedRecipe) -> list[str]:
    bound = recipe.stages["painted"].inputs["styles"]
    return [recipe.inputs[name].reference for name in bound]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("$styles", ["a.png", "b.png"]),
        ("[$styles]", ["a.png", "b.png"]),
        ("[$photo, $styles, $others]", ["photo.png", "a.png", "b.png", "pics/9.JPG", "pics/10.jpg"]),
        ("[$styles-2]", ["b.png"]),
    ],
)
def test_a_stage_takes_all_of_them(load: Callable[..., ResolvedRecipe], written: str, expected: list[str]) -> None:
    assert styles(load(RECIPE.replace("STYLES", written))) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("[x.png, y.png, z.png]", ["x.png", "y.png", "z.png"]),
        ("one.png", ["one.png"]),
        ("pics", ["pics/9.JPG", "pics/10.jpg"]),
        ("pics/", ["pics/9.JPG", "pics/10.jpg"]),
        ("pics/1*.jpg", ["pics/10.jpg"]),
        ("[elsewhere, pics/*]", ["elsewhere/x.png", "pics/9.JPG", "pics/10.jpg"]),
        ("~/pics", ["{home}/pics/9.JPG", "{home}/pics/10.jpg"]),
    ],
)
def test_the_command_line_gives_others(
    load: Callable[..., ResolvedRecipe], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, expected: list[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    recipe = load(ALL, styles=typed)
    files = [path.format(home=tmp_path) for path in expected]
    assert styles(recipe) == recipe.params["styles"] == files
    assert not any(recipe.inputs[name].confined for name in recipe.stages["painted"].inputs["styles"])


def test_a_folder_in_the_place_of_a_default_folder(load: Callable[..., ResolvedRecipe]) -> None:
    recipe = load(RECIPE.replace("STYLES", "$others"), folder="elsewhere")
    assert styles(recipe) == ["elsewhere/x.png"]
    assert styles(load(RECIPE.replace("STYLES", "$others"), folder="[a.png, elsewhere]")) == ["a.png", "elsewhere/x.png"]


def test_the_document_keeps_the_list(load: Callable[..., ResolvedRecipe]) -> None:
    recipe = load(RECIPE.replace("STYLES", "[$photo, $styles]"), styles="[b.png, a.png]")
    assert recipe.document["params"]["styles"] == ["b.png", "a.png"]
    assert recipe.document["stages"]["painted"]["styles"] == ["$photo", "$styles"]
    again = load(dump(dict(recipe.document)))
    assert styles(again) == styles(recipe)
    assert again.document == recipe.document


def test_lists_can_be_swept(load: Callable[..., ResolvedRecipe]) -> None:
    load(ALL)
    sweep = load_sweep(Path("recipe.yaml"), overrides={"styles": "[[a.png], [b.png, c.png]]"})
    assert [styles(variant.recipe) for variant in sweep.variants] == [["a.png"], ["b.png", "c.png"]]
    assert len(load_sweep(Path("recipe.yaml"), overrides={"folder": "[[pics], [elsewhere]]"}).variants) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ALL.replace("[a.png, b.png]", "[]"),
            "7:20: inputs.styles.images is [] (from $params.styles); expected a list of paths, or a folder or a pattern such as"
            " styles/*.jpg.",
        ),
        (ALL.replace("[a.png, b.png]", "[a.png, 5]"), "7:20: inputs.styles.images is ['a.png', 5] (from $params.styles); exp"),
        (
            ALL.replace("[a.png, b.png]", "[../x.png]"),
            "7:20: inputs.styles.images cannot have '../x.png' (from $params.styles)",
        ),
        (
            ALL.replace("[a.png, b.png]", "nowhere/*"),
            "7:20: inputs.styles.images (from $params.styles): 'nowhere/*' stands for",
        ),
        (
            RECIPE.replace("STYLES", "[$photo]").replace("content: $photo", "content: $styles"),
            "10:34: stages.painted.content is $styles, a list of images; expected an image.",
        ),
        (RECIPE.replace("STYLES", "styles"), "10:50: stages.painted.styles is 'styles'; expected a list of images. Write"),
        (
            ALL.replace("photo: {", "styles-1: {image: x.png}\n  photo: {"),
            "8:20: inputs.styles.images makes the input styles-1",
        ),
    ],
)
def test_messages(problems: Callable[..., list[str]], text: str, message: str) -> None:
    found = problems(text)
    assert found[0].removeprefix("recipe.yaml:").startswith(message), found


def test_so_many_are_taken(problems: Callable[..., list[str]], tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / "pics" / f"p{number}.png").touch()
    assert problems(ALL.replace("  others: {images: $params.folder}\n", ""), styles="pics") == [
        "recipe.yaml:7:20: inputs.styles.images stands for 302 images; at most 256 are taken."
    ]


def test_a_pattern_without_files_is_reported_once(problems: Callable[..., list[str]]) -> None:
    (problem,) = problems(ALL, styles="pics/*.tif")
    assert problem.startswith("-p styles: 'pics/*.tif' stands for no file: in ")


def test_load_recipe_takes_the_current_folder(load: Callable[..., ResolvedRecipe], tmp_path: Path) -> None:
    load(ALL)
    (tmp_path / "sub").mkdir()
    recipe = load_recipe(tmp_path / "recipe.yaml", overrides={"styles": "pics"})
    assert {recipe.inputs[name].root for name in ("styles-1", "styles-2")} == {tmp_path}
