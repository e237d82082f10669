"""Winograd's form against the definition in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.xla.winograd import correlate


def definition(x, kernel):
    """Σ over the kernel's places of the map there times the kernel, in float64."""
    x, kernel = np.float64(x), np.float64(kernel)
    height, width = x.shape[0] - 2, x.shape[1] - 2
    places = ((i, j) for i in range(3) for j in range(3))
    return sum(np.einsum("hwi,io->hwo", x[i : i + height, j : j + width], kernel[i, j]) for i, j in places)


def drawn(size, channels=(5, 7)):
    draw = np.random.default_rng(0)
    shapes = (size[0] + 2, size[1] + 2, channels[0]), (3, 3, *channels)
    return [jnp.asarray(draw.normal(size=shape), jnp.float32) for shape in shapes]


def near(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (3, 9), (8, 6), (13, 5)])
def test_values_are_those_of_the_definition(size):
    x, kernel = drawn(size)
    near(jax.jit(correlate)(x, kernel), definition(x, kernel))


@pytest.mark.parametrize("place", [(0, 0), (1, 1), (2, 0), (0, 2)])
def test_a_kernel_of_one_number_moves_the_map(place):
    x, _ = drawn((6, 7), (1, 1))
    kernel = jnp.zeros((3, 3, 1, 1)).at[place].set(1)
    down, right = place
    near(correlate(x, kernel), x[down : down + 6, right : right + 7])
