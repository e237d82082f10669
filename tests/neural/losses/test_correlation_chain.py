"""The chain of correlations against its formula in float64, and what must hold of it."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from stylepipe.errors import StageError
from stylepipe.neural.losses.correlation_chain import CorrelationChain
from stylepipe.neural.losses.loss import resolve

SIZES = {"relu1_1": (9, 10, 2), "relu1_2": (9, 10, 3), "relu3_1": (2, 2, 2), "relu4_1": (1, 1, 4)}
"""Of a picture of which the pools leave out a row, and then a column."""
HALVINGS = {"relu1_1": 0, "relu1_2": 0, "relu3_1": 2, "relu4_1": 3}


def correlations(features, shift=0.0, mask=None):
    """By pair of layers and by position: each with that position of the deeper one that it was pooled into, or the last."""
    found = []
    for shallow, deep in pairwise(sorted(features)):
        one, other = features[shallow], features[deep]
        weights = np.ones(one.shape[:2]) if mask is None else mask[shallow]
        factor = 2 ** (HALVINGS[deep] - HALVINGS[shallow])
        total = np.zeros((one.shape[2], other.shape[2]))
        for i, j in np.ndindex(one.shape[:2]):
            below = other[min(i // factor, other.shape[0] - 1), min(j // factor, other.shape[1] - 1)]
            total += weights[i, j] * np.outer(one[i, j] - shift, below - shift)
        found.append(total / weights.sum())
    return found


def oracle(features, wanted, weights, shift=0.0, mask=None, *, normalize=True):
    value = 0.0
    for found, example, weight in zip(correlations(features, shift, mask), wanted, weights, strict=True):
        value += weight * np.mean((found - example) ** 2) / (np.mean(example**2) if normalize else 1)
    return value


def slopes(slope, function, features):
    """The gradient by each layer."""
    return {layer: slope(lambda at, layer=layer: function({**features, layer: at}), each) for layer, each in features.items()}


@pytest.fixture
def picture(draw):
    return {layer: draw.random(size) for layer, size in SIZES.items()}


@pytest.fixture
def style(draw):
    """Of another size, which the pools halve without a rest."""
    sizes = {"relu1_1": (8, 16, 2), "relu1_2": (8, 16, 3), "relu3_1": (2, 4, 2), "relu4_1": (1, 2, 4)}
    return {layer: 2 * draw.random(size) for layer, size in sizes.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("normalize", "shift"), [("target", 0.0), ("none", 1.0)])
def test_value_and_gradient_of_a_chain(evaluate, picture, style, close, slope, normalize, shift):
    layers = {"relu3_1": 3.0, "relu1_1": 1.0, "relu4_1": 5.0, "relu1_2": 2.0}
    loss = resolve(CorrelationChain(layers=layers, normalize=normalize, shift=shift), tuple(layers))
    found = evaluate(loss, picture, styles=[(style, None)])
    wanted, weights = correlations(style, shift), [1.5, 2.5, 4.0]

    def expected(features):
        return oracle(features, wanted, weights, shift, normalize=normalize == "target")

    close(found.value, expected(picture))
    for layer, gradient in slopes(slope, expected, picture).items():
        close(found.gradient[layer], gradient)


@pytest.mark.slow
def test_several_styles_are_blended_as_statistics_or_each_in_its_own_region(evaluate, picture, style, draw, close, slope):
    loss = CorrelationChain(layers=dict.fromkeys(SIZES, 1.0))
    other = {layer: each[::-1] ** 2 for layer, each in style.items()}
    one, two = correlations(style), correlations(other)
    found = evaluate(loss, picture, styles=[(style, None), (other, None)], weights=[3, 1])
    close(found.value, oracle(picture, [0.75 * a + 0.25 * b for a, b in zip(one, two, strict=True)], [1, 1, 1]))

    masks = [{layer: draw.random(size[:2]) for layer, size in SIZES.items()} for _ in range(2)]
    within = {layer: draw.random(each.shape[:2]) for layer, each in style.items()}
    one = correlations(style, mask=within)
    found = evaluate(loss, picture, styles=[(style, within), (other, None)], weights=[1, 4], masks=masks)

    def expected(features):
        return sum(
            share * oracle(features, wanted, [1, 1, 1], mask=mask)
            for share, wanted, mask in zip([0.2, 0.8], [one, two], masks, strict=True)
        )

    close(found.value, expected(picture))
    for layer, gradient in slopes(slope, expected, picture).items():
        close(found.gradient[layer], gradient)


def test_known_by_hand(evaluate):
    # A 1 in one corner of 2×2 positions, over one deeper position of 4: the mean of 4, 0, 0, 0 is 1. Where all are 1, it is 4.
    corner, full, deep = np.zeros((2, 2, 1)), np.ones((2, 2, 1)), np.full((1, 1, 1), 4.0)
    corner[0, 0] = 1
    loss = CorrelationChain(layers={"relu1_2": 1, "relu2_1": 1})
    full, corner = ({"relu1_2": each, "relu2_1": deep} for each in (full, corner))
    assert evaluate(loss, full, styles=[(corner, None)]).value == pytest.approx((4 - 1) ** 2 / 1)
    assert evaluate(loss, corner, styles=[(full, None)]).value == pytest.approx((4 - 1) ** 2 / 16)


def test_layers_of_one_block_know_what_occurs_together_and_not_where(evaluate, draw):
    layers = {"relu3_1": 1, "relu3_2": 1}
    style = draw.random((4, 6, 5))
    moved = draw.permutation(style.reshape(-1, 5)).reshape(6, 4, 5)
    both = [{"relu3_1": each[..., :3], "relu3_2": each[..., 3:]} for each in (style, moved)]
    loss = CorrelationChain(layers=layers)
    assert evaluate(loss, both[1], styles=[(both[0], None)]).value < 1e-10
    apart = {"relu3_1": style[..., :3], "relu3_2": moved.reshape(style.shape)[..., 3:]}
    assert evaluate(loss, apart, styles=[(both[0], None)]).value > 1e-4


def test_by_default_it_goes_through_all_layers_and_takes_two():
    names = ("relu1_1", "relu1_2", "relu2_1")
    assert resolve(CorrelationChain(geometric="paper"), names).table == {"relu1_1": 4, "relu1_2": 2, "relu2_1": 1}
    with pytest.raises(ValidationError, match="a chain takes at least 2 layers"):
        CorrelationChain(layers={"relu1_1": 1})


def test_all_layers_of_a_network_of_one_are_no_chain(evaluate, draw):
    loss, features = resolve(CorrelationChain(), ("relu1_1",)), {"relu1_1": draw.random((4, 4, 2))}
    with pytest.raises(StageError, match="'correlation_chain' takes at least 2 layers; the network has relu1_1"):
        evaluate(loss, features, styles=[(features, None)])
