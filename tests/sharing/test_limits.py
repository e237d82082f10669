"""How much recipes ask for by the estimates of their stages, and what is refused."""

from pathlib import Path

import PIL.Image
import pytest

from stylepipe.api.sources.jobs import load_job
from stylepipe.errors import UsageError
from stylepipe.recipe.load import load_recipe
from stylepipe.sharing.limits import check_demands, check_stages, demands

HEAD = "stylepipe: 1\nname: look\ninputs: {photo: {image: a.png}, vgg: {weights: vgg19-slim}}\nstages:\n"
RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def load(tmp_path):
    def call(*stages: str, size=(1000, 800)):
        PIL.Image.new("1", size).save(tmp_path / "a.png")
        last = stages[-1].partition(":")[0]
        lines = "".join(f"  {stage}\n" for stage in stages)
        (tmp_path / "look.yaml").write_text(f"{HEAD}{lines}output: ${last}\n")
        return load_job(tmp_path / "look.yaml", {})

    return call


def stylize(**params: object) -> str:
    written = "".join(f", {name}: {value}" for name, value in params.items())
    return f"a: {{use: stylize, content: $photo, styles: [$photo], extractor: $vgg{written}}}"


def test_sizes_follow_from_the_inputs_and_through_the_stages(load):
    asked = demands(load("a: {use: upscale, image: $photo, factor: 2}", "b: {use: upscale, image: $a, factor: 3}"))
    assert (asked.stages, asked.pixels) == (2, 1000 * 800 * 4 * 9)
    assert demands(load("a: {use: sharpen, image: $photo}", size=(300, 200))).pixels == 300 * 200


@pytest.mark.parametrize(
    ("less", "more", "quantity"),
    [
        ({"iterations": 100}, {"iterations": 200}, "work"),
        ({"style_scale": 1}, {"style_scale": 4}, "memory"),
        ({"preview_every": 50}, {"preview_every": 1}, "work"),
        ({"optimizer": "{kind: lbfgs}"}, {"optimizer": "{kind: lbfgs_zoom}"}, "work"),
        ({"losses": "[{kind: gram}]"}, {"losses": "[{kind: gram}, {kind: cooccurrence, shifts: [1, 2, 3, 4]}]"}, "memory"),
        ({"size": 256}, {"size": "[128, 256]"}, "work"),
    ],
)
def test_what_a_stylization_asks_for(load, less, more, quantity):
    small, large = (demands(load(stylize(**{"size": 512, **params}))) for params in (less, more))
    assert getattr(small, quantity) < getattr(large, quantity)


@pytest.mark.parametrize(
    ("stages", "size"),
    [
        ([stylize(size=2000, style_scale=20, iterations=1, memory="100GB")], (1000, 800)),
        ([stylize(size=1024, iterations=20_000, preview_every=1)], (1000, 800)),
        (["a: {use: upscale, image: $photo, factor: 8}", "b: {use: upscale, image: $a, factor: 8}"], (1000, 800)),
        (["a: {use: upscale, image: $photo, factor: 3, method: bicubic}"], (9900, 9900)),
        (
            ["a: {use: denoise, image: $photo, method: {kind: non_local_means, search_radius: 20, patch_radius: 10}}"],
            (9900, 9900),
        ),
        (["a: {use: resize, image: $photo, width: 20000, height: 20000}"], (100, 100)),
        ([stylize(size=1500, losses="[{kind: mrf, layers: {relu1_1: 1}}]")], (1000, 800)),
    ],
)
def test_too_much_is_refused(load, stages, size):
    with pytest.raises(UsageError, match=r"recipes of others are limited to 100 stages, pictures of up to 100"):
        check_demands(load(*stages, size=size))


def test_too_many_stages_are_refused_before_anything_is_read(load):
    many = "a: {use: sharpen, image: $photo, foreach: [" + ", ".join(map(str, range(101))) + "]}"
    with pytest.raises(UsageError, match="It asks for 101 stages; recipes of others are limited to 100"):
        check_stages(load(many).recipe)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_main_job_is_not_too_much(path):
    """Nor are the other recipes, but for the poster, which takes hours."""
    check_stages(load_recipe(path))
    if path.stem == "poster":
        with pytest.raises(UsageError):
            check_demands(load_job(path, {}))
    else:
        check_demands(load_job(path, {}))
