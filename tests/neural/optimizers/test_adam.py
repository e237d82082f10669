"""Adam against its paper's algorithm in float64, and against PyTorch's convention for the average."""

import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.optimizers.adam import Adam


@pytest.mark.parametrize("clamp", [False, True])
def test_steps_and_average_are_those_of_the_algorithm(descend, wanted, curvature, clamp):
    spec = Adam(learning_rate=0.1, averaging=0.9)
    states = descend(spec, 12, clamp=clamp)
    goal, bend = np.float64(wanted), np.float64(curvature)
    x, m, v = np.full(goal.shape, 0.5), 0, 0
    iterates = []
    for t, state in enumerate(states, 1):
        gradient = 2 * bend * (x - goal) / goal.size
        assert state.loss == pytest.approx(np.mean(bend * (x - goal) ** 2), rel=1e-4)
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        x = x - 0.1 * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.99**t))
        x = np.clip(x, 0, 1) if clamp else x
        iterates.append(x)
        np.testing.assert_allclose(state.pixels, x, atol=2e-5)
        mean = np.average(iterates, axis=0, weights=0.9 ** np.arange(t)[::-1])
        np.testing.assert_allclose(spec.result(state), mean, atol=2e-5)


def test_without_averaging_the_result_is_the_last_iterate(descend):
    spec = Adam(averaging=0)
    state = descend(spec, 3, clamp=True)[-1]
    np.testing.assert_allclose(spec.result(state), state.pixels, rtol=1e-6)


def test_moments_are_carried_to_the_next_scale(descend):
    # The loss is a mean, so at twice the side each gradient is a quarter: moments of it a quarter and a sixteenth.
    spec = Adam()
    state = descend(spec, 5, clamp=True, loss=lambda pixels, *_: jnp.mean(pixels**2))[-1]
    larger = spec.enlarged(state, jnp.full((8, 10, 3), 0.2))
    np.testing.assert_allclose(larger.moments.mu, jnp.mean(state.moments.mu) / 4, rtol=1e-5)
    np.testing.assert_allclose(larger.moments.nu, jnp.mean(state.moments.nu) / 16, rtol=1e-5)
    assert larger.moments.count == 5
    np.testing.assert_array_equal(spec.result(larger), np.float32(0.2))


def test_a_loss_that_is_not_finite_leaves_the_picture(descend):
    state = descend(Adam(), 2, clamp=True, loss=lambda pixels, *_: jnp.mean(jnp.log(pixels - 1)))[-1]
    assert np.isnan(state.loss)
    np.testing.assert_array_equal(state.pixels, np.float32(0.5))
