"""Every recipe in recipes/, run in small: a network of few channels, small pictures, a few iterations."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from safetensors.numpy import save_file

from stylepipe.recipe.load import load_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
SMALL = {
    "scales": 160,
    "sizes": 160,
    "size": 160,
    "last_scale": 160,
    "iterations": 5,
    "last_iterations": 5,
    "width": 160,
    "height": 90,
}
"""Of the params that a recipe has, in a list where its default is one; at 160 pixels relu4_1 holds the longest shift."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `vgg19-slim`: to relu5_1 as recipes name it, four random channels wide."""
    draw = np.random.default_rng(3)
    tensors = {"normalise/kernel": 2 * np.eye(3)[None, None], "normalise/bias": -np.ones(3)}
    before = 3
    for block, convolutions in enumerate((1, 1, 1, 2, 1), 1):
        for number in range(1, convolutions + 1):
            tensors[f"conv{block}_{number}/kernel"] = draw.normal(size=(3, 3, before, 4)) / np.sqrt(4.5 * before)
            tensors[f"conv{block}_{number}/bias"] = draw.random(4) / 4
            before = 4
    folder = tmp_path_factory.mktemp("weights")
    network = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    save_file(network, folder / "vgg19-slim.safetensors", {"pooling": "max", "padding": "reflect"})
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_recipe_runs_in_small(desk, network, path):
    params = load_recipe(path).params
    small = {name: [value] if isinstance(params[name], list) else value for name, value in SMALL.items() if name in params}
    desk.environment["STYLEPIPE_WEIGHTS"] = str(network)
    desk.environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # most of the time goes into compiling
    said = desk.call("run", str(path), "--json", *(f"-p{name}={value}" for name, value in small.items())).data
    assert said["record"]["status"] == "done"
    for file in said["outputs"].values():
        assert np.asarray(Pillow.open(desk.root / file)).std() > 5
    lines = (desk.root / said["folder"] / "events.jsonl").read_text().splitlines()
    progress = [event for event in map(json.loads, lines) if event["event"] == "progress"]
    for stage in {event["stage"] for event in progress}:
        losses = [event["loss"] for event in progress if event["stage"] == stage]
        assert losses[-1] < losses[0], stage
