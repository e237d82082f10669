"""Transport on the line against matched copies in float64, and what must hold of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.neural.losses.functions import transport
from stylepipe.neural.losses.functions.transport import quantiles, squared_distance


def transport_of(values, wanted, weights=None, wanted_weights=None):
    goal = quantiles(jnp.float32(wanted), None if wanted_weights is None else jnp.float32(wanted_weights))
    weights = None if weights is None else jnp.float32(weights)
    return jax.value_and_grad(lambda values: squared_distance(values, weights, goal))(jnp.float32(values))


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("wanted_weighted", [False, True])
@pytest.mark.parametrize("counts", [(7, 7), (12, 5), (5, 11), (1, 6)])
def test_value_and_gradient(draw, close, transported, counts, weighted, wanted_weighted):
    values, wanted = (np.float32(draw.normal(size=(3, count))) for count in counts)
    weights, wanted_weights = (
        np.append(draw.integers(0, 4, count - 1), 2) if given else None
        for count, given in zip(counts, (weighted, wanted_weighted), strict=True)
    )
    expected = transported(values, wanted, weights, wanted_weights)
    for found, each in zip(transport_of(values, wanted, weights, wanted_weights), expected, strict=True):
        close(found, each)


def test_known_by_hand():
    # 1 goes to 5, 3 to 9: the mean of 16 and 36, and slopes of 2/2 times −4 and −6.
    value, gradient = transport_of([[3, 1]], [[5, 9]])
    assert (value, gradient.tolist()) == (26, [[-6, -4]])
    # Of 1, 3, 5 and 7 the lower half goes to 0: 1, 9, 25 and 49 in the mean, each half drawn by its mean.
    value, gradient = transport_of([[0, 0]], [[1, 3, 5, 7]])
    assert (value, gradient.tolist()) == (21, [[-2, -6]])
    # A quarter of the weight is on the lower value, which goes to the lowest quarter; three quarters are on the higher.
    value, gradient = transport_of([[0, 10]], [[1, 3, 5, 7]], weights=[1, 3])
    assert (value, gradient.tolist()) == ((1 + 49 + 25 + 9) / 4, [[-0.5, 7.5]])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_knows_values_and_weights_and_not_where_they_stand(seed):
    draw = np.random.default_rng(seed)
    values, weights, wanted = np.float32(draw.normal(size=(2, 9))), np.float32(draw.random(9)), draw.normal(size=(2, 7))
    order = draw.permutation(9)
    value, gradient = transport_of(values, wanted, weights)
    moved, moved_gradient = transport_of(values[:, order], wanted, 2 * weights[order])
    np.testing.assert_allclose(moved, value, rtol=1e-5)
    np.testing.assert_allclose(moved_gradient, gradient[:, order], rtol=1e-4, atol=1e-6)
    assert abs(transport_of(values[:, order], values, weights[order], weights)[0]) < 1e-9
    assert abs(transport_of(np.tile(values, 3), values)[0]) < 1e-9


def test_weight_that_is_almost_nothing_is_almost_not_there(draw):
    values, wanted, weights = draw.normal(size=(1, 6)), draw.normal(size=(1, 5)), np.ones(6)
    weights[2] = 0
    without = transport_of(np.delete(values, 2, 1), wanted)
    values[0, 2] = -30
    none = transport_of(values, wanted, weights)
    weights[2] = 1e-7
    little = transport_of(values, wanted, weights)
    assert none[0] == pytest.approx(float(without[0]), rel=1e-6)
    assert none[1][0, 2] == 0
    np.testing.assert_allclose(np.delete(none[1], 2, 1), without[1], rtol=1e-5)
    np.testing.assert_allclose(little[1], none[1], atol=1e-4)


def test_many_values_keep_their_precision(draw, close, transported):
    # Sums over 2^17 values in float32 would lose the difference between neighbors.
    values, wanted = (np.float32(draw.normal(size=(1, count))) for count in (2**17, 2**16))
    for found, each in zip(transport_of(values, wanted), transported(values, wanted), strict=True):
        close(found, each)
    for found, each in zip(transport_of(wanted, values), transported(wanted, values), strict=True):
        close(found, each)


def test_a_few_rows_at_a_time(draw, monkeypatch, close, transported):
    monkeypatch.setattr(transport, "_AT_ONCE", 20)  # two of these five, then two, then one
    values, wanted = np.float32(draw.normal(size=(5, 9))), np.float32(draw.normal(size=(5, 10)))
    for found, each in zip(transport_of(values, wanted), transported(values, wanted), strict=True):
        close(found, each)


@pytest.mark.parametrize("sort", [transport._ascending, transport._order])
def test_sorting_by_bits_is_sorting(draw, sort):
    values = np.float32(np.concatenate([draw.normal(size=50), np.zeros(9), draw.integers(-3, 3, 20), [1e-42, -1e-42, 1e38]]))
    default = {transport._ascending: np.sort, transport._order: lambda each: np.argsort(each, kind="stable")}[sort]
    np.testing.assert_array_equal(jax.jit(sort)(jnp.asarray(values)), default(values))
