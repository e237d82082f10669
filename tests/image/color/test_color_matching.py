"""Color matching: its defining properties, in float64; scikit-image and SciPy as oracles."""

from functools import partial

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.exposure import match_histograms

from stylepipe.image.color.color_matching import match_covariance, match_histogram, match_luminance, match_mean_std
from stylepipe.image.color.color_spaces import SPACES

VARIANTS = ["cholesky", "pca", "monge_kantorovitch"]
LUMA_SPACES = ["ycbcr", "yiq", "lab", "oklab"]
SPACES_OF_STATISTICS = ["lalphabeta", "lab", "oklab", "rgb"]


def picture(seed: int, size: tuple[int, int] = (32, 40)) -> np.ndarray:
    """Correlated colors, well within [0, 1] and away from black."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(*size, 3)) @ rng.normal(0, 0.2, (3, 3)) + rng.uniform(-0.5, 0.5, 3)
    return (0.5 + 0.4 * np.tanh(mixed)).astype(np.float32)


def mean_and_covariance(pixels, weights=None) -> tuple[np.ndarray, np.ndarray]:
    flat = np.asarray(pixels, np.float64).reshape(-1, 3)
    aweights = None if weights is None else weights.ravel()
    return np.average(flat, axis=0, weights=aweights), np.cov(flat.T, aweights=aweights, bias=True, ddof=0)


BY_LUMINANCE = [pytest.param(partial(match_luminance, space=space), id=f"luminance-{space}") for space in LUMA_SPACES]
BY_MOMENTS = [
    *[pytest.param(partial(match_mean_std, space=space), id=f"mean_std-{space}") for space in SPACES_OF_STATISTICS],
    *[pytest.param(partial(match_covariance, variant=variant), id=f"linear-{variant}") for variant in VARIANTS],
]
EVERY_WAY = [*BY_LUMINANCE, pytest.param(match_histogram, id="histogram"), *BY_MOMENTS]
KINDS = {
    "flat": np.full((32, 40, 3), [0.3, 0.4, 0.7], np.float32),
    "gray": np.repeat(picture(1)[..., :1], 3, axis=-1),
    "black": np.zeros((32, 40, 3), np.float32),
    "ordinary": picture(2),
}


@pytest.mark.parametrize("match", EVERY_WAY)
def test_a_picture_with_its_own_colors_stays(match):
    np.testing.assert_allclose(match(picture(0), picture(0)), picture(0), atol=1e-5)


@pytest.mark.parametrize("match", EVERY_WAY)
@pytest.mark.parametrize("ours", KINDS)
@pytest.mark.parametrize("theirs", KINDS)
def test_no_picture_gives_what_is_not_a_number(match, ours, theirs):
    result = np.asarray(match(KINDS[ours], KINDS[theirs]))
    assert result.shape == (32, 40, 3)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("match", BY_MOMENTS)
def test_a_flat_picture_stays_flat(match):
    result = np.asarray(match(KINDS["flat"], picture(2)))
    assert np.ptp(result, axis=(0, 1)).max() < 1e-3


@pytest.mark.parametrize("match", BY_MOMENTS)
@pytest.mark.parametrize("ours", ["ordinary", "gray"])
def test_the_colors_of_a_flat_picture_make_flat(match, ours):
    result = np.asarray(match(KINDS[ours], KINDS["flat"]))
    assert np.abs(result - KINDS["flat"]).max() < 0.01


# --- luminance --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", LUMA_SPACES)
def test_luminance_keeps_luma_and_takes_chroma(space):
    from_rgb, _ = SPACES[space]
    result = np.asarray(from_rgb(match_luminance(picture(3), picture(4), space=space)))
    scale = 100 if space == "lab" else 1
    np.testing.assert_allclose(result[..., 0] / scale, np.asarray(from_rgb(picture(3)))[..., 0] / scale, atol=1e-6)
    np.testing.assert_allclose(result[..., 1:] / scale, np.asarray(from_rgb(picture(4)))[..., 1:] / scale, atol=1e-5)


# --- histogram --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [None, 16, 256])
def test_histogram_agrees_with_scikit_image(levels):
    ours, theirs = picture(5), picture(6, (25, 30))
    if levels:
        ours, theirs = (np.float32(np.rint(p * (levels - 1)) / (levels - 1)) for p in (ours, theirs))
    expected = match_histograms(ours.astype(np.float64), theirs.astype(np.float64), channel_axis=-1)
    np.testing.assert_allclose(match_histogram(ours, theirs), expected, atol=1e-6)


def test_the_sorted_values_are_those_of_the_other_picture():
    ranks = np.random.default_rng(7).permuted(np.tile(np.arange(1, 1281), (6, 1)), axis=1) / 1280  # no value twice
    ours, theirs = (part.T.reshape(32, 40, 3).astype(np.float32) for part in (ranks[:3] ** 2, ranks[3:] ** 0.5))
    result = match_histogram(ours, theirs)
    np.testing.assert_allclose(np.sort(result.reshape(-1, 3), axis=0), np.sort(theirs.reshape(-1, 3), axis=0), atol=1e-6)


def test_histogram_within_regions_is_histogram_of_the_regions():
    ours, theirs = picture(9), picture(10)
    left, top = np.zeros((32, 40), np.float32), np.zeros((32, 40), np.float32)
    left[:, :17], top[:11] = 1, 1
    result = match_histogram(ours, theirs, weights=left, color_weights=top)
    np.testing.assert_allclose(result[:, :17], match_histogram(ours[:, :17], theirs[:11]), atol=1e-6)


def test_a_weight_of_two_counts_twice():
    ours, theirs = picture(11, (6, 5)), picture(12, (7, 4))
    twice = np.ones((7, 4), np.float32)
    twice[2:4] = 2
    repeated = np.concatenate([theirs, theirs[2:4]])
    np.testing.assert_allclose(match_histogram(ours, theirs, color_weights=twice), match_histogram(ours, repeated), atol=1e-6)


# --- mean and standard deviation, mean and covariance -----------------------------------------------------------------


def soft_mask(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((32, 40), dtype=np.float32) ** 2


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("space", SPACES_OF_STATISTICS)
def test_mean_and_standard_deviation_match(space, masked):
    from_rgb, _ = SPACES[space]
    weights, color_weights = (soft_mask(1), soft_mask(2)) if masked else (None, None)
    result = match_mean_std(picture(13), picture(14), space=space, weights=weights, color_weights=color_weights)
    mean, covariance = mean_and_covariance(from_rgb(result), weights)
    wanted_mean, wanted = mean_and_covariance(from_rgb(picture(14)), color_weights)
    scale = 100 if space == "lab" else 1
    np.testing.assert_allclose(mean / scale, wanted_mean / scale, atol=1e-5)
    np.testing.assert_allclose(np.diag(covariance) ** 0.5 / scale, np.diag(wanted) ** 0.5 / scale, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_mean_and_covariance_match(variant, masked):
    weights, color_weights = (soft_mask(3), soft_mask(4)) if masked else (None, None)
    result = match_covariance(picture(15), picture(16), variant=variant, weights=weights, color_weights=color_weights)
    mean, covariance = mean_and_covariance(result, weights)
    wanted_mean, wanted = mean_and_covariance(picture(16), color_weights)
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-6)
    np.testing.assert_allclose(covariance, wanted, atol=2e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_linear_maps(variant):
    ours, theirs = picture(17), picture(18)
    (mean, covariance), (wanted_mean, wanted) = mean_and_covariance(ours), mean_and_covariance(theirs)
    root = scipy.linalg.sqrtm
    if variant == "cholesky":
        matrix = np.linalg.cholesky(wanted) @ np.linalg.inv(np.linalg.cholesky(covariance))
    elif variant == "pca":
        matrix = root(wanted) @ np.linalg.inv(root(covariance))
    else:  # the geometric mean of Σ⁻¹ and Σ′: the form of Dowson & Landau 1982
        matrix = root(wanted) @ np.linalg.inv(root(root(wanted) @ covariance @ root(wanted))) @ root(wanted)
    expected = (ours.astype(np.float64) - mean) @ np.real(matrix).T + wanted_mean
    np.testing.assert_allclose(match_covariance(ours, theirs, variant=variant), expected, atol=2e-4)


def test_monge_kantorovitch_moves_colors_least():
    moved = {v: np.mean((match_covariance(picture(19), picture(20), variant=v) - picture(19)) ** 2) for v in VARIANTS}
    assert moved["monge_kantorovitch"] <= min(moved["cholesky"], moved["pca"])


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(VARIANTS), st.integers(0, 2**32 - 1), st.floats(0.01, 1))
def test_covariances_match_for_any_pictures(variant, seed, contrast):
    rng = np.random.default_rng(seed)
    ours, theirs = rng.random((9, 11, 3), dtype=np.float32) * np.float32(contrast), rng.random((8, 13, 3), dtype=np.float32)
    mean, covariance = mean_and_covariance(match_covariance(ours, theirs, variant=variant))
    wanted_mean, wanted = mean_and_covariance(theirs)
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-5)
    # What 1e-7 more of variance does where the whole is contrast²/12.
    np.testing.assert_allclose(covariance, wanted, atol=1e-7 * 24 / contrast**2 + 1e-6)
