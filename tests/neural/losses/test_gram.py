"""The Gram loss against its formula in float64, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.neural.losses.gram import Gram


def gram(features, mask=None):
    """(F ᵀ diag(m) F) / Σm, by its definition, position by position."""
    mask = np.ones(features.shape[:2]) if mask is None else np.float64(mask)
    total = np.zeros((features.shape[2],) * 2)
    for row, weights in zip(np.float64(features), mask, strict=True):
        for vector, weight in zip(row, weights, strict=True):
            total += weight * np.outer(vector, vector)
    return total / mask.sum()


def oracle(features, wanted, mask=None, *, shift=0.0, normalize=True):
    """mean((G − T)²) / mean(T²) and its gradient 4 m (F − s)(G − T) / (Σm c² mean(T²))."""
    shifted = np.float64(features) - shift
    mask = np.ones(features.shape[:2]) if mask is None else np.float64(mask)
    difference = gram(shifted, mask) - wanted
    scale = np.mean(wanted**2) if normalize else 1
    gradient = 4 * mask[..., None] * (shifted @ difference) / (mask.sum() * difference.size * scale)
    return np.mean(difference**2) / scale, gradient


@pytest.mark.parametrize("normalize", ["target", "none"])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_value_and_gradient_of_several_layers(evaluate, draw, close, normalize, shift):
    sizes, weights = {"relu1_1": (7, 9, 5), "relu3_2": (3, 5, 11)}, {"relu1_1": 0.5, "relu3_2": 3.0}
    features = {layer: draw.random(size) for layer, size in sizes.items()}
    style = {layer: 2 * draw.random((4, 6, size[2])) for layer, size in sizes.items()}
    found = evaluate(Gram(layers=weights, shift=shift, normalize=normalize), features, styles=[(style, None)])
    value = 0
    for layer, weight in weights.items():
        one, gradient = oracle(features[layer], gram(style[layer] - shift), shift=shift, normalize=normalize == "target")
        value += weight * one
        close(found.gradient[layer], weight * gradient)
    close(found.value, value)


def test_several_styles_are_blended_as_statistics(evaluate, draw, close):
    features, one, two = (draw.random((5, 7, 4)) for _ in range(3))
    found = evaluate(
        Gram(layers={"relu2_1": 1}),
        {"relu2_1": features},
        styles=[({"relu2_1": one}, None), ({"relu2_1": two}, None)],
        weights=[3, 1],
    )
    value, gradient = oracle(features, 0.75 * gram(one) + 0.25 * gram(two))
    close(found.value, value)
    close(found.gradient["relu2_1"], gradient)


def test_each_style_in_its_own_soft_overlapping_region(evaluate, draw, close):
    features, one, two = (draw.random((6, 5, 4)) for _ in range(3))
    masks, style_mask = draw.random((2, 6, 5)), draw.random((6, 5))
    found = evaluate(
        Gram(layers={"relu2_1": 1}),
        {"relu2_1": features},
        styles=[({"relu2_1": one}, {"relu2_1": style_mask}), ({"relu2_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu2_1": mask} for mask in masks],
    )
    first, second = oracle(features, gram(one, style_mask), masks[0]), oracle(features, gram(two), masks[1])
    close(found.value, 0.2 * first[0] + 0.8 * second[0])
    close(found.gradient["relu2_1"], 0.2 * first[1] + 0.8 * second[1])


def test_known_by_hand(evaluate):
    # G of one feature that is 3 everywhere is 9, of one that is 1 it is 1: (9 − 1)² over 1², and 64 without the division.
    ones, threes = np.ones((2, 3, 1)), np.full((4, 4, 1), 3.0)
    assert evaluate(Gram(layers={"relu1_1": 1}), {"relu1_1": threes}, styles=[({"relu1_1": ones}, None)]).value == 64
    loss = Gram(layers={"relu1_1": 1}, normalize="none")
    assert evaluate(loss, {"relu1_1": ones}, styles=[({"relu1_1": threes}, None)]).value == 64


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_it_knows_which_features_occur_together_and_not_where(evaluate, height, width, channels, seed):
    draw = np.random.default_rng(seed)
    style = draw.random((height, width, channels)) + 0.1
    moved = draw.permutation(style.reshape(-1, channels)).reshape(width, height, channels)
    found = evaluate(Gram(layers={"relu1_1": 1}), {"relu1_1": np.tile(moved, (2, 3, 1))}, styles=[({"relu1_1": style}, None)])
    assert found.value < 1e-10  # zero at its own statistic, wherever the positions and however many copies of them
    assert np.abs(found.gradient["relu1_1"]).max() < 1e-5


def test_a_small_region_is_styled_as_strongly_as_a_large_one(evaluate, draw):
    features, style = np.tile([1.0, 2.0, 0.5], (50, 40, 1)), draw.random((8, 8, 3))

    def styled(rows):
        mask = np.zeros((50, 40))
        mask[:rows] = 1
        one = evaluate(
            Gram(layers={"relu1_1": 1}), {"relu1_1": features}, styles=[({"relu1_1": style}, None)], masks=[{"relu1_1": mask}]
        )
        assert not one.gradient["relu1_1"][rows:].any()
        return one.value, np.float64(one.gradient["relu1_1"][:rows]).sum((0, 1))

    for small, large in zip(styled(1), styled(25), strict=True):  # 2 % and 50 %
        np.testing.assert_allclose(small, large, rtol=1e-5)


@pytest.mark.parametrize("features", [np.zeros((3, 4, 5)), np.full((3, 4, 5), 0.7), np.zeros((1, 1, 5))])
@pytest.mark.parametrize("style", [np.zeros((2, 2, 5)), np.full((1, 1, 5), 0.3)])
def test_gradients_are_finite_where_features_vanish_or_are_constant(evaluate, features, style):
    found = evaluate(Gram(layers={"relu1_1": 1}), {"relu1_1": features}, styles=[({"relu1_1": style}, None)])
    assert np.isfinite(found.value)
    assert np.isfinite(found.gradient["relu1_1"]).all()


def test_a_recipe_means_the_same_at_any_scale_of_features(evaluate, draw):
    features, style = draw.random((5, 5, 3)), draw.random((4, 4, 3))
    values = [
        evaluate(Gram(layers={"relu1_1": 1}), {"relu1_1": scale * features}, styles=[({"relu1_1": scale * style}, None)]).value
        for scale in (1, 1e-3, 1e3)
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-5)


def as_gatys(features, style, pixels):
    """1/(4 N² M²) Σ (G − A)², G not divided by the M positions, at one of five layers."""
    return np.sum((features.T @ features - style.T @ style) ** 2) / (4 * features.size**2) / 5


def as_titu1994(features, style, pixels):
    return np.sum((features.T @ features - style.T @ style) ** 2) / (4 * 3**2 * pixels**2) / 5


def as_tseng(features, style, pixels):
    return np.sum(np.mean((features.T @ features - style.T @ style) ** 2, 1)) / features.size**2


def as_stylenet(features, style, pixels):
    difference = (features.T @ features - style.T @ style) / features.size
    return np.sum((difference / features.shape[1] ** 2) ** 2) / 2


@pytest.mark.parametrize(
    ("program", "weight"),
    [
        (as_gatys, lambda n, c, pixels: 1 / 20),
        (as_titu1994, lambda n, c, pixels: c**2 * (n / pixels) ** 2 / 36 / 5),
        (as_tseng, lambda n, c, pixels: 1 / c),
        (as_stylenet, lambda n, c, pixels: 1 / (2 * c**4)),
    ],
)
def test_weights_that_give_what_other_programs_give(evaluate, draw, program, weight):
    height, width, channels, pixels = 6, 7, 4, 4 * 6 * 7  # a layer after one pool
    features, style = draw.random((height, width, channels)), draw.random((height, width, channels))
    loss = Gram(layers={"relu2_1": weight(height * width, channels, pixels)}, normalize="none")
    found = evaluate(loss, {"relu2_1": features}, styles=[({"relu2_1": style}, None)])
    expected = program(features.reshape(-1, channels), style.reshape(-1, channels), pixels)
    assert found.value == pytest.approx(expected, rel=1e-5)
