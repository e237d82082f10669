"""Normalization against its formula in float64."""

import jax
import numpy as np
import pytest

from stylepipe.neural.networks.normalization import PICTURES, Statistics, normalize, statistics

DRAW = np.random.default_rng(0)
MAPS = np.float32(DRAW.normal(3, 2, size=(4, 5, 7, 3)))
SCALE, SHIFT = np.float32(DRAW.normal(size=3)), np.float32(DRAW.normal(size=3))


def definition(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    x = np.float64(x)
    mean = x.mean(axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axes, keepdims=True)
    return SCALE * (x - mean) / np.sqrt(variance + 1e-5) + SHIFT


def normalized(x, *, pooled=False):
    return normalize(x, statistics(x, pooled=pooled), scale=SCALE, shift=SHIFT)


def test_instance_normalization_is_its_definition():
    found = jax.vmap(normalized)(MAPS)
    np.testing.assert_allclose(found, definition(MAPS, (1, 2)), atol=1e-5)


def test_batch_normalization_is_its_definition():
    found = jax.vmap(lambda x: normalized(x, pooled=True), axis_name=PICTURES)(MAPS)
    np.testing.assert_allclose(found, definition(MAPS, (0, 1, 2)), atol=1e-5)


def test_a_picture_by_hand():
    x = np.float32([[[1.0]], [[3.0]]])
    assert statistics(x) == (2, 1)
    np.testing.assert_allclose(
        normalize(x, Statistics(*np.float32([[1], [4]])), scale=np.ones(1), shift=np.ones(1)).ravel(), [1, 2], atol=1e-5
    )


@pytest.mark.parametrize("value", [0.0, 1000.0])
def test_a_constant_map_becomes_the_shift(value):
    np.testing.assert_allclose(normalized(np.full((3, 3, 3), value, np.float32)), np.broadcast_to(SHIFT, (3, 3, 3)), atol=1e-5)
