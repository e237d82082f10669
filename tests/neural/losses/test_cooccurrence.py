"""The co-occurrence loss against its formula in float64, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stylepipe.errors import StageError
from stylepipe.neural.losses.cooccurrence import Cooccurrence


def pairs(features, shift, axis, mask=None):
    """Σ m_p m_q F_pᵀ F_q / Σ m_p m_q, pair by pair, and the sum of weights; q is p moved by `shift` along the axis."""
    height, width, channels = features.shape
    total, count = np.zeros((channels, channels)), 0.0
    for i in range(height - shift if axis == 0 else height):
        for j in range(width - shift if axis == 1 else width):
            p, q = (i, j), (i + shift, j) if axis == 0 else (i, j + shift)
            weight = 1.0 if mask is None else mask[p] * mask[q]
            total += weight * np.outer(features[p], features[q])
            count += weight
    return total / count


def grams(features, shifts, mask=None):
    return [[pairs(features, shift, axis, mask) for axis in (0, 1)] for shift in shifts]


def oracle(features, wanted, shifts, mask=None, *, normalize=True):
    value = 0.0
    for found, example in zip(grams(features, shifts, mask), wanted, strict=True):
        errors = [np.mean((g - t) ** 2) / (np.mean(t**2) if normalize else 1) for g, t in zip(found, example, strict=True)]
        value += np.mean(errors)
    return value


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["target", "none"])
def test_value_and_gradient_of_several_layers_and_shifts(evaluate, draw, close, slope, normalize):
    sizes, weights, shifts = {"relu1_1": (5, 8, 2), "relu3_2": (7, 4, 3)}, {"relu1_1": 0.5, "relu3_2": 3.0}, (1, 3)
    features = {layer: draw.random(size) for layer, size in sizes.items()}
    style = {layer: 2 * draw.random((4, 6, size[2])) for layer, size in sizes.items()}
    loss = Cooccurrence(layers=weights, shifts=shifts, normalize=normalize)
    found = evaluate(loss, features, styles=[(style, None)])
    value = 0
    for layer, weight in weights.items():
        wanted = grams(style[layer], shifts)

        def of_layer(at, weight=weight, wanted=wanted):
            return weight * oracle(at, wanted, shifts, normalize=normalize == "target")

        value += of_layer(features[layer])
        close(found.gradient[layer], slope(of_layer, features[layer]))
    close(found.value, value)


def test_several_styles_are_blended_as_statistics(evaluate, draw, close, slope):
    features, one, two = (draw.random((5, 4, 2)) for _ in range(3))
    wanted = 0.75 * np.array(grams(one, [2])) + 0.25 * np.array(grams(two, [2]))
    styles = [({"relu1_1": one}, None), ({"relu1_1": two}, None)]
    found = evaluate(Cooccurrence(layers={"relu1_1": 1}, shifts=[2]), {"relu1_1": features}, styles=styles, weights=[3, 1])
    close(found.value, oracle(features, wanted, [2]))
    close(found.gradient["relu1_1"], slope(lambda at: oracle(at, wanted, [2]), features))


def test_each_style_in_its_own_soft_overlapping_region(evaluate, draw, close, slope):
    features, one, two = (draw.random((6, 5, 2)) for _ in range(3))
    masks, style_mask = draw.random((2, 6, 5)), draw.random((6, 5))
    found = evaluate(
        Cooccurrence(layers={"relu1_1": 1}, shifts=[1, 2]),
        {"relu1_1": features},
        styles=[({"relu1_1": one}, {"relu1_1": style_mask}), ({"relu1_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu1_1": mask} for mask in masks],
    )
    first, second = grams(one, [1, 2], style_mask), grams(two, [1, 2])

    def expected(at):
        return 0.2 * oracle(at, first, [1, 2], masks[0]) + 0.8 * oracle(at, second, [1, 2], masks[1])

    close(found.value, expected(features))
    close(found.gradient["relu1_1"], slope(expected, features))


def test_stripes_are_known_by_hand(evaluate):
    # Rows of 1, 0, 1, 0 …: one row down there is never a 1 again, two rows down always, as is across at any distance.
    stripes = np.tile(np.array([1.0, 0.0])[:, None, None], (3, 6, 1))
    flat = np.ones((6, 6, 1))
    for shift, expected in ((1, (1 + 0.25) / 2), (2, (0.25 + 0.25) / 2)):
        loss = Cooccurrence(layers={"relu1_1": 1}, shifts=[shift])
        found = evaluate(loss, {"relu1_1": stripes}, styles=[({"relu1_1": flat}, None)])
        assert found.value == pytest.approx(expected)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_knows_where_features_occur_from_each_other(evaluate, seed):
    draw = np.random.default_rng(seed)
    style = np.linspace(0, 1, 20).reshape(4, 5, 1) ** 2
    moved = draw.permutation(style.ravel()).reshape(style.shape)
    loss = Cooccurrence(layers={"relu1_1": 1}, shifts=[1, 2])
    same, other = (evaluate(loss, {"relu1_1": each}, styles=[({"relu1_1": style}, None)]) for each in (style, moved))
    assert same.value < 1e-10
    assert np.abs(same.gradient["relu1_1"]).max() < 1e-5
    assert other.value > 1e-6


@pytest.mark.parametrize("size", [(4, 9), (9, 4), (1, 1)])
def test_a_layer_that_is_not_larger_than_the_shift_is_an_error(evaluate, draw, size):
    small, large = draw.random((*size, 2)), draw.random((9, 9, 2))
    for picture, style in ((small, large), (large, small)):
        with pytest.raises(StageError, match=rf"'relu4_1' has {size[1]}×{size[0]} positions; a shift of 4 takes at least 5×5"):
            evaluate(Cooccurrence(layers={"relu4_1": 1}), {"relu4_1": picture}, styles=[({"relu4_1": style}, None)])


def test_a_region_without_two_positions_so_far_apart_leaves_them_out(evaluate, draw, close):
    features, style, mask = draw.random((6, 7, 2)), draw.random((6, 7, 2)), np.zeros((6, 7))
    mask[1, :5] = 1  # nothing 2 apart in columns
    loss = Cooccurrence(layers={"relu1_1": 1}, shifts=[2])
    found = evaluate(loss, {"relu1_1": features}, styles=[({"relu1_1": style}, None)], masks=[{"relu1_1": mask}])
    wanted = pairs(style, 2, 1)
    close(found.value, np.mean((pairs(features[1:2, :5], 2, 1) - wanted) ** 2) / np.mean(wanted**2) / 2)
    assert np.isfinite(found.gradient["relu1_1"]).all()
    with pytest.raises(StageError, match=r"Within its mask no two positions lie 2 apart at the layer 'relu1_1'"):
        evaluate(loss, {"relu1_1": features}, styles=[({"relu1_1": style}, {"relu1_1": mask})])


@pytest.mark.parametrize("shifts", [[], [0], [-1], [2000], [1.5]])
def test_what_is_no_shift_is_refused(shifts):
    with pytest.raises(ValidationError):
        Cooccurrence(shifts=shifts)
