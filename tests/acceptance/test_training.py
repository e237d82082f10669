"""The recipes that train networks, in their quick form: the loss falls, the weights can be read, kill -9 costs little."""

import json
import time
from pathlib import Path

import pytest

from stylepipe.neural.layout import Vgg
from stylepipe.neural.networks.upscaler import Upscaler
from stylepipe.neural.weights import verify

RECIPES = Path(__file__).parents[2] / "recipes"
SHIPPED = RECIPES.parent / "stylepipe" / "neural" / "data" / "vgg19-slim.safetensors"
TEACHERS = [f"-p{name}={SHIPPED}" for name in ("exact", "deep")]
PICTURES = [f"-p{name}={RECIPES / 'assets'}" for name in ("photos", "paintings", "validation")]


def progress(outputs: Path) -> list[dict]:
    lines = [json.loads(line) for line in (next(outputs.glob("*/*/events.jsonl"))).read_text().splitlines()]
    return [line for line in lines if line["event"] == "progress"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "teachers", "validated", "expected"),
    [
        ("vgg19_slim_quick", TEACHERS, "validation relu1_1", Vgg((2, 2, 4), "max", "reflect")),
        ("upscaler_quick", [], "validation x2", Upscaler(2, 24)),
    ],
)
def test_a_quick_training_learns(desk, recipe, teachers, validated, expected):
    said = desk.call("run", str(RECIPES / "train" / f"{recipe}.yaml"), *PICTURES, *teachers)
    events = progress(desk.root / "outputs")
    losses = [event["loss"] for event in events]
    quarter = len(losses) // 4
    assert sum(losses[-quarter:]) < 0.9 * sum(losses[:quarter])
    figures = [event["terms"][validated] for event in events if validated in event["terms"]]
    assert len(figures) >= 3
    assert figures[-1] > figures[0] if validated.endswith("x2") else figures[-1] < figures[0]
    assert verify(str(next((desk.root / "outputs").glob("*/*/*.safetensors")))) == expected
    assert said.err


@pytest.mark.slow
def test_a_killed_training_goes_on_and_gives_the_same_bytes(make_desk):
    """Killed once its state was saved, which is here at every step."""
    command = ["run", str(RECIPES / "train" / "upscaler_quick.yaml"), *PICTURES, "-psteps=30"]
    often = "from stylepipe.engine import checkpoints; checkpoints.SAVE_SECONDS, checkpoints.SAVE_SHARE = 0, 1"
    whole, killed = make_desk(), make_desk()
    whole.call(*command)
    process = killed.start(*command, prelude=often)
    while not list(killed.cache.glob("work/*/state.safetensors")):
        time.sleep(0.1)
        assert process.poll() is None, "it was done before its state was saved"
    process.kill()
    process.wait()
    killed.call(*command)
    results = [next((desk.root / "outputs").glob("*/*/upscaler.safetensors")) for desk in (whole, killed)]
    assert results[0].read_bytes() == results[1].read_bytes()
