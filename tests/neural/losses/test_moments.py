"""The loss of means and deviations against its formula in float64, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.neural.losses.moments import Moments

ONE = Moments(layers={"relu1_1": 1})


def moments(features, mask=None):
    """Mean and standard deviation by channel, in two passes."""
    weights = np.ones(features.shape[:2]) if mask is None else mask
    mean = np.average(features, (0, 1), weights=np.broadcast_to(weights[..., None], features.shape))
    variance = (weights[..., None] * (features - mean) ** 2).sum((0, 1)) / weights.sum()
    return mean, np.sqrt(variance)


def oracle(features, mean, deviation, mask=None, *, normalize=True):
    own, spread = moments(features, mask)
    value = np.mean((own - mean) ** 2) + np.mean((spread - deviation) ** 2)
    return value / np.mean(mean**2 + deviation**2) if normalize else value


@pytest.mark.parametrize("normalize", ["target", "none"])
def test_value_and_gradient_of_several_layers(evaluate, draw, close, slope, normalize):
    sizes, weights = {"relu1_1": (7, 9, 3), "relu3_2": (3, 5, 6)}, {"relu1_1": 0.5, "relu3_2": 3.0}
    features = {layer: draw.random(size) for layer, size in sizes.items()}
    style = {layer: 2 * draw.random((4, 6, size[2])) ** 3 for layer, size in sizes.items()}
    found = evaluate(Moments(layers=weights, normalize=normalize), features, styles=[(style, None)])
    value = 0
    for layer, weight in weights.items():

        def of_layer(at, layer=layer, weight=weight):
            return weight * oracle(at, *moments(style[layer]), normalize=normalize == "target")

        value += of_layer(features[layer])
        close(found.gradient[layer], slope(of_layer, features[layer]))
    close(found.value, value)


def test_several_styles_are_blended_into_the_moments_of_all_positions(evaluate, draw, close, slope):
    # Three shares of one and one of the other: as of a picture of which three quarters are the one.
    features, one, two = (draw.random((5, 6, 3)) for _ in range(3))
    together = moments(np.concatenate([one, one, one, two]))
    found = evaluate(ONE, {"relu1_1": features}, styles=[({"relu1_1": one}, None), ({"relu1_1": two}, None)], weights=[3, 1])
    close(found.value, oracle(features, *together))
    close(found.gradient["relu1_1"], slope(lambda at: oracle(at, *together), features))


def test_each_style_in_its_own_soft_overlapping_region(evaluate, draw, close, slope):
    features, one, two = (draw.random((6, 5, 3)) for _ in range(3))
    masks, style_mask = draw.random((2, 6, 5)), draw.random((6, 5))
    found = evaluate(
        ONE,
        {"relu1_1": features},
        styles=[({"relu1_1": one}, {"relu1_1": style_mask}), ({"relu1_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu1_1": mask} for mask in masks],
    )

    def expected(at):
        first, second = oracle(at, *moments(one, style_mask), masks[0]), oracle(at, *moments(two), masks[1])
        return 0.2 * first + 0.8 * second

    close(found.value, expected(features))
    close(found.gradient["relu1_1"], slope(expected, features))


def test_known_by_hand(evaluate):
    # 0 and 2 in equal parts have mean 1 and deviation 1; 1 and 7 have 4 and 3: (4 − 1)² + (3 − 1)² over 1² + 1².
    style, picture = np.array([0.0, 2.0]).reshape(1, 2, 1), np.array([1.0, 7.0]).reshape(2, 1, 1)
    assert evaluate(ONE, {"relu1_1": picture}, styles=[({"relu1_1": style}, None)]).value == pytest.approx(13 / 2)
    loss = Moments(layers={"relu1_1": 1}, normalize="none")
    assert evaluate(loss, {"relu1_1": picture}, styles=[({"relu1_1": style}, None)]).value == pytest.approx(13)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([(1, 1), (4, 6), (3, 2)]), st.integers(0, 2**32 - 1))
def test_it_does_not_know_where_features_are_nor_what_they_occur_with(evaluate, size, seed):
    (height, width), draw = size, np.random.default_rng(seed)
    style = draw.random((height, width, 3)) + 0.1
    moved = np.stack([draw.permutation(channel) for channel in style.reshape(-1, 3).T], -1).reshape(width, height, 3)
    found = evaluate(ONE, {"relu1_1": np.tile(moved, (3, 2, 1))}, styles=[({"relu1_1": style}, None)])
    assert found.value < 1e-10


@pytest.mark.parametrize("level", [0.0, 0.1, 0.7, 1e4])
def test_a_constant_feature_has_no_deviation_whatever_rounding_leaves_of_it(evaluate, draw, level):
    style = draw.random((5, 7, 2))
    found = evaluate(ONE, {"relu1_1": np.full((31, 17, 2), level)}, styles=[({"relu1_1": style}, None)])
    mean, deviation = moments(style)
    assert found.value == pytest.approx(np.mean((level - mean) ** 2 + deviation**2) / np.mean(mean**2 + deviation**2), rel=1e-5)
    slope = np.broadcast_to(2 * (level - mean) / (31 * 17 * 2 * np.mean(mean**2 + deviation**2)), (31, 17, 2))
    np.testing.assert_allclose(found.gradient["relu1_1"], slope, rtol=1e-5)
