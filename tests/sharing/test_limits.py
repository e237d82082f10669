"""How much recipes ask for, counted by hand, and what is refused."""

import pytest

from stylepipe.errors import UsageError
from stylepipe.recipe.load import load_recipe
from stylepipe.sharing.limits import check_demands, demands

HEAD = "stylepipe: 1\nname: look\ninputs: {photo: {image: a.png}, vgg: {weights: vgg19-slim}}\nstages:\n"


@pytest.fixture
def load(tmp_path):
    def call(*stages: str):
        last = stages[-1].partition(":")[0]
        lines = "".join(f"  {stage}\n" for stage in stages)
        (tmp_path / "look.yaml").write_text(f"{HEAD}{lines}output: ${last}\n")
        return load_recipe(tmp_path / "look.yaml")

    return call


def stylize(**params: object) -> str:
    written = "".join(f", {name}: {value}" for name, value in params.items())
    return f"a: {{use: stylize, content: $photo, styles: [$photo], extractor: $vgg{written}}}"


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([stylize(size=[128, 1024], iterations=300)], (1, 600, 1024**2)),
        ([stylize(size=[128, 256], iterations=[300, 50])], (1, 350, 10**6)),
        (["a: {use: resize, image: $photo, width: 2000, height: 10}"], (1, 0, 4 * 10**6)),
        (["a: {use: resize, image: $photo, megapixels: 2.5}"], (1, 0, 2_500_000)),
        (
            [
                "a: {use: resize, image: $photo, long_side: 2000}",
                "b: {use: upscale, image: $a, factor: 2}",
                "c: {use: upscale, image: $b, factor: 3, foreach: [1]}",
            ],
            (3, 0, 4 * 10**6 * 4 * 9),
        ),
    ],
)
def test_demands(load, stages, expected):
    asked = demands(load(*stages))
    assert (asked.stages, asked.iterations, asked.pixels) == expected


@pytest.mark.parametrize(
    "stages",
    [
        [stylize(size=512, iterations=20_001)],
        [stylize(size=10_001)],
        ["a: {use: upscale, image: $photo, factor: 8}", "b: {use: upscale, image: $a, factor: 2}"],
        ["a: {use: sharpen, image: $photo, foreach: [" + ", ".join(map(str, range(101))) + "]}"],
    ],
)
def test_too_much_is_refused(load, stages):
    with pytest.raises(
        UsageError, match=r"what others have made is given at most 100 stages, 20000 iterations, pictures of up"
    ):
        check_demands(load(*stages))


def test_the_main_job_is_not_too_much():
    from pathlib import Path

    for path in Path(__file__).parents[2].glob("recipes/*.yaml"):
        check_demands(load_recipe(path))
