"""What the upscaler learns from: the degradation, the examples, the loss and the score."""

import jax
import numpy as np
import pytest
from jax.test_util import check_grads

from stylepipe.artifacts import Weights
from stylepipe.image.metrics import psnr
from stylepipe.image.resize import resize
from stylepipe.neural.networks.upscaler import fresh
from stylepipe.neural.networks.upscaler_layout import FACTORS, Upscaler
from stylepipe.neural.training.crops import Crops
from stylepipe.neural.training.superresolution import loss, score, upscaling_batch, upscaling_batches

DRAW = np.random.default_rng(0)
LARGE = DRAW.random((2, 48, 36, 3), dtype=np.float32)
CROPS = Crops(
    (DRAW.integers(0, 256, (60, 50, 3), dtype=np.uint8), np.full((40, 40, 3), 9, np.uint8)),
    np.array([0.5, 0.5]),
    np.array([1, 1]),
)


def bicubic(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.stack([resize(picture, size, method="bicubic") for picture in pictures])


@pytest.mark.parametrize("factor", FACTORS)
def test_examples_are_shrunk_as_elsewhere(factor):
    """JAX's cubic kernel with antialiasing is MATLAB's too; it treats borders as ours does."""
    size = (len(LARGE), 48 // factor, 36 // factor, 3)
    expected = jax.image.resize(LARGE, size, "cubic", antialias=True)
    shrunk = bicubic(LARGE, size[1:3])
    np.testing.assert_allclose(shrunk, expected, atol=1e-6)
    small = upscaling_batch(LARGE, factor=factor).small
    assert np.abs(small - np.clip(expected, 0, 1)).max() <= 0.5 / 255 + 1e-6
    np.testing.assert_allclose(small * 255, np.rint(small * 255), atol=1e-4)


@pytest.mark.parametrize("factor", FACTORS)
def test_the_detail_brings_back_the_large_picture(factor):
    small, detail = upscaling_batch(LARGE, factor=factor)
    np.testing.assert_allclose(bicubic(small, (48, 36)) + detail, LARGE, atol=1e-6)


def test_a_steps_examples_depend_on_its_number_alone():
    first, again = (upscaling_batches(CROPS, jax.random.key(0), count=2, side=8) for _ in range(2))
    first(1)
    assert jax.tree.all(jax.tree.map(np.array_equal, first(2), again(2)))
    assert not np.array_equal(first(2)[0].small, first(3)[0].small)
    assert [one.small.shape for one in first(2)] == [(2, 8, 8, 3)] * 3
    assert [one.detail.shape[1] for one in first(2)] == [16, 24, 32]


def test_crops_come_in_all_eight_orientations():
    corner = np.zeros((32, 32, 3), np.uint8)  # as large as the largest crop
    corner[:16, :8] = 255  # unlike all its turns and reflections
    (*_, one) = upscaling_batches(Crops((corner,), np.ones(1), np.array([1])), jax.random.key(1), count=64, side=8)(1)
    assert len({np.asarray(picture).tobytes() for picture in one.small}) == 8


def test_the_loss_of_a_fresh_network_is_the_mean_detail():
    given = upscaling_batches(CROPS, jax.random.key(0), count=2, side=8)(1)
    value, terms = loss(fresh(jax.random.key(0), Upscaler(1, 4)).tensors, given)
    expected = {f"x{factor}": np.abs(one.detail).mean() for factor, one in zip(FACTORS, given, strict=True)}
    assert terms == pytest.approx(expected, rel=1e-5)
    assert value == pytest.approx(sum(expected.values()), rel=1e-5)


@pytest.mark.slow
def test_every_tensor_has_a_gradient():
    given = upscaling_batches(CROPS, jax.random.key(0), count=1, side=8)(1)
    tensors = {
        name: np.float32(DRAW.normal(size=tensor.shape) * 0.2)
        for name, tensor in fresh(jax.random.key(0), Upscaler(1, 4)).tensors.items()
    }
    gradient = jax.grad(lambda tensors: loss(tensors, given)[0])(tensors)
    assert all(np.abs(slope).max() > 0 for slope in gradient.values())
    check_grads(lambda bias: loss({**tensors, "x3/bias": bias}, given)[0], (tensors["x3/bias"],), 1, ["rev"], rtol=0.05)


def test_the_score_of_a_network_that_adds_nothing_is_bicubics():
    weights = fresh(jax.random.key(0), Upscaler(1, 4))
    found = score(weights.tensors, LARGE)
    for factor in FACTORS:
        small = np.rint(np.clip(bicubic(LARGE, (48 // factor, 36 // factor)), 0, 1) * 255) / 255
        enlarged = np.rint(np.clip(bicubic(np.float32(small), (48, 36)), 0, 1) * 255) / 255
        ratios = [psnr(one, other, channel="y", border=factor) for one, other in zip(enlarged, LARGE, strict=True)]
        assert found[f"x{factor}"] == pytest.approx(np.mean(ratios), abs=0.01)


def test_the_score_is_taken_of_what_a_picture_can_hold():
    weights = fresh(jax.random.key(0), Upscaler(1, 4))
    bright = Weights({**weights.tensors, "x2/bias": np.full(12, 9, np.float32)}, weights.metadata)
    assert score(bright.tensors, np.ones((1, 24, 24, 3), np.float32))["x2"] == 100  # all that is above white is white
