"""Each kind of `denoise` reaches its own kernel with its own parameters."""

import numpy as np
import pytest
import scipy.ndimage
from pydantic import ValidationError

from stages.denoise import DenoiseParams, denoise
from stylepipe.artifacts import Image
from stylepipe.image.filters.denoise import bilateral, non_local_means, total_variation

PIXELS = np.random.default_rng(0).random((20, 30, 3), np.float32)


def denoised(**method) -> np.ndarray:
    return np.asarray(denoise(Image(PIXELS), DenoiseParams(method=method)).pixels)


def test_median():
    expected = scipy.ndimage.median_filter(PIXELS, size=(5, 5, 1), mode="reflect")
    np.testing.assert_array_equal(denoised(kind="median", size=5), expected)


def test_total_variation():
    expected = total_variation(PIXELS, weight=0.2, iterations=3, tolerance=0.001)
    np.testing.assert_allclose(denoised(kind="total_variation", weight=0.2, iterations=3, tolerance=0.001), expected, atol=1e-6)
    assert np.abs(expected - denoised(kind="total_variation", weight=0.2, iterations=50)).max() > 0.01


def test_bilateral():
    expected = bilateral(PIXELS, sigma_space=1.0, sigma_color=0.7, radius=2)
    np.testing.assert_allclose(denoised(kind="bilateral", sigma_space=1, sigma_color=0.7, radius=2), expected, atol=1e-6)


def test_non_local_means():
    expected = non_local_means(PIXELS, strength=0.3, patch_radius=1, search_radius=2)
    found = denoised(kind="non_local_means", strength=0.3, patch_radius=1, search_radius=2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_total_variation_is_the_default():
    np.testing.assert_array_equal(denoise(Image(PIXELS), DenoiseParams()).pixels, denoised(kind="total_variation"))


@pytest.mark.parametrize(
    "method",
    [
        {"kind": "total_variation", "weight": 0.0001, "tolerance": 0, "iterations": 500},
        {"kind": "total_variation", "weight": 1, "tolerance": 0, "iterations": 500},
        {"kind": "bilateral", "sigma_space": 0.1, "sigma_color": 0.001, "radius": 1},
        {"kind": "bilateral", "sigma_space": 100, "sigma_color": 10, "radius": 30},
        {"kind": "non_local_means", "strength": 0.001, "patch_radius": 10, "search_radius": 1},
        {"kind": "non_local_means", "strength": 10, "patch_radius": 0, "search_radius": 20},
    ],
)
def test_the_extremes_of_all_parameters_on_black_and_white(method):
    bits = np.random.default_rng(1).integers(0, 2, (9, 14, 3)).astype(np.float32)
    found = np.asarray(denoise(Image(bits), DenoiseParams(method=method)).pixels)
    weak = min(method.get("weight", 1), method.get("sigma_color", 1), method.get("strength", 1)) < 0.01
    mean = np.broadcast_to(bits.mean((0, 1)), bits.shape)
    np.testing.assert_allclose(found, bits if weak else mean, atol=0.1)


def test_transparency_is_handed_on():
    alpha = PIXELS[..., 0]
    assert denoise(Image(PIXELS, alpha), DenoiseParams()).alpha is alpha


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "mean"},
        {"kind": "median", "size": 4},
        {"kind": "median", "radius": 1},
        {"kind": "total_variation", "weight": 0},
        {"kind": "bilateral", "sigma_color": 0},
        {"kind": "non_local_means", "search_radius": 21},
    ],
)
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        DenoiseParams(method=wrong)
