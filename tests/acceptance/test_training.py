"""The recipes that train networks, in their quick form: the loss falls, the weights can be read, kill -9 costs little."""

import json
import time
from pathlib import Path

import pytest

from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.networks.texture_layout import Texture
from stylepipe.neural.networks.transformation_layout import Transformation, applied
from stylepipe.neural.networks.upscaler_layout import Upscaler
from stylepipe.neural.weights.catalog import verify

RECIPES = Path(__file__).parents[2] / "recipes"
SHIPPED = RECIPES.parent / "stylepipe" / "neural" / "weights" / "data" / "vgg19-slim.safetensors"
TEACHERS = [f"-p{name}={SHIPPED}" for name in ("exact", "deep")]
PHOTOS = [f"-p{name}={RECIPES / 'assets'}" for name in ("photos", "validation")]
PICTURES = [*PHOTOS, f"-ppaintings={RECIPES / 'assets'}"]
STYLES = [
    f"-pstyle{number}={RECIPES / 'assets' / name}"
    for number, name in (("", "blue_swirls.jpg"), ("_2", "ember_strokes.jpg"), ("_3", "pebbles.png"), ("_4", "lighthouse.jpg"))
]
TEXTURE = [f"-ptexture={RECIPES / 'assets' / 'pebbles.png'}"]


def progress(outputs: Path) -> list[dict]:
    lines = [json.loads(line) for line in (next(outputs.glob("*/*/events.jsonl"))).read_text().splitlines()]
    return [line for line in lines if line["event"] == "progress"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "given", "validated", "factor", "expected"),
    [
        ("vgg19_slim_quick", [*PICTURES, *TEACHERS], "validation relu1_1", 0.5, Vgg((2, 2, 4), "max", "reflect")),
        ("upscaler_quick", PICTURES, "validation x2", 1.02, Upscaler(2, 24)),
        ("style_network_quick", [*PHOTOS, STYLES[0]], "validation gram", 0.8, applied(Transformation(4, 1, 1))),
        ("four_styles_quick", [*PHOTOS, *STYLES], "validation gram", 0.85, applied(Transformation(4, 1, 4))),
        ("texture_network_quick", TEXTURE, "validation gram", 0.2, Texture(3, 4)),
    ],
)
def test_a_quick_training_learns(desk, recipe, given, validated, factor, expected):
    """From the first validation to the last, errors fall to less than the factor, and decibels rise to more."""
    said = desk.call("run", str(RECIPES / "train" / f"{recipe}.yaml"), *given)
    events = progress(desk.root / "outputs")
    losses = [event["loss"] for event in events]
    quarter = len(losses) // 4
    assert sum(losses[-quarter:]) < 0.9 * sum(losses[:quarter])
    figures = [event["terms"][validated] for event in events if validated in event["terms"]]
    assert len(figures) >= 3
    assert figures[-1] > factor * figures[0] if factor > 1 else figures[-1] < factor * figures[0]
    assert verify(str(next((desk.root / "outputs").glob("*/*/*.safetensors")))) == expected
    assert "pictures/s" in said.err


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "given"), [("upscaler", PICTURES), ("style_network", [*PHOTOS, STYLES[0]])])
def test_a_killed_training_goes_on_and_gives_the_same_bytes(make_desk, recipe, given):
    """Killed once its state was saved, which is here at every step."""
    command = ["run", str(RECIPES / "train" / f"{recipe}_quick.yaml"), *given, "-psteps=30"]
    often = "from stylepipe.engine.execution import checkpoints; checkpoints.SAVE_SECONDS, checkpoints.SAVE_SHARE = 0, 1"
    whole, killed = make_desk(), make_desk()
    whole.call(*command)
    process = killed.start(*command, prelude=often)
    while not list(killed.cache.glob("work/*/state.safetensors")):
        time.sleep(0.1)
        assert process.poll() is None, "it was done before its state was saved"
    process.kill()
    process.wait()
    killed.call(*command)
    results = [next((desk.root / "outputs").glob("*/*/*.safetensors")) for desk in (whole, killed)]
    assert results[0].read_bytes() == results[1].read_bytes()
