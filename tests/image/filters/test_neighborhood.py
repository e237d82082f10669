"""Gaussian blur and median against SciPy, unsharp mask against scikit-image, all in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.filters import unsharp_mask as skimage_unsharp_mask

from stylepipe.image.filters.neighborhood import gaussian_blur, median, unsharp_mask

# Weighted means of values in [0, 1]: a few roundings of float32, whose step is 6e-8 there.
ROUNDING = 1e-6

PICTURES = npst.arrays(np.float32, (9, 12, 3), elements=st.floats(0, 1, width=32, allow_subnormal=False))


def picture(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


# --- Gaussian blur ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.1, 0.7, 2.0, 9.3, 60.0])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (23, 37), (64, 40)])
def test_blur_is_scipys(size, sigma):
    pixels = picture(*size)
    expected = scipy.ndimage.gaussian_filter(np.float64(pixels), sigma, mode="reflect", truncate=4, axes=(0, 1))
    np.testing.assert_allclose(gaussian_blur(pixels, sigma=sigma), expected, rtol=0, atol=ROUNDING)


def test_blur_takes_a_plane():
    pixels = picture(20, 30)
    plane = gaussian_blur(pixels[..., 1], sigma=2.0)
    np.testing.assert_allclose(plane, gaussian_blur(pixels, sigma=2.0)[..., 1], rtol=0, atol=ROUNDING)


def test_blur_of_a_point_is_the_kernel():
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    blurred = np.float64(gaussian_blur(point, sigma=3.0))
    offsets = np.arange(41) - 20
    gaussian = np.exp(-(offsets**2) / 18) * (np.abs(offsets) <= 12)
    expected = np.outer(gaussian, gaussian) / gaussian.sum() ** 2
    np.testing.assert_allclose(blurred, expected, rtol=0, atol=1e-8)  # the highest value is 0.018


# --- unsharp mask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "radius"), [(0.5, 1.0), (2.0, 3.0), (10.0, 20.0)])
def test_unsharp_mask_of_a_gray_picture_is_scikit_images(amount, radius):
    gray = picture(30, 47)[..., 0]
    expected = skimage_unsharp_mask(np.float64(gray), radius=radius, amount=amount)
    found = unsharp_mask(np.repeat(gray[..., None], 3, axis=-1), amount=amount, radius=radius)
    assert np.mean((expected > 0) & (expected < 1)) > 0.05
    for channel in range(3):
        np.testing.assert_allclose(found[..., channel], expected, rtol=0, atol=(1 + amount) * ROUNDING)


def test_unsharp_mask_of_a_color_picture_by_its_formula():
    pixels, amount, threshold = np.float64(picture(30, 47)), 1.5, 0.1
    luma = pixels @ [0.299, 0.587, 0.114]
    detail = luma - scipy.ndimage.gaussian_filter(luma, 2.0, mode="reflect")
    detail = np.where(detail > threshold, detail - threshold, np.where(detail < -threshold, detail + threshold, 0))
    assert 0.1 < np.mean(detail == 0) < 0.9
    expected = np.clip(pixels + amount * detail[..., None], 0, 1)
    found = unsharp_mask(np.float32(pixels), amount=amount, radius=2.0, threshold=threshold)
    np.testing.assert_allclose(found, expected, rtol=0, atol=(1 + amount) * ROUNDING)


@settings(max_examples=25, deadline=None)
@given(PICTURES)
def test_sharpening_by_nothing_changes_nothing(pixels):
    np.testing.assert_array_equal(unsharp_mask(pixels, amount=0.0, radius=2.0), pixels)
    np.testing.assert_array_equal(unsharp_mask(pixels, amount=3.0, radius=2.0, threshold=1.0), pixels)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1, width=32), st.floats(0, 10), st.floats(0.2, 100))
def test_a_constant_has_no_detail(value, amount, radius):
    pixels = np.full((9, 12, 3), value, np.float32)
    np.testing.assert_allclose(unsharp_mask(pixels, amount=amount, radius=radius), pixels, rtol=0, atol=(1 + amount) * ROUNDING)


@settings(max_examples=25, deadline=None)
@given(PICTURES)
def test_sharpening_stays_in_range(pixels):
    sharp = np.asarray(unsharp_mask(pixels, amount=10.0, radius=2.0))
    assert sharp.min() >= 0
    assert sharp.max() <= 1


# --- median -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [3, 5, 7])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (23, 37)])
def test_median_is_scipys(size, window):
    pixels = picture(*size)
    expected = scipy.ndimage.median_filter(pixels, size=(window, window, 1), mode="reflect")
    with jax.disable_jit(size == (2, 3) and window == 7):  # whose program XLA compiles for minutes: most values are the same
        np.testing.assert_array_equal(median(pixels, size=window), expected)


@settings(max_examples=25, deadline=None)
@given(npst.arrays(np.float32, (9, 12, 3), elements=st.sampled_from([0, 0.25, 0.5, 1])))
def test_median_of_repeated_values(pixels):
    expected = scipy.ndimage.median_filter(pixels, size=(5, 5, 1), mode="reflect")
    np.testing.assert_array_equal(median(pixels, size=5), expected)


def test_median_removes_a_speck_and_keeps_an_edge():
    clean = np.zeros((12, 12), np.float32)
    clean[:, 6:] = 1
    dirty = clean.copy()
    dirty[5, 2] = 1
    np.testing.assert_array_equal(median(dirty, size=3), clean)


# --- all --------------------------------------------------------------------------------------------------------------

FILTERS = {
    "blur": lambda pixels: gaussian_blur(pixels, sigma=0.8),
    "unsharp": lambda pixels: unsharp_mask(pixels, amount=1.0, radius=0.8),
    "median": lambda pixels: median(pixels, size=5),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_shifted_picture_gives_a_shifted_result(name):
    scene = jnp.asarray(picture(30, 40))
    here, there = FILTERS[name](scene[:24, :32]), FILTERS[name](scene[3:27, 5:37])
    np.testing.assert_allclose(here[7:20, 9:28], there[4:17, 4:23], rtol=0, atol=2 * ROUNDING)
