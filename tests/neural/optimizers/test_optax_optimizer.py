"""Optax's optimizers by name: the steps are Optax's, and its source is read rightly without importing it."""

import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from pydantic import ValidationError

from stylepipe.errors import StageError
from stylepipe.neural.optimizers.optax_optimizer import Optax
from stylepipe.neural.optimizers.optax_signatures import arguments_of, optimizer_names

NAMES = optimizer_names()
BY_RATE_ALONE = [
    name for name in NAMES if {each for each, required in arguments_of(name).items() if required} <= {"learning_rate"}
]
MORE_THAN_GRADIENTS = {"lbfgs", "contrib.sophia"}


def function(name):
    return getattr(optax.contrib if name.startswith("contrib.") else optax, name.removeprefix("contrib."))


def test_names_are_those_of_functions_with_a_learning_rate():
    assert {"adam", "lion", "sgd", "contrib.prodigy", "contrib.muon"} <= set(NAMES)
    assert not {"clip", "MaskOrFn", "contrib", "contrib.sam"} & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_the_function(name):
    parameters = inspect.signature(inspect.unwrap(function(name))).parameters
    assert arguments_of(name) == {each.name: each.default is each.empty for each in parameters.values()}


def test_steps_are_those_of_lion(descend, wanted, curvature):
    states = descend(Optax(name="lion", learning_rate=0.01, b1=0.8, weight_decay=0), 6, clamp=False)
    goal, bend = np.float64(wanted), np.float64(curvature)
    x, m = np.full(goal.shape, 0.5), 0
    for state in states:
        gradient = 2 * bend * (x - goal)
        x, m = x - 0.01 * np.sign(0.8 * m + 0.2 * gradient), 0.99 * m + 0.01 * gradient
        np.testing.assert_allclose(state.pixels, x, atol=1e-5)


def test_a_learning_rate_means_the_same_at_each_size(descend, wanted, curvature):
    # The gradient of a mean over all values times their number is that of a sum.
    (state,) = descend(Optax(name="sgd", learning_rate=0.001), 1, clamp=True)
    np.testing.assert_allclose(state.pixels, np.clip(0.5 - 0.001 * 2 * curvature * (0.5 - wanted), 0, 1), rtol=1e-5)


def test_a_loss_that_is_not_finite_leaves_the_picture(descend):
    spec = Optax(name="adam", learning_rate=0.01)
    state = descend(spec, 2, clamp=True, loss=lambda pixels, *_: jnp.mean(jnp.log(pixels - 1)))[-1]
    assert np.isnan(state.loss)
    np.testing.assert_array_equal(spec.result(state), np.float32(0.5))


def test_the_next_scale_starts_anew(descend):
    spec = Optax(name="adam", learning_rate=0.01)
    larger = spec.enlarged(descend(spec, 3, clamp=True)[-1], jnp.full((8, 10, 3), 0.2))
    fresh = spec.start(jnp.full((8, 10, 3), 0.2), 1)
    jax.tree.map(np.testing.assert_array_equal, larger, fresh)


@pytest.mark.parametrize("name", BY_RATE_ALONE)
def test_each_optimizer_steps_within_the_memory_that_is_estimated_or_is_refused(name):
    spec, pixels = Optax(name=name, learning_rate=0.01), jnp.zeros((100, 200, 3))

    def one_step(pixels):
        state = spec.start(pixels, 2)
        return state, spec.step(lambda _: (jnp.zeros(()), jnp.zeros(2), pixels), state, clamp=True)

    with warnings.catch_warnings(action="ignore"):  # of arguments that a later Optax requires
        if name in MORE_THAN_GRADIENTS:
            with pytest.raises(StageError, match=rf"Optax's '{name}' cannot optimize a picture: \w+Error: "):
                one_step(pixels)
            return
        before, after = jax.eval_shape(one_step, pixels)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    assert all(a.dtype == b.dtype for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))
    held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(before))
    assert held / (100 * 200 * 12) <= spec.state_size().held + 0.01


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"name": "lions"}, "Optax has no optimizer 'lions'. Did you mean 'lion'"),
        ({"name": "prodigy"}, "Optax has no optimizer 'prodigy'. Did you mean 'contrib.prodigy'"),
        ({"name": "clip"}, "Optax has no optimizer 'clip'. Known: .* lion,"),
        ({"name": "lion", "beta1": 0.9}, "Optax's 'lion' has no argument 'beta1'. Known: b1, b2, learning_rate, "),
        ({"name": "contrib.schedule_free"}, "Optax's 'contrib.schedule_free' requires base_optimizer."),
        ({"name": "lion", "b1": [0.9]}, "b1"),
        ({"name": "lion", "b1": float("nan")}, "b1"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValidationError, match=message):
        Optax(learning_rate=0.01, **parameters)


def test_an_argument_that_the_function_refuses():
    with pytest.raises(StageError, match="Optax's 'lion' cannot optimize a picture: TypeError: "):
        Optax(name="lion", learning_rate=0.01, b1="high").start(jnp.zeros((4, 5, 3)), 1)


def test_arguments_tell_optimizers_apart():
    one, other = (Optax(name="lion", learning_rate=0.01, b1=value) for value in (0.8, 0.9))
    assert one != other
    assert hash(one) != hash(other)
    assert one == Optax(name="lion", learning_rate=0.01, b1=0.8)
