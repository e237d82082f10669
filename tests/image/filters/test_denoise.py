"""Total variation, bilateral and non-local means against scikit-image, OpenCV, and their formulas in float64."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.restoration import denoise_bilateral, denoise_tv_chambolle

from stylepipe.image.filters.denoise import bilateral, non_local_means, total_variation

ROUNDING = 2e-6  # means of values in [0, 1] with weights from float32's exp

PICTURES = npst.arrays(np.float32, (7, 9, 3), elements=st.floats(0, 1, width=32))


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Two areas, a slope and noise."""
    draw = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / max(height, width)
    scene = np.where(x > 0.5, 0.7, 0.3)[..., None] + 0.2 * y[..., None] * np.linspace(-1, 1, channels)
    return np.float32(np.clip(scene + 0.08 * draw.normal(size=(height, width, channels)), 0, 1))


# --- total variation --------------------------------------------------------------------------------------------------


def chambolle(pixels: np.ndarray, weight: float, iterations: int) -> list[np.ndarray]:
    """All iterates of the picture: Chambolle 2004, section 6, with his p, of length at most 1, for each pixel's channels."""
    p = np.zeros((2, *pixels.shape))
    iterates = []
    for _ in range(iterations):
        scaled = divergence(p) - pixels / weight
        slope = gradient(scaled)
        p = (p + 0.25 * slope) / (1 + 0.25 * np.sqrt((slope**2).sum((0, 3), keepdims=True)))
        iterates.append(pixels - weight * divergence(p))
    return iterates


def gradient(u: np.ndarray) -> np.ndarray:
    slope = np.zeros((2, *u.shape))
    slope[0, :-1], slope[1, :, :-1] = u[1:] - u[:-1], u[:, 1:] - u[:, :-1]
    return slope


def divergence(p: np.ndarray) -> np.ndarray:
    down, right = p.copy()
    down[1:-1] -= p[0, :-2]
    down[-1] = -p[0, -2] if len(down) > 1 else 0
    right[:, 1:-1] -= p[1, :, :-2]
    right[:, -1] = -p[1, :, -2] if right.shape[1] > 1 else 0
    return down + right


@pytest.mark.parametrize("weight", [0.02, 0.3])
def test_total_variation_of_one_channel_is_scikit_images(weight):
    gray = picture(31, 44, 1)
    expected = denoise_tv_chambolle(
        np.float64(gray[..., 0]), weight=weight, eps=0, max_num_iter=41
    )  # its first changes nothing
    found = total_variation(gray, weight=weight, iterations=40, tolerance=0.0)
    np.testing.assert_allclose(found[..., 0], expected, rtol=0, atol=ROUNDING)


def test_total_variation_of_colors_is_chambolles_iteration():
    pixels = picture(31, 44)
    expected = chambolle(np.float64(pixels), 0.1, 40)[-1]
    found = total_variation(pixels, weight=0.1, iterations=40, tolerance=0.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_total_variation_of_a_step_is_known():
    """Each side moves toward the other by weight over its width, as long as they do not meet."""
    step = np.zeros((6, 10, 1), np.float32)
    step[:, 4:] = 0.8
    expected = np.where(np.arange(10) < 4, 0.12 / 4, 0.8 - 0.12 / 6)
    found = total_variation(step, weight=0.12, iterations=5000, tolerance=0.0)
    np.testing.assert_allclose(found[..., 0], np.broadcast_to(expected, (6, 10)), rtol=0, atol=2e-4)


def test_total_variation_ends_when_nothing_changes_by_more_than_the_tolerance():
    pixels, tolerance = picture(31, 44), 0.004
    iterates = [np.float64(pixels), *chambolle(np.float64(pixels), 0.1, 60)]
    changes = [np.abs(after - before).max() for before, after in pairwise(iterates)]
    last = next(i for i, change in enumerate(changes, 1) if change <= tolerance)
    assert 3 < last < 60
    found = total_variation(pixels, weight=0.1, iterations=60, tolerance=tolerance)
    np.testing.assert_allclose(found, iterates[last], rtol=0, atol=ROUNDING)


@settings(max_examples=25, deadline=None)
@given(PICTURES, st.floats(1e-6, 1))
def test_total_variation_moves_nothing_by_more_than_four_weights(pixels, weight):
    found = np.asarray(total_variation(pixels, weight=weight, iterations=30, tolerance=0.0))
    assert np.abs(found - pixels).max() <= 4 * weight + ROUNDING


# --- bilateral --------------------------------------------------------------------------------------------------------


def mean_over_shifts(
    pixels: np.ndarray, search: int, patch: int, weight: Callable[[int, int, np.ndarray], np.ndarray]
) -> np.ndarray:
    """A weighted mean over all shifts; `weight` gets the shift and the mean squared difference of the patches."""
    height, width, _ = pixels.shape
    beyond = search + patch
    padded = np.pad(np.float64(pixels), ((beyond, beyond), (beyond, beyond), (0, 0)), mode="symmetric")
    total, mean = np.zeros((height, width, 1)), np.zeros(pixels.shape)
    for y in range(height):
        for x in range(width):
            here = padded[y + search :, x + search :][: 2 * patch + 1, : 2 * patch + 1]
            for dy in range(-search, search + 1):
                for dx in range(-search, search + 1):
                    there = padded[y + dy + search :, x + dx + search :][: 2 * patch + 1, : 2 * patch + 1]
                    w = weight(dy, dx, ((there - here) ** 2).mean())
                    total[y, x] += w
                    mean[y, x] += w * there[patch, patch]
    return mean / total


@pytest.mark.parametrize(("sigma_space", "sigma_color", "radius"), [(1.0, 0.1, 6), (1.6, 0.3, 10)])
def test_bilateral_of_one_channel_is_opencvs(sigma_space, sigma_color, radius):
    """OpenCV's window is round; what lies in the corners of ours weighs less than 1e-8 here."""
    gray = picture(25, 34, 1)
    expected = cv2.bilateralFilter(gray[..., 0], 2 * radius + 1, sigma_color, sigma_space, borderType=cv2.BORDER_REFLECT)
    found = bilateral(gray, sigma_space=sigma_space, sigma_color=sigma_color, radius=radius)
    np.testing.assert_allclose(found[..., 0], expected, rtol=0, atol=ROUNDING)


def test_bilateral_of_colors_is_scikit_images():
    """Without weights in space, which scikit-image 0.26 misplaces; it divides the distance of colors by their channels."""
    pixels = picture(25, 34)
    expected = denoise_bilateral(
        np.float64(pixels),
        win_size=7,
        sigma_spatial=1e9,
        sigma_color=0.1,
        bins=1_000_000,  # of a table of weights
        mode="symmetric",
        channel_axis=-1,
    )
    found = bilateral(pixels, sigma_space=1e9, sigma_color=0.1 * 3, radius=3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_bilateral_by_its_formula():
    pixels = picture(9, 8)
    expected = mean_over_shifts(
        pixels, 2, 0, lambda dy, dx, d: np.exp(-(dy**2 + dx**2) / (2 * 1.2**2)) * np.exp(-3 * d / (2 * 0.2**2))
    )
    np.testing.assert_allclose(bilateral(pixels, sigma_space=1.2, sigma_color=0.2, radius=2), expected, rtol=0, atol=ROUNDING)


# --- non-local means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("strength", "patch", "search"), [(25, 2, 4), (15, 3, 5), (60, 1, 7)])
def test_non_local_means_of_one_channel_is_opencvs(strength, patch, search):
    """OpenCV computes in whole levels of 8 bits, and mirrors without the border pixels; so it gets a mirrored picture."""
    levels = np.uint8(np.round(255 * picture(40, 50, 1)[..., 0]))
    beyond = patch + search
    mirrored = np.pad(levels, beyond, mode="symmetric")
    whole = cv2.fastNlMeansDenoising(mirrored, None, strength, 2 * patch + 1, 2 * search + 1)
    expected = np.float64(whole[beyond:-beyond, beyond:-beyond])
    assert np.abs(expected - levels).max() > 30
    found = non_local_means(
        np.float32(levels[..., None] / 255), strength=strength / 255, patch_radius=patch, search_radius=search
    )
    np.testing.assert_allclose(255 * found[..., 0], expected, rtol=0, atol=1)


@pytest.mark.parametrize(("strength", "patch", "search"), [(0.08, 1, 2), (0.15, 2, 1), (0.1, 0, 3)])
def test_non_local_means_by_its_formula(strength, patch, search):
    pixels = picture(8, 9)
    expected = mean_over_shifts(pixels, search, patch, lambda dy, dx, d: np.exp(-d / strength**2))
    assert np.abs(expected - pixels).max() > 0.05
    found = non_local_means(pixels, strength=strength, patch_radius=patch, search_radius=search)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


# --- all --------------------------------------------------------------------------------------------------------------

DENOISERS = {
    "total_variation": lambda pixels: total_variation(pixels, weight=0.1, iterations=20, tolerance=0.0),
    "bilateral": lambda pixels: bilateral(pixels, sigma_space=2.0, sigma_color=0.2, radius=3),
    "non_local_means": lambda pixels: non_local_means(pixels, strength=0.1, patch_radius=1, search_radius=2),
}
HARDLY = {
    "total_variation": lambda pixels: total_variation(pixels, weight=1e-7, iterations=20, tolerance=0.0),
    "bilateral": lambda pixels: bilateral(pixels, sigma_space=2.0, sigma_color=0.001, radius=2),
    "non_local_means": lambda pixels: non_local_means(pixels, strength=0.001, patch_radius=1, search_radius=2),
}


@pytest.mark.parametrize("name", DENOISERS)
def test_noise_is_removed(name):
    clean = np.zeros((40, 40, 3), np.float32) + np.float32([0.2, 0.5, 0.7])
    clean[:, 20:] = [0.8, 0.4, 0.3]
    noisy = clean + np.random.default_rng(1).normal(0, 0.05, clean.shape).astype(np.float32)
    assert np.square(DENOISERS[name](noisy) - clean).mean() < 0.2 * np.square(noisy - clean).mean()


@pytest.mark.parametrize("name", HARDLY)
def test_the_least_strength_changes_nothing(name):
    pixels = picture(15, 18)
    np.testing.assert_allclose(HARDLY[name](pixels), pixels, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", DENOISERS)
@settings(max_examples=25, deadline=None)
@given(value=st.floats(0, 1, width=32))
def test_a_constant_stays(name, value):
    pixels = np.full((7, 9, 3), value, np.float32)
    np.testing.assert_allclose(DENOISERS[name](pixels), pixels, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", DENOISERS)
@settings(max_examples=25, deadline=None)
@given(pixels=PICTURES)
def test_values_stay_in_the_pictures_range(name, pixels):
    found = np.asarray(DENOISERS[name](pixels))
    assert found.min() >= pixels.min() - ROUNDING
    assert found.max() <= pixels.max() + ROUNDING


@pytest.mark.parametrize("name", ["bilateral", "non_local_means"])
def test_a_shifted_picture_gives_a_shifted_result(name):
    scene = picture(30, 40)
    here, there = DENOISERS[name](scene[:24, :32]), DENOISERS[name](scene[3:27, 5:37])
    np.testing.assert_allclose(here[7:20, 9:28], there[4:17, 4:23], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3)])
def test_the_smallest_pictures(name, size):
    found = np.asarray(DENOISERS[name](picture(*size)))
    assert found.shape == (*size, 3)
    assert np.isfinite(found).all()
