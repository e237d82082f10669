"""The upscaler: its layers against a definition in NumPy, and that tiles leave no trace."""

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.image.resize import resize
from stylepipe.neural.networks.upscaler import enlarge, fresh, head, pixel_shuffle, trunk
from stylepipe.neural.networks.upscaler_layout import FACTORS, Upscaler, describe
from stylepipe.neural.training import training_loop

DRAW = np.random.default_rng(0)


def random_upscaler(blocks: int = 2, channels: int = 5, seed: int = 0) -> Weights:
    """One that adds visible detail, at the borders too."""
    draw = np.random.default_rng(seed)
    empty = fresh(jax.random.key(0), Upscaler(blocks, channels))
    tensors = {name: np.float32(draw.normal(size=tensor.shape) * 0.15) for name, tensor in empty.tensors.items()}
    return Weights(tensors, empty.metadata)


def convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
    return np.einsum("hwcij,ijcd->hwd", windows, kernel) + bias


def detail(weights: Weights, picture: np.ndarray, factor: int) -> np.ndarray:
    """The network's definition in float64."""

    def layer(name: str, x: np.ndarray) -> np.ndarray:
        return convolution(x, *(np.float64(weights.tensors[f"{name}/{part}"]) for part in ("kernel", "bias")))

    x = layer("first", np.float64(picture) - 0.5)
    for block in (1, 2):
        x = x + layer(f"block{block}_2", np.maximum(layer(f"block{block}_1", x), 0))
    found = layer(f"x{factor}", x)
    height, width, _ = picture.shape
    large = np.empty((height * factor, width * factor, 3))
    for i in range(factor):
        for j in range(factor):
            large[i::factor, j::factor] = found[..., 3 * (i * factor + j) : 3 * (i * factor + j) + 3]
    return large


def test_pixel_shuffle_of_a_row_by_hand():
    x = np.array([[[1.0, 2, 3, 4], [5, 6, 7, 8]]])
    np.testing.assert_array_equal(pixel_shuffle(x, 2)[..., 0], [[1, 2, 5, 6], [3, 4, 7, 8]])
    colored = np.array([[[10.0, 11, 20, 21, 30, 31, 40, 41]]])  # two channels for each of four pixels
    np.testing.assert_array_equal(pixel_shuffle(colored, 2), [[[10, 11], [20, 21]], [[30, 31], [40, 41]]])


@pytest.mark.slow
@pytest.mark.parametrize("factor", FACTORS)
def test_the_network_is_its_definition(factor):
    weights, picture = random_upscaler(), DRAW.random((7, 6, 3), dtype=np.float32)
    found = head(weights.tensors, trunk(weights.tensors, picture), factor)
    np.testing.assert_allclose(found, detail(weights, picture, factor), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("factor", FACTORS)
def test_the_result_is_the_bicubic_enlargement_with_the_detail(factor):
    weights, picture = random_upscaler(), DRAW.random((5, 9, 3), dtype=np.float32)
    bicubic = resize(picture, (5 * factor, 9 * factor), method="bicubic")
    expected = bicubic + detail(weights, picture, factor)
    np.testing.assert_allclose(enlarge(weights, picture, factor=factor), expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("factor", FACTORS)
def test_before_its_training_it_adds_nothing(factor):
    picture = DRAW.random((4, 3, 3), dtype=np.float32)
    found = enlarge(fresh(jax.random.key(1), Upscaler(1, 4)), picture, factor=factor)
    np.testing.assert_array_equal(found, resize(picture, (4 * factor, 3 * factor), method="bicubic"))


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    size=st.tuples(st.integers(1, 45), st.integers(1, 45)),
    factor=st.sampled_from(FACTORS),
    blocks=st.integers(1, 2),
    spare=st.integers(1, 9),
)
def test_tiles_leave_no_trace(size, factor, blocks, spare):
    weights = random_upscaler(blocks)
    picture = np.random.default_rng(sum(size)).random((*size, 3), dtype=np.float32)
    tile = 2 * (2 + 2 * blocks) + spare  # the smallest ones count in `spare` pixels
    whole = enlarge(weights, picture, factor=factor, tile=64)
    np.testing.assert_allclose(enlarge(weights, picture, factor=factor, tile=tile), whole, atol=1e-5)


def test_tiles_have_one_shape(monkeypatch):
    shapes = []

    def record(tensors, picture, *, factor):
        shapes.append(picture.shape)
        return np.zeros((picture.shape[0] * factor, picture.shape[1] * factor, 3), np.float32)

    monkeypatch.setattr("stylepipe.neural.networks.upscaler._detail", record)
    enlarge(random_upscaler(), np.zeros((37, 100, 3), np.float32), factor=2, tile=40)
    assert set(shapes) == {(37, 40, 3)}
    assert len(shapes) == 4  # counting in 34, 28, 28 and 10 pixels


# --- the weights --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fresh_network_is_one():
    assert describe(fresh(jax.random.key(0), Upscaler(3, 8))) == Upscaler(3, 8)


def test_half_precision_takes_half_the_bytes_and_gives_nearly_the_same():
    weights, picture = random_upscaler(), DRAW.random((6, 6, 3), dtype=np.float32)
    half = training_loop.result(training_loop.TrainingStep(0, weights.tensors, None), weights.metadata)
    assert describe(half) == Upscaler(2, 5)
    assert sum(t.nbytes for t in half.tensors.values()) * 2 == sum(t.nbytes for t in weights.tensors.values())
    found, expected = (enlarge(given, picture, factor=4) for given in (half, weights))
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 5e-3


def changed(**tensors) -> Weights:
    """A good network with other tensors; None takes one away, and __ stands for the slash."""
    good = fresh(jax.random.key(0), Upscaler(2, 4))
    given = {name.replace("__", "/"): tensor for name, tensor in tensors.items()}
    return Weights({name: t for name, t in {**good.tensors, **given}.items() if t is not None}, good.metadata)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(Weights, {}), "The weights state no network; allowed is 'upscaler'."),
        (partial(Weights, {}, {"network": "vgg"}), "The weights state the network 'vgg'; allowed is 'upscaler'."),
        (partial(Weights, {}, {"network": "upscaler"}), "The weights hold 0 blocks of 0 channels; allowed are 1…32 of 1…512."),
        (partial(changed, x3__bias=None), "The weights hold no 'x3/bias'."),
        (partial(changed, block2_2__kernel=None), "The weights hold no 'block2_2/kernel'."),
        (
            partial(changed, x4__kernel=np.zeros((3, 3, 4, 12))),
            "The tensor 'x4/kernel' has shape (3, 3, 4, 12); expected is (3, 3, 4, 48).",
        ),
        (
            partial(changed, first__kernel=np.zeros((3, 3, 1, 4))),
            "The tensor 'first/kernel' has shape (3, 3, 1, 4); expected is (3, 3, 3, 4).",
        ),
        (partial(changed, first__bias=np.zeros(())), "The weights hold 2 blocks of 0 channels; allowed are 1…32 of 1…512."),
    ],
)
def test_other_weights_are_refused(make, message):
    with pytest.raises(WeightsError) as caught:
        describe(make())
    assert caught.value.message == message


def test_a_fresh_network_has_the_tensors_of_its_layout():
    weights = fresh(jax.random.key(0), Upscaler(blocks=1, channels=2))
    assert {name: tensor.shape for name, tensor in weights.tensors.items()} == describe(weights).shapes
