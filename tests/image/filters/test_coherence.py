"""The coherence-enhancing shock filter: SciPy in float64 as oracle, and what it does to strokes, grain and flat areas."""

from functools import partial

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.image.filters.coherence import coherence_filter
from stylepipe.image.filters.reach import coherence_reach
from stylepipe.image.filters.tiled_filter import tiled

SCALES = {"iterations": 1, "gradient_sigma": 1.0, "tensor_sigma": 1.5, "stroke_sigma": 2.0}
filtered = partial(coherence_filter, **SCALES, amount=0.7)


def strokes(size: tuple[int, int] = (48, 61), noise: float = 0.05) -> np.ndarray:
    """Rings around a point outside, 9 pixels from one to the next, with grain."""
    y, x = np.mgrid[: size[0], : size[1]]
    rings = 0.5 + 0.3 * np.sin(np.hypot(y + 20, x + 10) * 2 * np.pi / 9)
    colors = rings[..., None] * [1.0, 0.8, 0.6] + noise * np.random.default_rng(0).normal(size=(*size, 3))
    return np.float32(np.clip(colors, 0, 1))


def oracle(pixels, *, iterations, gradient_sigma, tensor_sigma, stroke_sigma, amount) -> np.ndarray:
    blur = partial(scipy.ndimage.gaussian_filter, mode="reflect", truncate=4)
    difference = partial(scipy.ndimage.correlate1d, mode="reflect")
    result = np.float64(pixels)
    height, width = result.shape[:2]
    y, x = np.mgrid[:height, :width]

    def luma(rgb):
        return rgb @ [0.299, 0.587, 0.114]

    def sampled(rows, columns):
        planes = np.moveaxis(result, -1, 0)
        return np.stack([scipy.ndimage.map_coordinates(each, [rows, columns], order=1, mode="nearest") for each in planes], -1)

    for _ in range(iterations):
        smooth = blur(luma(result), gradient_sigma)
        gx, gy = difference(smooth, [-0.5, 0, 0.5], axis=1), difference(smooth, [-0.5, 0, 0.5], axis=0)
        tensor = np.array([[blur(a * b, tensor_sigma) for a in (gx, gy)] for b in (gx, gy)])
        values, vectors = np.linalg.eigh(np.moveaxis(tensor, (0, 1), (-2, -1)))
        vx, vy = vectors[..., 0, 1], vectors[..., 1, 1]
        gate = ((values[..., 1] - values[..., 0]) / (values.sum(-1) + 0.02**2))[..., None]
        total, weights = result, 1.0
        for sign in (1, -1):
            rows, columns, dy, dx = np.float64(y), np.float64(x), sign * vx, -sign * vy
            for step in range(1, int(2 * stroke_sigma + 0.5) + 1):
                rows, columns = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
                weight = np.exp(-(step**2) / (2 * stroke_sigma**2))
                total, weights = total + weight * sampled(rows, columns), weights + weight
                nearest = np.floor(rows + 0.5).astype(int), np.floor(columns + 0.5).astype(int)
                ty, tx = vx[nearest], -vy[nearest]
                turn = np.where(ty * dy + tx * dx < 0, -1, 1)
                dy, dx = turn * ty, turn * tx
        result = gate * total / weights + (1 - gate) * blur(result, (1.5, 1.5, 0))
        smooth = blur(luma(result), 1.8)
        xx, yy = (difference(smooth, [1, -2, 1], axis=axis) for axis in (1, 0))
        xy = difference(difference(smooth, [-0.5, 0, 0.5], axis=0), [-0.5, 0, 0.5], axis=1)
        curvature = vx**2 * xx + 2 * vx * vy * xy + vy**2 * yy
        candidates = np.stack([result, *(sampled(y + sign * vy, x + sign * vx) for sign in (1, -1))])
        order = luma(candidates) * np.where(curvature < 0, 1, -1)
        chosen = np.take_along_axis(candidates, order.argmax(0)[None, ..., None], 0)[0]
        result = result + amount * gate * np.tanh(400 * np.abs(curvature))[..., None] * (chosen - result)
    return result


@pytest.mark.slow
@pytest.mark.parametrize(("iterations", "amount"), [(1, 0.0), (1, 0.7), (2, 1.0)])
def test_it_is_the_formula_but_for_rare_turns(iterations, amount):
    options = SCALES | {"iterations": iterations, "amount": amount}
    difference = np.abs(coherence_filter(strokes(), **options) - oracle(strokes(), **options))
    assert difference.mean() < 1e-4
    assert (difference > 1e-3).mean() < 0.01


def test_grain_along_strokes_goes_and_their_contrast_stays():
    clean, grainy = strokes(noise=0.0), strokes()
    found = np.asarray(
        coherence_filter(grainy, iterations=2, gradient_sigma=1.0, tensor_sigma=3.0, stroke_sigma=4.0, amount=0.7)
    )
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(found - clean)[inner].mean() > 0.01  # it sharpens, too
    assert found[inner].std() > 0.95 * clean[inner].std()
    radius = np.hypot(*(np.mgrid[:48, :61] + np.array([20, 10])[:, None, None]))[inner]
    ring = np.abs(radius % 9 - 2.25) < 0.5  # the ridges
    assert found[inner][ring].std(axis=0).max() < 0.5 * grainy[inner][ring].std(axis=0).max()


def test_sharpening_makes_edges_steeper():
    def steepest(amount: float) -> float:
        found = np.asarray(coherence_filter(strokes(noise=0.0), **SCALES | {"iterations": 3}, amount=amount))
        return float(np.quantile(np.abs(np.diff(found[..., 0], axis=1)), 0.97))

    assert steepest(1.0) > 1.2 * steepest(0.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_values_stay_in_the_pictures_range(seed, amount):
    pixels = np.random.default_rng(seed).random((13, 17, 3), np.float32)
    found = np.asarray(coherence_filter(pixels, **SCALES, amount=amount))
    assert found.min() >= pixels.min() - 1e-6
    assert found.max() <= pixels.max() + 1e-6


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1, width=32))
def test_a_constant_stays(value):
    constant = np.full((13, 17, 3), value, np.float32)
    np.testing.assert_allclose(filtered(constant), constant, rtol=0, atol=2e-6)


def test_gray_stays_gray():
    gray = np.repeat(strokes()[..., :1], 3, axis=-1)
    assert np.ptp(filtered(gray), axis=-1).max() < 1e-6


def test_a_nearly_flat_area_is_only_blurred():
    faint = np.float32(0.5 + 0.002 * (np.random.default_rng(1).random((40, 40, 3)) - 0.5))
    expected = scipy.ndimage.gaussian_filter(np.float64(faint), (1.5, 1.5, 0), mode="reflect")
    np.testing.assert_allclose(filtered(faint), expected, rtol=0, atol=2e-5)


def test_it_reaches_no_further_than_it_says():
    pixels = strokes((81, 81))
    other = pixels.copy()
    other[40, 40] = 1 - other[40, 40]
    rows, columns = np.nonzero(np.any(np.abs(np.asarray(filtered(other)) - np.asarray(filtered(pixels))) > 1e-5, axis=-1))
    assert max(np.abs(rows - 40).max(), np.abs(columns - 40).max()) <= coherence_reach(**SCALES)


@pytest.mark.slow
def test_in_tiles_it_is_that_of_the_whole_but_for_rare_turns():
    pixels = strokes((150, 210))
    found = tiled(filtered, pixels, reach=coherence_reach(**SCALES), tile=4 * (coherence_reach(**SCALES) + 1))
    difference = np.abs(found - np.asarray(filtered(pixels))).max(axis=-1)
    assert (difference > 1e-4).mean() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3)])
def test_the_smallest_pictures(size):
    found = np.asarray(filtered(strokes(size)))
    assert found.shape == (*size, 3)
    assert np.isfinite(found).all()
