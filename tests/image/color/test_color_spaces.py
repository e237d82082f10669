"""Color spaces against scikit-image, OpenCV and NumPy from the formulas, in float64; and colors known by heart."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as reference

from stylepipe.image.color.color_spaces import (
    SPACES,
    linear_to_srgb,
    luma,
    rgb_to_lab,
    rgb_to_lalphabeta,
    rgb_to_oklab,
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


def test_lalphabeta_of_gray_and_of_black():
    # For gray the cones respond by their row sums; black is raised to 1e-4.
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


OKLAB_FROM_LINEAR = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB_FROM_XYZ = np.array(
    [
        [0.8189330101, 0.3618667424, -0.1288597137],
        [0.0329845436, 0.9293118715, 0.0361456387],
        [0.0482003018, 0.2643662691, 0.6338517070],
    ]
)
OKLAB_FROM_ROOTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def test_oklab_by_its_published_matrices():
    """Ottosson 2020 gives the first one for linear sRGB and, to fewer exact digits, for XYZ."""
    from_linear = np.cbrt(from_srgb(COLORS) @ OKLAB_FROM_LINEAR.T) @ OKLAB_FROM_ROOTS.T
    np.testing.assert_allclose(rgb_to_oklab(AS_FLOAT32), from_linear, rtol=0, atol=2e-6)
    from_xyz = np.cbrt(reference.rgb2xyz(COLORS) @ OKLAB_FROM_XYZ.T) @ OKLAB_FROM_ROOTS.T
    np.testing.assert_allclose(rgb_to_oklab(AS_FLOAT32), from_xyz, rtol=0, atol=1e-3)


def test_oklab_of_colors_known_by_heart():
    known = {
        (1, 1, 1): (1, 0, 0),
        (0, 0, 0): (0, 0, 0),
        (1, 0, 0): (0.62796, 0.22486, 0.12585),
        (0, 0, 1): (0.45201, -0.03246, -0.31153),
    }
    np.testing.assert_allclose(rgb_to_oklab(np.float32(list(known))), list(known.values()), rtol=0, atol=2e-5)
    grays = np.asarray(rgb_to_oklab(np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[:, None], 3, axis=1)))
    np.testing.assert_allclose(grays[:, 1:], 0, atol=1e-6)


@pytest.mark.parametrize("name", SPACES)
def test_there_and_back(name):
    from_rgb, to_rgb = SPACES[name]
    # Below 1e-4 of light, 0.0013 encoded, lαβ does not tell colors apart. Oklab cubes what was rounded.
    tolerance = {"lalphabeta": 2e-3, "oklab": 3e-5}.get(name, 1e-5)
    np.testing.assert_allclose(to_rgb(from_rgb(AS_FLOAT32)), COLORS, atol=tolerance)


@pytest.mark.parametrize("name", SPACES)
@settings(deadline=None)
@given(st.lists(st.floats(-2, 3, width=32), min_size=3, max_size=3))
def test_any_number_has_a_place(name, color):
    from_rgb, to_rgb = SPACES[name]
    there = np.asarray(from_rgb(np.float32(color)))
    assert np.isfinite(there).all()
    if name != "lalphabeta":
        cubed = name in ("lab", "oklab")  # and with it what was rounded: (0, −2, 2) comes back from Lab 1.4e-4 off
        np.testing.assert_allclose(to_rgb(there), color, atol=5e-4 if cubed else 1e-4)
