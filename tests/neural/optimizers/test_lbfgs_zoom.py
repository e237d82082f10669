"""L-BFGS with a line search: it arrives, and clamping holds."""

import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.optimizers.lbfgs_zoom import LbfgsZoom


@pytest.mark.parametrize("clamp", [False, True])
def test_it_finds_the_minimum(descend, wanted, curvature, clamp):
    states = descend(LbfgsZoom(), 60, clamp=clamp)
    expected = jnp.clip(wanted, 0, 1) if clamp else wanted
    np.testing.assert_allclose(np.asarray(states[-1].pixels), expected, atol=2e-3)
    least = float(jnp.mean(curvature * (expected - wanted) ** 2))
    assert states[-1].loss == pytest.approx(least, rel=1e-3, abs=1e-6)
    assert states[-1].terms[0] == pytest.approx(float(states[-1].loss), rel=1e-5)


def test_the_line_search_lowers_the_loss_at_every_step(descend):
    losses = [float(state.loss) for state in descend(LbfgsZoom(), 8, clamp=False)]
    assert losses == sorted(losses, reverse=True)


def test_the_first_step_is_of_a_hundredth(descend, wanted):
    first = descend(LbfgsZoom(line_search=1), 1, clamp=False)[0]
    assert np.sqrt(np.mean((np.asarray(first.pixels) - 0.5) ** 2)) == pytest.approx(0.01, rel=1e-3)


def test_a_loss_that_is_not_finite_is_reported_and_the_picture_kept(descend):
    state = descend(LbfgsZoom(), 1, clamp=True, loss=lambda pixels, *_: jnp.mean(jnp.log(pixels - 1)))[0]
    assert not np.isfinite(state.loss)
    np.testing.assert_array_equal(state.pixels, np.float32(0.5))
