"""Total variation against its formula in float64, and what must hold of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.losses.loss_inputs import LossInputs, PictureFeatures
from stylepipe.neural.losses.total_variation import TotalVariation


def score(pixels, exponent):
    spec = TotalVariation(exponent=exponent)
    return spec.distance(spec.statistic(LossInputs(PictureFeatures(pixels, {}))), None)


def oracle(pixels, exponent):
    """mean (dx² + dy²)^(p/2) over all pixels, what has no neighbor differing by 0; and its gradient, pixel by pixel."""
    height, width, channels = pixels.shape
    value, gradient, count = 0.0, np.zeros(pixels.shape), pixels.size
    for i in range(height):
        for j in range(width):
            right, below = min(j + 1, width - 1), min(i + 1, height - 1)
            for k in range(channels):
                dx, dy = pixels[i, right, k] - pixels[i, j, k], pixels[below, j, k] - pixels[i, j, k]
                square = dx**2 + dy**2
                value += square ** (exponent / 2) / count
                slope = exponent * square ** (exponent / 2 - 1) / count if square else 0
                gradient[i, right, k] += slope * dx
                gradient[below, j, k] += slope * dy
                gradient[i, j, k] -= slope * (dx + dy)
    return value, gradient


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0, 2.5, 4.0])
@pytest.mark.parametrize("size", [(5, 8), (2, 2), (7, 3), (1, 4)])
def test_value_and_gradient(close, draw, size, exponent):
    pixels = np.float32(draw.random((*size, 3)))
    value, gradient = jax.value_and_grad(score)(jnp.asarray(pixels), exponent)
    expected = oracle(np.float64(pixels), exponent)
    close(value, expected[0])
    close(gradient, expected[1])


@pytest.mark.parametrize("exponent", [1.0, 2.0, 2.5])
def test_a_ramp_and_a_flat_picture_are_known(exponent):
    ramp = jnp.broadcast_to(jnp.arange(6.0)[None, :, None] * 0.1, (4, 6, 3))
    assert score(ramp, exponent) == pytest.approx(0.1**exponent * 5 / 6, rel=1e-5), "the last column has no right neighbor"
    value, gradient = jax.value_and_grad(score)(jnp.full((4, 6, 3), 0.3), exponent)
    assert value == 0
    assert not np.any(gradient)
