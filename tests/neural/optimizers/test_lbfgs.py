"""L-BFGS against the two-loop recursion, against SciPy, and where steps go wrong."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from stylepipe.neural.optimizers.lbfgs import Lbfgs


def two_loops(steps, changes, gradient):
    """The inverse Hessian times the gradient (Nocedal and Wright 2006, algorithm 7.4), in float64."""
    q, factors = np.float64(gradient), []
    for s, y in reversed(list(zip(steps, changes, strict=True))):
        factors.append(s @ q / (s @ y))
        q = q - factors[-1] * y
    q *= (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for (s, y), factor in zip(zip(steps, changes, strict=True), reversed(factors), strict=True):
        q = q + (factor - y @ q / (s @ y)) * s
    return q


def test_the_direction_is_that_of_the_two_loop_recursion(descend):
    memory = 4
    states = descend(Lbfgs(memory=memory), 9, clamp=False)
    assert all(state.rejections == 0 for state in states)  # each accepted picture is a point of the recursion
    points = [np.float64(state.pixels).ravel() for state in states]
    slopes = [np.float64(state.gradient).ravel() for state in states]
    for k in range(1, len(states)):
        first = max(0, k - memory)
        steps = [b - a for a, b in zip(points[first:k], points[first + 1 : k + 1], strict=True)]
        changes = [b - a for a, b in zip(slopes[first:k], slopes[first + 1 : k + 1], strict=True)]
        expected = points[k] - two_loops(steps, changes, slopes[k])
        np.testing.assert_allclose(np.asarray(states[k].trial).ravel(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("clamp", [False, True])
def test_it_finds_the_minimum(descend, wanted, curvature, clamp):
    state = descend(Lbfgs(), 60, clamp=clamp)[-1]
    expected = jnp.clip(wanted, 0, 1) if clamp else wanted
    np.testing.assert_allclose(Lbfgs().result(state), expected, atol=2e-3)
    assert state.loss == pytest.approx(float(jnp.mean(curvature * (expected - wanted) ** 2)), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("clamp", [False, True])
def test_a_memory_of_half_the_precision_finds_the_same_minimum(descend, wanted, curvature, clamp):
    spec = Lbfgs(history="bfloat16")
    expected = jnp.clip(wanted, 0, 1) if clamp else wanted
    np.testing.assert_allclose(spec.result(descend(spec, 60, clamp=clamp)[-1]), expected, atol=2e-3)


def test_in_a_curved_valley_half_the_precision_takes_at_most_a_quarter_more_steps(descend):
    start = np.linspace(-1, 0.5, 60).reshape(4, 5, 3)

    def needed(history, levels):
        states = descend(Lbfgs(history=history), 80, clamp=False, loss=rosenbrock, start=start)
        return [sum(float(state.loss) >= level for state in states) for level in levels]

    levels = (1e-2, 1e-3, 1e-4, 1e-5)  # from 200
    whole, half = needed("float32", levels), needed("bfloat16", levels)
    assert whole[-1] < 80
    assert [b <= 1.25 * a for a, b in zip(whole, half, strict=True)] == [True] * 4


def rosenbrock(pixels, wanted, curvature):
    even, odd = pixels.ravel()[::2], pixels.ravel()[1::2]
    return jnp.mean(100 * (odd - even**2) ** 2 + (1 - even) ** 2)


def test_a_curved_valley_is_followed_much_as_scipy_follows_it(descend):
    def value_and_gradient(x):
        even, odd = x[::2], x[1::2]
        gradient = np.empty_like(x)
        gradient[::2] = (-400 * even * (odd - even**2) - 2 * (1 - even)) / len(even)
        gradient[1::2] = 200 * (odd - even**2) / len(even)
        return np.mean(100 * (odd - even**2) ** 2 + (1 - even) ** 2), gradient

    start = np.linspace(-1, 0.5, 60)
    options = {"maxfun": 60, "ftol": 0, "gtol": 0}
    scipys = scipy.optimize.minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options=options)
    ours = descend(Lbfgs(), 80, clamp=False, loss=rosenbrock, start=start.reshape(4, 5, 3))[-1]
    assert 1e-6 < scipys.fun < 1e-3  # from 200; neither has arrived
    assert ours.loss < scipys.fun


def test_the_loss_never_rises_and_rejected_steps_shrink(descend):
    def walls(pixels, wanted, curvature):
        """Steep beyond 0.6, so that what is learned before is wrong there."""
        return jnp.mean((pixels - 2) ** 2 + jnp.where(pixels > 0.6, 1e4 * (pixels - 0.6) ** 2, 0))

    states = descend(Lbfgs(), 40, clamp=False, loss=walls)
    losses = [float(state.loss) for state in states]
    assert losses == sorted(losses, reverse=True)
    rejected = [k for k, state in enumerate(states) if state.rejections]
    assert rejected
    for k in rejected[:1]:
        tried, next_try = states[k - 1].trial - states[k - 1].pixels, states[k].trial - states[k].pixels
        np.testing.assert_allclose(next_try, tried / 4, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(states[-1].pixels, 0.6, atol=1e-3)


@pytest.mark.parametrize("broken", [jnp.nan, jnp.inf])
def test_a_loss_that_is_not_finite_somewhere_is_stepped_back_from(descend, broken):
    def cliff(pixels, wanted, curvature):
        """Falls toward 2, and ends at 0.8."""
        return jnp.where(pixels.max() > 0.8, broken, jnp.mean((pixels - 2) ** 2))

    states = descend(Lbfgs(), 40, clamp=True, loss=cliff)
    assert any(state.rejections for state in states)
    assert all(np.isfinite(state.loss) and np.isfinite(state.pixels).all() for state in states)
    assert 0.75 < states[-1].pixels.max() <= 0.8


def test_the_first_loss_is_reported_even_if_it_is_not_finite(descend):
    state = descend(Lbfgs(), 1, clamp=True, loss=lambda pixels, *_: jnp.mean(jnp.log(pixels - 1)))[0]
    assert np.isnan(state.loss)
    np.testing.assert_array_equal(state.pixels, np.float32(0.5))


def test_at_a_minimum_it_stays(descend):
    state = descend(Lbfgs(), 5, clamp=True, loss=lambda pixels, *_: jnp.sum((pixels - 0.5) ** 2))[-1]
    np.testing.assert_array_equal(state.pixels, np.float32(0.5))
