"""Mistakes in a stage behind others: `validate` finds what can be counted, `plan` what headers tell."""

import numpy as np
import pytest

from stylepipe import artifacts
from stylepipe.artifacts import Image, Mask
from stylepipe.image.files.io import write_image, write_mask

RECIPE = """\
stylepipe: 1
name: late
inputs:
  photo: {image: photo.png}
  thin: {image: thin.png}
  tall: {mask: tall.png}
  vgg: {weights: vgg.safetensors}
  styles: {weights: styles.safetensors}
stages:
  first: {use: stylize, content: $photo, styles: [$photo], extractor: $vgg, size: 32, iterations: 2, losses: [CONTENT, GRAM]}
  enlarged: {use: resize, image: $first, long_side: 64}
  second: {BLOCK}
  last: {use: sharpen, image: $second}
outputs: {last: $last, second: $second}
"""
PLACE = "recipe.yaml:12:"
LOSSES = {
    "CONTENT": "{kind: content, layers: {relu2_1: 1}}",
    "GRAM": "{kind: gram, layers: {relu1_1: 1, relu3_1: 1}}",
    "DRAWN": "{kind: sliced_wasserstein, layers: {relu1_1: 1}}",
    "DEEP": "{kind: gram, layers: {relu4_1: 1}}",
    "FAR": "{kind: cooccurrence, layers: {relu3_1: 1}, shifts: [40]}",
}
STYLIZE = "use: stylize, content: $enlarged, extractor: $vgg"

COUNTED = {
    "styles: [$photo], style_weights: [1, 2, 3], losses: [GRAM]": "1 styles and 3 style_weights were given.",
    "styles: [$photo, $thin], masks: [$tall], losses: [GRAM]": "2 styles and 1 masks were given.",
    "styles: [$photo], style_masks: [$tall, $tall], losses: [GRAM]": "1 styles and 2 style_masks were given.",
    "styles: [$photo], style_map: $photo, losses: [GRAM]": "Of 'style_map' and 'target_map' only 'style_map' was given.",
    "styles: [], losses: [GRAM]": "The loss 'gram' compares with the styles, and none is given.",
    "styles: [$photo], size: [16, 32, 64], iterations: [3, 4], losses: [GRAM]": "2 iterations were given for 3 sizes",
    "styles: [$photo], memory: 4, losses: [GRAM]": "memory",
    "styles: [$photo], losses: [DRAWN]": "sliced_wasserstein",
}
FOUND_IN_FILES = {
    "styles: [$photo], losses: [DEEP]": "The network has no layer 'relu4_1'",
    "styles: [$photo, $thin], size: 64, losses: [GRAM]": "Style 2 is brought to 64×4 pixels: The layer 'relu3_1'",
    "styles: [$photo], size: [16, 64], style_scale: 0.1, losses: [GRAM]": "At a long side of 16: Style 1 is brought to",
    "styles: [$photo], size: 16, aspect: 4, losses: [GRAM]": "At a long side of 16: The layer 'relu3_1' takes images",
    "styles: [$photo], losses: [FAR]": "a shift of 40 takes at least",
    "styles: [$photo], masks: [$tall], losses: [GRAM]": "mask 1",
    "styles: [$photo], size: 4096, memory: 300MB, losses: [GRAM]": "It takes about",
}
OTHER_STAGES = {
    "use: upscale, image: $enlarged, factor: 2, method: learned": ("validate", "'method: learned' needs 'network'"),
    "use: feedforward, image: $enlarged, network: $styles, style_weights: [1, 2, 3]": ("plan", "2 styles"),
    "use: feedforward, image: $enlarged, network: $vgg": ("plan", "The weights state no network"),
    "use: mask_transfer, image: $enlarged, background: $photo, mask: $tall": ("plan", "The mask has 20×60 pixels"),
    "use: blend, image: $enlarged, over: $photo, mask: $tall": ("plan", "The mask has 20×60 pixels and the image 64×64"),
    "use: color_transfer, image: $enlarged, colors: $photo, mask: $tall": ("plan", "The mask has 20×60 pixels"),
    "use: color_transfer, image: $enlarged, colors: $photo, colors_mask: $tall": ("plan", "The colors_mask has 20×60"),
    "use: levels, image: $enlarged, mask: $tall": ("plan", "The mask has 20×60 pixels and the image 64×64"),
    "use: levels, image: $enlarged, method: {kind: match}, reference: $photo, reference_mask: $tall": (
        "plan",
        "The reference_mask has 20×60 pixels and the picture 'reference' 48×48",
    ),
}
MISTAKES = [
    *((f"{STYLIZE}, {block}", "validate", message) for block, message in COUNTED.items()),
    *((f"{STYLIZE}, {block}", "plan", message) for block, message in FOUND_IN_FILES.items()),
    *((block, command, message) for block, (command, message) in OTHER_STAGES.items()),
]


@pytest.fixture
def recipe_of(home, tiny_vgg, tiny_transformation):
    """Writes the recipe with this block for its second stage, beside what it names."""
    draw = np.random.default_rng(1)
    for name, size in {"photo": (48, 48), "thin": (4, 64)}.items():
        write_image(Image(draw.random((*size, 3), np.float32)), home / f"{name}.png")
    write_mask(Mask(np.ones((60, 20), np.float32)), home / "tall.png")
    artifacts.save(tiny_vgg, home / "vgg.safetensors")
    artifacts.save(tiny_transformation, home / "styles.safetensors")

    def write(block: str) -> None:
        text = RECIPE.replace("BLOCK", block)
        for name, loss in LOSSES.items():
            text = text.replace(name, loss)
        (home / "recipe.yaml").write_text(text)

    return write


@pytest.mark.parametrize(("block", "command", "message"), MISTAKES, ids=[block for block, *_ in MISTAKES])
def test_a_mistake_in_a_late_stage_is_found_before_anything_runs(cli, home, recipe_of, block, command, message):
    recipe_of(block)
    if command == "plan":
        assert cli("validate", "recipe.yaml").code == 0
    for asked in (command, "run"):
        said = cli(asked, "recipe.yaml")
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert (said.code, len(errors)) == (2, 1), said.err
        assert errors[0].startswith(f"error: {PLACE}")
        assert message in errors[0]
    assert not (home / "outputs").exists()


def test_mistakes_of_several_stages_are_told_at_once(cli, home, recipe_of):
    recipe_of(f"{STYLIZE}, styles: [$photo, $thin], size: 64, losses: [GRAM]")
    text = (
        (home / "recipe.yaml")
        .read_text()
        .replace("use: sharpen, image: $second", "use: feedforward, image: $enlarged, network: $vgg")
    )
    (home / "recipe.yaml").write_text(text)
    said = cli("plan", "recipe.yaml")
    assert said.code == 2
    assert [line[:22] for line in said.err.splitlines() if line.startswith("error")] == [
        "error: recipe.yaml:12:",
        "error: recipe.yaml:13:",
    ]


def test_without_a_mistake_it_is_planned(cli, recipe_of):
    recipe_of(f"{STYLIZE}, styles: [$photo], losses: [GRAM]")
    assert cli("validate", "recipe.yaml").code == 0
    assert cli("plan", "recipe.yaml").code == 0
