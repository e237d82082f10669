"""The guided filter: its definition as fits in squares, in float64, and OpenCV's box means."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.image.filters.guided_filter import guided_filter
from stylepipe.image.filters.reach import guided_reach

ROUNDING = 5e-6


def planes(seed: int, size: tuple[int, int] = (26, 33)) -> tuple[np.ndarray, np.ndarray]:
    """A noisy plane, and a guide with an edge down its middle."""
    rng = np.random.default_rng(seed)
    guide = 0.05 * rng.random(size) + np.where(np.arange(size[1]) < size[1] // 2, 0.2, 0.7)
    return rng.random(size).astype(np.float32), guide.astype(np.float32)


def fits(plane: np.ndarray, guide: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """For each square the ridge regression of He et al., equation 4, solved as least squares; then the mean of the fits."""
    height, width = plane.shape
    plane, guide = (np.pad(np.float64(each), 2 * radius, mode="symmetric") for each in (plane, guide))
    total, side = np.zeros((height, width)), 2 * radius + 1
    for y in range(height + 2 * radius):
        for x in range(width + 2 * radius):
            square = np.s_[y : y + side, x : x + side]
            design = np.stack([guide[square].ravel(), np.ones(side**2)], axis=1)
            penalty = np.diag([side**2 * eps, 0])
            slope, offset = np.linalg.solve(design.T @ design + penalty, design.T @ plane[square].ravel())
            rows, columns = (range(max(0, at - 2 * radius), min(length, at + 1)) for at, length in ((y, height), (x, width)))
            for row in rows:
                for column in columns:
                    total[row, column] += slope * guide[row + 2 * radius, column + 2 * radius] + offset
    return total / side**2


@pytest.mark.parametrize(("radius", "eps"), [(1, 0.01), (2, 0.001)])
def test_it_is_the_mean_of_the_fits_in_all_squares(radius, eps):
    plane, guide = planes(0, (9, 11))
    found = guided_filter(plane, guide, radius=radius, eps=eps)
    np.testing.assert_allclose(found, fits(plane, guide, radius, eps), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(("radius", "eps"), [(3, 1e-3), (5, 2e-4), (12, 0.1)])
def test_it_is_that_of_box_means_by_opencv(radius, eps):
    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    plane, guide = (np.float64(each) for each in planes(1))
    slope = (mean(guide * plane) - mean(guide) * mean(plane)) / (mean(guide**2) - mean(guide) ** 2 + eps)
    expected = mean(slope) * guide + mean(mean(plane) - slope * mean(guide))
    np.testing.assert_allclose(guided_filter(*planes(1), radius=radius, eps=eps), expected, rtol=0, atol=ROUNDING)


def test_an_edge_of_the_guide_stays_and_noise_beside_it_goes():
    noise, guide = planes(2)
    edge = np.where(np.arange(33) < 16, 0.3, 0.8).astype(np.float32)
    found = guided_filter(edge + 0.1 * (noise - 0.5), guide, radius=4, eps=1e-3)
    assert np.abs(found.mean(axis=0) - edge).max() < 0.02
    assert found[:, :8].std() < 0.5 * (0.1 * noise)[:, :8].std()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.floats(1e-6, 1), st.floats(0, 1, width=32))
def test_a_constant_stays(radius, eps, value):
    constant = np.full((26, 33), value, np.float32)
    np.testing.assert_allclose(guided_filter(constant, planes(3)[1], radius=radius, eps=eps), constant, rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.floats(1e-4, 1), st.floats(-2, 2))
def test_it_is_linear_in_the_plane(radius, eps, factor):
    (one, guide), (other, _) = planes(4), planes(5)
    apart = [guided_filter(each, guide, radius=radius, eps=eps) for each in (one, other)]
    found = guided_filter(one + np.float32(factor) * other, guide, radius=radius, eps=eps)
    np.testing.assert_allclose(found, apart[0] + factor * apart[1], rtol=0, atol=2e-5)


@pytest.mark.parametrize("radius", [1, 3])
def test_it_reaches_as_far_as_it_says(radius):
    plane, guide = planes(6)
    other_plane, other_guide = plane.copy(), guide.copy()
    other_plane[13, 16], other_guide[13, 16] = 1 - plane[13, 16], 1 - guide[13, 16]
    before = guided_filter(plane, guide, radius=radius, eps=0.01)
    for changed in ((other_plane, guide), (plane, other_guide)):
        rows, columns = np.nonzero(np.abs(guided_filter(*changed, radius=radius, eps=0.01) - before) > ROUNDING)
        assert max(np.abs(rows - 13).max(), np.abs(columns - 16).max()) == guided_reach(radius)
