"""Stages and networks called directly."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import stylepipe
from stylepipe.api.sources.picture_values import as_mask
from stylepipe.artifacts import Image
from stylepipe.errors import InputError, StageError, UsageError
from stylepipe.plugins import find_stage
from stylepipe.stage import Progress
from tests.api.conftest import picture

SAMPLE = Path(__file__).parents[1] / "cli" / "sample"


def test_a_stage_is_a_function(home):
    made = stylepipe.apply("sharpen", image=picture(), amount=1.0)
    sharpen = find_stage("sharpen")
    expected = sharpen(Image(picture()), sharpen.params(amount=1.0)).pixels
    assert np.abs(np.asarray(made) / 255 - np.asarray(expected)).max() <= 0.5 / 255 + 1e-6
    with Pillow.open("photo.png") as photo:
        for same in ("photo.png", photo, np.asarray(photo)):
            assert stylepipe.apply("sharpen", image=same, amount=1.0).size == made.size


def test_stylize_reports_its_steps_and_follows_its_seed(home):
    steps = []
    losses = [stylepipe.losses.Content(layers={"relu2_1": 1.0}), stylepipe.losses.Gram(layers={"relu1_1": 1.0})]
    options = {"size": 32, "iterations": 2, "losses": losses, "optimizer": stylepipe.optimizers.Lbfgs(), "start": "noise"}
    made = [
        stylepipe.stylize(picture().repeat(4, 0).repeat(4, 1), ["photo.png"], seed=seed, on_step=steps.append, **options)
        for seed in (1, 1, 2)
    ]
    assert [step.done for step in steps if isinstance(step, Progress)] == [1, 2] * 3
    assert made[0].size == (32, 21)
    assert made[0].tobytes() == made[1].tobytes() != made[2].tobytes()


def test_features_are_arrays_by_layer(home):
    maps = stylepipe.extract(np.zeros((32, 48, 3), np.float32), ["relu1_1", "relu3_1"])
    assert {name: values.shape[:2] for name, values in maps.items()} == {"relu1_1": (32, 48), "relu3_1": (8, 12)}
    assert all(values.dtype == np.float32 and values.min() >= 0 for values in maps.values())


def test_features_of_another_kind_of_network(monkeypatch):
    monkeypatch.syspath_prepend(SAMPLE)
    edges, weights = import_module("sample_extension.edges"), import_module("sample_extension.weights")
    (file,) = weights.EDGES.folder.glob("*.safetensors")
    options = {"network": file, "encoder": edges.EdgesArchitecture()}
    maps = stylepipe.extract(np.ones((32, 48, 3), np.float32), ["corners"], **options)
    assert {name: values.shape for name, values in maps.items()} == {"corners": (16, 24, 6)}
    with pytest.raises(StageError, match="no layer 'relu1_1'; its layers are edges … corners"):
        stylepipe.extract(np.ones((32, 48, 3), np.float32), ["relu1_1"], **options)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"amount": 1.0}, UsageError, "needs its input 'image'"),
        ({"image": "photo.png", "amont": 1.0}, UsageError, "cannot take 'amont': .* Did you mean 'amount'"),
        ({"image": "photo.png", "amount": -1}, UsageError, "cannot take 'amount'"),
        ({"image": 7}, UsageError, "The value is a int; expected an image"),
        ({"image": np.full((4, 4, 3), 2.0)}, InputError, r"shape \(4, 4, 3\) and type float64 is no picture"),
        ({"image": np.zeros((4, 4, 2))}, InputError, "is no picture"),
        ({"image": "nothing.png"}, InputError, "nothing.png"),
    ],
)
def test_what_a_stage_does_not_take(home, arguments, error, message):
    with pytest.raises(error, match=message):
        stylepipe.apply("sharpen", **arguments)


def test_a_mask_in_memory_is_read_as_that_of_a_file_is(home):
    cut_out = np.zeros((6, 8, 4), np.uint8)
    cut_out[:3, :, 3] = 255
    Pillow.fromarray(cut_out).save("mask.png")
    from_file = as_mask("mask.png").values
    np.testing.assert_array_equal(from_file, cut_out[:, :, 3] / 255)
    for value in (cut_out, Pillow.fromarray(cut_out)):
        np.testing.assert_array_equal(as_mask(value).values, from_file)
