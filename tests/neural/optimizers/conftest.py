"""A loss with a known minimum, to minimize without a network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.optimizers.optimizer import Evaluation


def bowl(pixels, wanted, curvature):
    """A quadratic with curvatures from 1 to 100."""
    return jnp.mean(curvature * (pixels - wanted) ** 2)


@pytest.fixture(scope="session")
def wanted():
    return jnp.asarray(np.random.default_rng(5).uniform(-0.3, 1.3, (4, 5, 3)), jnp.float32)


@pytest.fixture(scope="session")
def curvature():
    return jnp.asarray(np.geomspace(1, 100, 60).reshape(4, 5, 3), jnp.float32)


@pytest.fixture(scope="session")
def descend(wanted, curvature):
    """The states of so many steps over `loss(pixels, wanted, curvature)`."""

    def run(spec, steps, *, clamp, loss=bowl, start=0.5):
        @jax.jit
        def step(state):
            def evaluate(pixels):
                value, gradient = jax.value_and_grad(loss)(pixels, wanted, curvature)
                value = jnp.where(jnp.isfinite(gradient.sum()), value, jnp.nan)
                return Evaluation(value, value[None], gradient)

            return spec.step(evaluate, state, clamp=clamp)

        states = [spec.start(jnp.broadcast_to(jnp.float32(start), wanted.shape), 1)]
        for _ in range(steps):
            states.append(step(states[-1]))
        return states[1:]

    return run
