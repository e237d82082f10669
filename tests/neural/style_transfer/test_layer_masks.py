"""Masks at layers: averages that can be counted by hand, and the region that a feature sees."""

import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.style_transfer.layer_masks import layer_masks

VGG = Vgg((2, 2, 4), "max", "reflect")


def at(mask, *layers, pooling="network"):
    return layer_masks(np.float32(mask), layers=layers, encoder=VGG, pooling=pooling, name="mask 1")


def test_a_point_spreads_over_what_sees_it():
    point = np.zeros((9, 9))
    point[4, 4] = 1
    once = np.zeros((9, 9))
    once[3:6, 3:6] = 1 / 9
    np.testing.assert_allclose(at(point, "relu1_1")["relu1_1"], once, atol=1e-7)
    twice = at(point, "relu1_1", "relu1_2")["relu1_2"]
    np.testing.assert_allclose(twice[4, 2:7], np.array([1, 2, 3, 2, 1]) * 3 / 81, rtol=1e-5)
    assert twice.sum() == pytest.approx(1)


def test_pools_halve_it_and_leave_out_an_odd_last_row():
    found = at(np.ones((21, 30)), "relu1_2", "relu2_1", "relu3_4")
    assert {layer: mask.shape for layer, mask in found.items()} == {"relu1_2": (21, 30), "relu2_1": (10, 15), "relu3_4": (5, 7)}
    for mask in found.values():
        np.testing.assert_allclose(mask, 1, rtol=1e-6)


def test_it_is_the_average_of_averages():
    # In float64, on a torus: right where the border is out of sight.
    mask = np.random.default_rng(1).random((16, 16))
    expected = np.float64(mask)
    for _ in range(2):
        expected = np.mean([np.roll(expected, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)
    expected = expected.reshape(8, 2, 8, 2).mean((1, 3))
    expected = np.mean([np.roll(expected, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)
    np.testing.assert_allclose(at(mask, "relu2_1")["relu2_1"][3:5, 3:5], expected[3:5, 3:5], rtol=1e-6)


def test_by_area_nothing_around_a_position_counts():
    half = np.zeros((12, 16))
    half[:, :6] = 1
    found = at(half, "relu1_2", "relu3_1", pooling="area")
    np.testing.assert_array_equal(found["relu1_2"], half)
    np.testing.assert_allclose(found["relu3_1"], np.tile([1, 0.5, 0, 0], (3, 1)), atol=1e-6)


@pytest.mark.parametrize("pooling", ["network", "area"])
@pytest.mark.parametrize("size", [(7, 40), (3, 3)])
def test_a_picture_too_small_for_a_layer_is_an_error(size, pooling):
    with pytest.raises(StageError, match="The layer 'relu3_1' takes images of at least 8×8 pixels"):
        at(np.ones(size), "relu1_1", "relu3_1", pooling=pooling)


@pytest.mark.parametrize("pooling", ["network", "area"])
def test_an_empty_mask_is_an_error_that_names_mask_and_layer(pooling):
    with pytest.raises(StageError, match=r"The mask 1 is empty at the layer 'relu2_1': it covers 0 of its 48 positions\."):
        at(np.zeros((12, 16)), "relu2_1", pooling=pooling)
