"""Nearest patches, against all pairs compared one by one in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.losses.functions.patches import nearest, sum_patches


def all_patches(features, size):
    """(rows, columns, size · size · channels)."""
    rows, columns = (length - size + 1 for length in features.shape[:2])
    return np.array([[features[y : y + size, x : x + size].ravel() for x in range(columns)] for y in range(rows)], np.float64)


def found(features, examples, candidates=None, size=3):
    everywhere = np.ones([length - size + 1 for length in examples.shape[:2]], bool)
    candidates = everywhere if candidates is None else candidates
    row, column = nearest(jnp.float32(features), jnp.float32(examples), jnp.asarray(candidates), size=size)
    return np.stack([row, column], -1)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("shapes", [((3, 3), (3, 3)), ((5, 9), (19, 4)), ((19, 4), (37, 5)), ((10, 3), (18, 6))])
def test_it_is_the_candidate_of_largest_normalized_correlation(draw, shapes, size):
    features, examples = (draw.normal(size=(*shape, 4)) * 10 ** draw.normal(size=(*shape, 1)) for shape in shapes)
    patches, theirs = all_patches(features, size), all_patches(examples, size)
    candidates = draw.random(theirs.shape[:2]) < 0.7
    candidates[0, 0] = True
    products = np.einsum("yxk,YXk->yxYX", patches, theirs)
    products /= np.linalg.norm(patches, axis=2)[..., None, None] * np.linalg.norm(theirs, axis=2)
    scores = np.where(candidates, products, -np.inf).reshape(*patches.shape[:2], -1)
    expected = np.unravel_index(scores.argmax(2), candidates.shape)
    np.testing.assert_array_equal(found(features, examples, candidates, size), np.stack(expected, -1))


def test_direction_counts_and_not_distance():
    # The patch of tens is nearer by distance to the second, which is not alike, than to ones.
    alike, other = np.ones((3, 3, 1)), 10 + np.arange(9.0).reshape(3, 3, 1)
    examples = np.concatenate([other, alike], 1)
    assert found(10 * alike, examples).tolist() == [[[0, 3]]]


def test_the_first_of_equals_and_of_all_for_a_patch_of_zeros():
    assert not found(np.ones((4, 5, 2)), np.ones((20, 21, 2))).any()
    assert not found(np.zeros((4, 5, 2)), np.random.default_rng(0).random((20, 4, 2))).any()


def test_zeros_are_not_chosen_where_something_correlates(draw):
    examples = np.zeros((30, 7, 2))
    examples[20:23, 2:5] = draw.random((3, 3, 2))
    assert (np.abs(found(draw.random((4, 4, 2)), examples) - (20, 2)) <= 2).all()


def test_memory_does_not_grow_with_the_product_of_areas():
    features, candidates = jax.ShapeDtypeStruct((96, 96, 8), jnp.float32), jax.ShapeDtypeStruct((94, 94), bool)
    compiled = nearest.lower(features, features, candidates, size=3).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 4 * 94**4 / 10


def test_sums_over_patches(draw):
    values = draw.random((4, 6))
    expected = all_patches(values[..., None], 3).sum(2)
    np.testing.assert_allclose(sum_patches(jnp.float32(values), 3), expected, rtol=1e-5)
