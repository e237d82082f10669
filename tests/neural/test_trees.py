"""States of loops as named arrays."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from stylepipe.neural.trees import filled, named


class State(NamedTuple):
    values: tuple
    count: object


def test_a_tree_is_named_and_filled_again():
    state = State(({"a": jnp.arange(3.0)}, jnp.ones((2, 2), jnp.bfloat16)), jnp.int32(7))
    arrays = named(state)
    assert set(arrays) == {".values[0]['a']", ".values[1]", ".count"}
    template = State(({"a": jnp.zeros(3)}, jnp.zeros((2, 2), jnp.bfloat16)), jnp.int32(0))
    again = filled(template, arrays)
    assert again.values[1].dtype == jnp.bfloat16
    np.testing.assert_array_equal(again.values[0]["a"], [0, 1, 2])
    assert again.count == 7
