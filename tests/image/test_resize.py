"""Resampling against a dense float64 sum written from the formulas, Pillow, and OpenCV."""

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.image.resize import crop_center, resize
from stylepipe.image.sizes import scaled

METHODS = ["lanczos3", "bicubic", "bilinear", "area", "nearest"]
SIZES = [((12, 17), (40, 51)), ((40, 51), (12, 17)), ((31, 24), (16, 48)), ((9, 7), (5, 6)), ((8, 8), (1, 1)), ((1, 1), (5, 3))]
# 90 source pixels for each new one: more taps than are unrolled.
SIZES_WITH_LONG_KERNELS = [((180, 13), (2, 13))]

KERNELS = {
    "lanczos3": (3, lambda x: np.sinc(x) * np.sinc(x / 3)),
    # Keys 1981, equation 15.
    "bicubic": (2, lambda x: 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2),
    "bilinear": (1, lambda x: 1 - x),
}


def dense_weights(old: int, new: int, method: str) -> np.ndarray:
    """Row i: the weight of each old pixel in new pixel i, entry by entry."""
    step, weights = old / new, np.zeros((new, old))
    for i in range(new):
        for j in range(old):
            if method == "area":
                weights[i, j] = max(0, min((i + 1) * step, j + 1) - max(i * step, j))
            elif method == "nearest":
                weights[i, j] = j <= (i + 0.5) * step < j + 1
            else:
                half, kernel = KERNELS[method]
                x = abs((i + 0.5) * step - (j + 0.5)) / max(step, 1)
                weights[i, j] = kernel(x) if x < half else 0
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("old", "new"), SIZES + SIZES_WITH_LONG_KERNELS)
def test_against_a_dense_sum(method, old, new):
    pixels = np.random.default_rng(0).random(old, dtype=np.float32)
    expected = dense_weights(old[0], new[0], method) @ pixels @ dense_weights(old[1], new[1], method).T
    result = resize(pixels, new, method=method)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "pillows"),
    [
        ("lanczos3", PIL.Image.Resampling.LANCZOS),
        ("bicubic", PIL.Image.Resampling.BICUBIC),
        ("bilinear", PIL.Image.Resampling.BILINEAR),
    ],
)
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_against_pillow(method, pillows, old, new):
    pixels = np.random.default_rng(2).random(old, dtype=np.float32)
    expected = PIL.Image.fromarray(pixels).resize(new[::-1], pillows)
    np.testing.assert_allclose(resize(pixels, new, method=method), np.asarray(expected), atol=2e-6)


@pytest.mark.parametrize(("old", "new"), [((40, 51), (12, 17)), ((33, 48), (11, 16)), ((8, 8), (3, 5))])
def test_area_against_opencv(old, new):
    pixels = np.random.default_rng(3).random(old, dtype=np.float32)
    expected = cv2.resize(pixels, new[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(resize(pixels, new, method="area"), expected, atol=1e-6)


def test_halving_by_area_is_the_mean_of_four():
    pixels = np.random.default_rng(4).random((6, 8, 3), dtype=np.float32)
    np.testing.assert_allclose(resize(pixels, (3, 4), method="area"), pixels.reshape(3, 2, 4, 2, 3).mean((1, 3)), atol=1e-6)


def test_linear_light_keeps_the_mean_of_light():
    # Black and white lines from afar: half the light, 0.735 when encoded, and not the gray level 0.5.
    lines = np.zeros((8, 8, 3), np.float32)
    lines[::2] = 1
    np.testing.assert_allclose(resize(lines, (4, 4), method="area", linear_light=True), 0.7353569, atol=1e-6)
    np.testing.assert_allclose(resize(lines, (4, 4), method="area"), 0.5, atol=1e-6)


def test_linear_light_survives_overshoot():
    edge = np.zeros((4, 16, 3), np.float32)
    edge[:, 8:] = 1
    result = np.asarray(resize(edge, (8, 32), method="lanczos3", linear_light=True))
    assert np.isfinite(result).all()
    assert result.min() < 0 < 1 < result.max()


def test_the_same_size_is_the_same_picture():
    pixels = np.random.default_rng(5).random((5, 6, 3), dtype=np.float32)
    for method in METHODS:
        np.testing.assert_array_equal(resize(pixels, (5, 6), method=method, linear_light=True), pixels)


sides = st.integers(1, 9)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(METHODS), sides, sides, sides, sides, st.floats(0, 1, width=32), st.booleans())
def test_a_constant_stays_constant(method, height, width, new_height, new_width, value, linear_light):
    result = resize(
        np.full((height, width), value, np.float32), (new_height, new_width), method=method, linear_light=linear_light
    )
    np.testing.assert_allclose(result, value, atol=2e-6)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(METHODS), sides, sides, sides, sides, st.integers(0, 2**32 - 1))
def test_turning_and_resizing_commute(method, height, width, new_height, new_width, seed):
    pixels = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    turned = resize(np.ascontiguousarray(pixels.T), (new_width, new_height), method=method)
    np.testing.assert_allclose(resize(pixels, (new_height, new_width), method=method), turned.T, atol=2e-6)


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "factor", "expected"),
    [((432, 768), 4.0, (1728, 3072)), ((3, 5), 0.5, (2, 2)), ((1, 1000), 0.001, (1, 1)), ((100, 75), 2 / 3, (67, 50))],
)
def test_scaled(size, factor, expected):
    assert scaled(size, factor) == expected


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(1e-6, 8))
def test_a_size_is_never_zero_and_keeps_the_aspect_to_a_pixel(height, width, factor):
    new_height, new_width = scaled((height, width), factor)
    assert min(new_height, new_width) >= 1
    assert abs(new_height - max(1, height * factor)) <= 0.5
    assert abs(new_width - max(1, width * factor)) <= 0.5


def test_the_center_is_cropped():
    pixels = np.arange(5 * 6).reshape(5, 6).astype(np.float32)
    np.testing.assert_array_equal(crop_center(pixels, (3, 2)), [[8, 9], [14, 15], [20, 21]])
    np.testing.assert_array_equal(crop_center(pixels, (5, 6)), pixels)
