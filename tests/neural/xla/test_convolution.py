"""The faster convolution against the plain one, and the plain one against SciPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import correlate

from stylepipe.neural.xla import convolution, winograd
from stylepipe.neural.xla.convolution import convolve, plain

PADDINGS = {"zeros": "constant", "reflect": "mirror", "edge": "nearest"}
CASES = [
    *[
        (padding, size, channels)
        for padding in PADDINGS
        for size, channels in (((6, 9), (3, 16)), ((7, 6), (16, 16)), ((3, 2), (17, 2)))
    ],
    ("zeros", (1, 1), (3, 5)),
    ("edge", (1, 2), (5, 6)),
    ("reflect", (2, 3), (20, 17)),
]


def drawn(size, channels):
    draw = np.random.default_rng(0)
    before, after = channels
    x, kernel, slope = (*size, before), (3, 3, before, after), (*size, after)
    return [jnp.asarray(draw.normal(size=shape), jnp.float32) for shape in (x, kernel, slope)]


def near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("padding", PADDINGS)
def test_plain_against_scipy(padding):
    x, kernel, _ = drawn((5, 6), (2, 3))
    expected = np.zeros((5, 6, 3))
    for i in range(2):
        for j in range(3):
            expected[..., j] += correlate(np.float64(x[..., i]), np.float64(kernel[..., i, j]), mode=PADDINGS[padding])
    near(plain(x, kernel, padding), expected)


@pytest.mark.parametrize(("padding", "size", "channels"), CASES)
def test_values_and_gradients_are_the_plain_ones(padding, size, channels):
    x, kernel, slope = drawn(size, channels)

    @partial(jax.jit, static_argnums=0)
    def value_and_gradients(convolution):
        value, pull = jax.vjp(lambda x, kernel: convolution(x, kernel, padding), x, kernel)
        return value, *pull(slope)

    for found, expected in zip(value_and_gradients(convolve), value_and_gradients(plain), strict=True):
        near(found, expected)


@pytest.mark.parametrize("padding", PADDINGS)
def test_by_winograds_form_too(padding, monkeypatch):
    monkeypatch.setattr(convolution, "_LARGE", 0)
    monkeypatch.setattr(convolution, "_DENSE", 15)
    test_values_and_gradients_are_the_plain_ones(padding, (9, 6), (32, 30))


@pytest.mark.parametrize(
    ("size", "channels", "pays"),
    [
        (128, (128, 128), True),
        (32, (128, 128), False),
        (256, (64, 128), True),
        (256, (64, 64), False),
        (128, (128, 16), False),
    ],
)
def test_winograds_form_is_for_large_maps_of_many_channels(size, channels, pays, monkeypatch):
    taken, correlate = [], winograd.correlate
    monkeypatch.setattr(winograd, "correlate", lambda x, kernel: taken.append(x.shape) or correlate(x, kernel))
    x, kernel = jnp.zeros((size, size, channels[0])), jnp.zeros((3, 3, *channels))
    jax.eval_shape(lambda x, kernel: convolve(x, kernel, "reflect"), x, kernel)
    assert bool(taken) == pays


def test_in_batches():
    x, kernel, slope = drawn((9, 10), (3, 16))
    batch = jnp.stack([x, 2 * x])

    def loss(convolution):
        return lambda kernel: jnp.vdot(jax.vmap(lambda x: convolution(x, kernel, "reflect"))(batch), jnp.stack([slope, slope]))

    near(jax.jit(jax.grad(loss(convolve)))(kernel), jax.jit(jax.grad(loss(plain)))(kernel))
