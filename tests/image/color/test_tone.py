"""Lightness: NumPy's percentiles and formulas in float64 as oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.image.color.color_spaces import rgb_to_oklab
from stylepipe.image.color.tone import lightness, stretch, with_lightness

PIXELS = 0.3 + 0.4 * np.random.default_rng(0).random((24, 31, 3), np.float32)
FULL = {"percentiles": (0.0, 100.0), "targets": (0.0, 1.0), "gamma": 1.0}


def plane(seed: int, size: tuple[int, int] = (24, 31)) -> np.ndarray:
    return (0.3 + 0.5 * np.random.default_rng(seed).random(size) ** 2).astype(np.float32)


def test_the_lightness_is_replaced_and_the_chroma_stays():
    new = plane(0)
    oklab = rgb_to_oklab(with_lightness(PIXELS, new))
    np.testing.assert_allclose(oklab[..., 0], new, rtol=0, atol=1e-5)
    np.testing.assert_allclose(oklab[..., 1:], rgb_to_oklab(PIXELS)[..., 1:], rtol=0, atol=1e-5)
    np.testing.assert_allclose(with_lightness(PIXELS, lightness(PIXELS)), PIXELS, rtol=0, atol=3e-5)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.7])
def test_stretch_by_its_formula(gamma):
    values = np.float64(plane(1))
    low, high = np.percentile(values, [2, 90], method="inverted_cdf")
    expected = 0.05 + 0.9 * np.clip((values - low) / (high - low), 0, 1) ** (1 / gamma)
    found = stretch(plane(1), percentiles=(2.0, 90.0), targets=(0.05, 0.95), gamma=gamma)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_percentiles_within_a_region_are_those_of_the_region():
    weights = np.zeros((24, 31), np.float32)
    weights[:, :12] = 0.5
    options = {"percentiles": (5.0, 95.0), "targets": (0.0, 1.0), "gamma": 1.0}
    found = stretch(plane(2), **options, weights=weights)
    np.testing.assert_array_equal(found[:, :12], stretch(np.ascontiguousarray(plane(2)[:, :12]), **options))


def test_a_weight_of_two_counts_twice():
    options = {"percentiles": (20.0, 70.0), "targets": (0.0, 1.0), "gamma": 1.0}
    twice = np.ones((24, 31), np.float32)
    twice[4:9] = 2
    repeated = np.concatenate([plane(3), plane(3)[4:9]])
    np.testing.assert_array_equal(stretch(plane(3), **options, weights=twice), stretch(repeated, **options)[:24])


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.floats(0, 40), st.floats(60, 100)),
    st.tuples(st.floats(0, 0.5), st.floats(0.5, 1)),
    st.floats(0.1, 10),
)
def test_stretch_keeps_the_order_and_the_range(seed, percentiles, targets, gamma):
    values = plane(seed, (9, 11))
    found = stretch(values, percentiles=percentiles, targets=targets, gamma=gamma).ravel()
    assert found.min() >= targets[0] - 1e-6
    assert found.max() <= targets[1] + 1e-6
    assert (np.diff(found[np.argsort(values, axis=None)]) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1, width=32))
def test_a_flat_plane_stays(value):
    flat = np.full((5, 4), value, np.float32)
    np.testing.assert_array_equal(stretch(flat, **FULL), flat)
    nearly = flat + np.float32(1e-4) * np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(stretch(nearly, **FULL), nearly)
