"""Random arrays are those of JAX, number for number."""

import jax
import numpy as np
import pytest

from stylepipe.neural.xla.random_arrays import he_normal, normal, uniform

KEY = jax.random.key(7)


def of_jax(draw, shape):
    """What JAX draws, in one program."""
    return jax.jit(lambda key: draw(key, shape))(KEY)


@pytest.mark.parametrize("shape", [(1,), (4, 4), (9, 11, 3)])
def test_uniform(shape):
    np.testing.assert_array_equal(uniform(KEY, shape), of_jax(jax.random.uniform, shape))


def test_uniform_between_limits():
    expected = of_jax(lambda key, shape: jax.random.uniform(key, shape, minval=-0.25, maxval=0.5), (5, 6, 3))
    np.testing.assert_array_equal(uniform(KEY, (5, 6, 3), minval=-0.25, maxval=0.5), expected)


@pytest.mark.parametrize("shape", [(1, 1), (8, 16), (3, 3, 5, 7)])
def test_normal(shape):
    np.testing.assert_array_equal(normal(KEY, shape), of_jax(jax.random.normal, shape))


@pytest.mark.parametrize("shape", [(1, 1, 4, 3), (3, 3, 5, 7), (9, 9, 3, 4)])
def test_he_normal(shape):
    expected = of_jax(jax.nn.initializers.variance_scaling(2.0, "fan_in", "normal"), shape)
    np.testing.assert_allclose(he_normal(KEY, shape), expected, rtol=3e-7)  # XLA multiplies by two constants at once
