"""The Laplacian loss against its formula in float64, and what must hold of it."""

import numpy as np
import pytest
from pydantic import ValidationError

from stylepipe.errors import StageError
from stylepipe.neural.losses.laplacian import Laplacian


def edges(pixels, pool):
    """Window by window, and position by position."""
    height, width = (side // pool for side in pixels.shape[:2])
    pooled = np.zeros((height, width))
    for i, j in np.ndindex(height, width):
        pooled[i, j] = pixels[i * pool : (i + 1) * pool, j * pool : (j + 1) * pool].sum() / pool**2
    found = np.zeros((height - 2, width - 2))
    for i, j in np.ndindex(found.shape):
        center = (i + 1, j + 1)
        around = pooled[i, j + 1], pooled[i + 2, j + 1], pooled[i + 1, j], pooled[i + 1, j + 2]
        found[i, j] = 4 * pooled[center] - sum(around)
    return found


def oracle(pixels, content, pools, *, normalize=True):
    value = 0.0
    for pool in pools:
        wanted = edges(content, pool)
        value += np.mean((edges(pixels, pool) - wanted) ** 2) / (np.mean(wanted**2) if normalize else 1)
    return value


@pytest.mark.parametrize("normalize", ["target", "none"])
@pytest.mark.parametrize(("pools", "size"), [([1], (4, 5, 3)), ([2, 3], (10, 11, 3))])
def test_value_and_gradient_at_sizes_that_leave_a_rest(evaluate, draw, close, slope, pools, size, normalize):
    pixels, content = draw.random(size), draw.random(size)
    found = evaluate(Laplacian(pools=pools, normalize=normalize), {}, content={}, pixels=pixels, shown=content)

    def expected(at):
        return oracle(at, content, pools, normalize=normalize == "target")

    close(found.value, expected(pixels))
    close(found.gradient["pixels"], slope(expected, pixels))


def test_known_by_hand(evaluate):
    # A gray dot of 1/3 in each color, on black: Δ is 4 at the dot and −1 at its four neighbors, 20 in all over 9 positions.
    dot, black = np.zeros((5, 5, 3)), np.zeros((5, 5, 3))
    dot[2, 2] = 1 / 3
    assert evaluate(Laplacian(pools=[1], normalize="none"), {}, content={}, pixels=dot, shown=black).value == pytest.approx(
        20 / 9
    )
    assert evaluate(Laplacian(pools=[1]), {}, content={}, pixels=black, shown=dot).value == pytest.approx(1)


def test_it_sees_no_levels_and_no_ramps(evaluate, draw):
    content = draw.random((9, 8, 3))
    ramp = 0.2 + np.arange(9)[:, None, None] * 0.1 + np.arange(8)[:, None] * np.array([0.0, 0.1, 0.3])
    assert evaluate(Laplacian(pools=[1, 2]), {}, content={}, pixels=content + ramp, shown=content).value < 1e-10


def test_a_content_without_detail_does_not_blow_the_loss_up(evaluate, draw):
    pixels, flat = draw.random((9, 8, 3)), np.full((9, 8, 3), 0.7)
    found = evaluate(Laplacian(pools=[1, 2]), {}, content={}, pixels=pixels, shown=flat)
    assert found.value == pytest.approx(oracle(pixels, flat, [1, 2], normalize=False), rel=1e-5)


@pytest.mark.parametrize("size", [(11, 30), (30, 11), (3, 3)])
def test_a_picture_that_is_too_small_for_a_pool_is_an_error(evaluate, draw, size):
    pixels = draw.random((*size, 3))
    with pytest.raises(StageError, match=rf"A pool of 4 pixels leaves {size[1] // 4}×{size[0] // 4} positions"):
        evaluate(Laplacian(), {}, content={}, pixels=pixels, shown=pixels)


@pytest.mark.parametrize("pools", [[], [0], [1000], [2.5]])
def test_what_is_no_pool_is_refused(pools):
    with pytest.raises(ValidationError):
        Laplacian(pools=pools)
