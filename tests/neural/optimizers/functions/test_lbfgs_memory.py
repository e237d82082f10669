"""What L-BFGS remembers, in half the precision: its rounding, and that it is never widened as a whole."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from stylepipe.neural.optimizers.functions import lbfgs_memory
from stylepipe.neural.optimizers.functions.lbfgs_memory import empty
from stylepipe.neural.trees import filled as filled_tree
from stylepipe.neural.trees import named

DRAW = np.random.default_rng(0)
remember, newton = jax.jit(lbfgs_memory.remember), jax.jit(lbfgs_memory.newton)


def filled(precision, pairs=3, shape=(4, 5, 3)):
    memory = empty(4, int(np.prod(shape)), precision)
    for _ in range(pairs):
        moved, noise, gradient = jnp.asarray(DRAW.normal(size=(3, *shape)), jnp.float32)
        changed = moved + 0.1 * noise
        memory = remember(memory, moved, changed, gradient, learn=jnp.array(True))
    return memory, moved, gradient


def test_vectors_are_rounded_to_bfloat16_and_their_products_are_exact():
    memory, moved, gradient = filled("bfloat16")
    rows = np.asarray(memory.rows).view(ml_dtypes.bfloat16).astype(np.float64)
    np.testing.assert_array_equal(rows[memory.newest], np.asarray(moved).ravel().astype(ml_dtypes.bfloat16))
    np.testing.assert_allclose(memory.products, rows @ rows.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(memory.gradient_products, rows @ np.float64(gradient).ravel(), rtol=1e-5, atol=1e-5)


def test_the_direction_is_that_of_the_rounded_vectors():
    memory, _, gradient = filled("bfloat16")
    widened = jnp.asarray(np.asarray(memory.rows).view(ml_dtypes.bfloat16), jnp.float32)
    np.testing.assert_allclose(newton(memory, gradient), newton(memory._replace(rows=widened), gradient), atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("pairs", [2, 4, 7])  # fewer than it holds, as many, more
@pytest.mark.parametrize("why", ["not convex along it", "rejected", "no step"])
def test_a_pair_that_is_skipped_takes_nobody_s_place(precision, pairs, why):
    memory, moved, gradient = filled(precision, pairs)
    expected = newton(memory, gradient)
    changed = {"not convex along it": -moved, "rejected": moved, "no step": jnp.zeros_like(moved)}[why]
    for _ in range(5):
        memory = remember(memory, moved, changed, gradient, learn=jnp.array(why != "rejected"))
    np.testing.assert_array_equal(newton(memory, gradient), expected)


def test_no_step_widens_all_of_it():
    shape, length = (64, 64, 3), 16
    memory, picture = empty(length, 64 * 64 * 3, "bfloat16"), jnp.zeros(shape)

    def step(memory, moved, changed, gradient):
        memory = remember(memory, moved, changed, gradient, learn=jnp.array(True))
        return memory, newton(memory, gradient)

    compiled = jax.jit(step, donate_argnums=0).lower(memory, picture, picture, picture).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < memory.rows.nbytes / 2


def test_it_is_saved_and_restored_as_it_is():
    memory, _, _ = filled("bfloat16")
    again = filled_tree(empty(4, memory.rows.shape[1], "bfloat16"), named(memory))
    for before, after in zip(memory, again, strict=True):
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
