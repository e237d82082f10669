"""Colour spaces against scikit-image, OpenCV and NumPy from the formulas, in float64; and colours known by heart."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as reference

from stylepipe.image.color import (
    SPACES,
    linear_to_srgb,
    luma,
    rgb_to_lab,
    rgb_to_lalphabeta,
    rgb_to_ycbcr,
    rgb_to_yiq,
    srgb_to_linear,
)

COLORS = np.concatenate(
    [
        np.random.default_rng(0).random((500, 3)),
        np.repeat(np.linspace(0, 1, 256)[:, None], 3, axis=1),
        np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3),
    ]
)[None]
AS_FLOAT32 = COLORS.astype(np.float32)
COLORS = AS_FLOAT32.astype(np.float64)


def from_srgb(encoded):
    """IEC 61966-2-1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def test_light():
    np.testing.assert_allclose(srgb_to_linear(AS_FLOAT32), from_srgb(COLORS), atol=3e-7)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(AS_FLOAT32)), COLORS, atol=1e-6)


def test_light_outside_the_range_is_mirrored_at_zero():
    values = np.array([-0.5, -0.001, 1.2], np.float32)
    np.testing.assert_allclose(srgb_to_linear(values), [-from_srgb(0.5), -0.001 / 12.92, from_srgb(1.2)], atol=1e-6)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)


def test_ycbcr_is_that_of_jpeg():
    # scikit-image's YPbPr is full range; OpenCV's YCrCb has an offset of ½ and the chroma the other way round.
    np.testing.assert_allclose(rgb_to_ycbcr(AS_FLOAT32), reference.rgb2ypbpr(COLORS), atol=1e-5)  # its matrix has 6 digits
    by_opencv = cv2.cvtColor(AS_FLOAT32, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]] - [0, 0.5, 0.5]
    np.testing.assert_allclose(rgb_to_ycbcr(AS_FLOAT32), by_opencv, atol=2e-3)  # its factors have three
    np.testing.assert_allclose(rgb_to_ycbcr(np.array([1, 0, 0], np.float32)), [0.299, -0.299 / 1.772, 0.5], atol=1e-7)


def test_yiq():
    np.testing.assert_allclose(rgb_to_yiq(AS_FLOAT32), reference.rgb2yiq(COLORS), atol=1e-6)


def test_luma():
    np.testing.assert_allclose(luma(AS_FLOAT32), COLORS @ [0.299, 0.587, 0.114], atol=1e-6)


def test_lab():
    np.testing.assert_allclose(rgb_to_lab(AS_FLOAT32), reference.rgb2lab(COLORS), atol=2e-3)  # of 100


def test_lalphabeta_of_grey_and_of_black():
    # For grey the cones respond by their row sums; black is raised to 1e-4.
    rows = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]).sum(axis=1)

    def expected(cones):
        long, medium, short = np.log10(cones)
        return [(long + medium + short) / 3**0.5, (long + medium - 2 * short) / 6**0.5, (long - medium) / 2**0.5]

    np.testing.assert_allclose(rgb_to_lalphabeta(np.full(3, 0.5, np.float32)), expected(from_srgb(0.5) * rows), atol=1e-6)
    np.testing.assert_allclose(rgb_to_lalphabeta(np.zeros(3, np.float32)), expected(np.full(3, 1e-4)), atol=3e-6)


def test_lalphabeta_against_numpy():
    cones = from_srgb(COLORS) @ np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]).T
    turned = np.log10(np.maximum(cones, 1e-4)) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]).T
    np.testing.assert_allclose(rgb_to_lalphabeta(AS_FLOAT32), turned / np.sqrt([3, 6, 2]), atol=1e-5)


@pytest.mark.parametrize("name", SPACES)
def test_there_and_back(name):
    from_rgb, to_rgb = SPACES[name]
    # Below 1e-4 of light, 0.0013 encoded, lαβ does not tell colours apart.
    tolerance = 2e-3 if name == "lalphabeta" else 1e-5
    np.testing.assert_allclose(to_rgb(from_rgb(AS_FLOAT32)), COLORS, atol=tolerance)


@pytest.mark.parametrize("name", SPACES)
@settings(deadline=None)
@given(st.lists(st.floats(-2, 3, width=32), min_size=3, max_size=3))
def test_any_number_has_a_place(name, color):
    from_rgb, to_rgb = SPACES[name]
    there = np.asarray(from_rgb(np.float32(color)))
    assert np.isfinite(there).all()
    if name != "lalphabeta":
        np.testing.assert_allclose(to_rgb(there), color, atol=1e-4)
