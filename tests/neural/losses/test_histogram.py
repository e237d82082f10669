"""The histogram loss against matched values in float64, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.neural.losses.histogram import Histogram


@pytest.fixture
def oracle(transported):
    """The loss of one layer and one style, and its gradient; masks are whole numbers."""

    def of(features, style, mask=None, style_mask=None, *, pool=False, normalize=True):
        def rows(features):
            flat = features.reshape(-1, features.shape[-1]).T
            return flat.reshape(1, -1) if pool else flat

        def weights(mask, channels):
            return None if mask is None else np.tile(mask.ravel(), channels if pool else 1)

        channels = features.shape[-1]
        value, gradient = transported(rows(features), rows(style), weights(mask, channels), weights(style_mask, channels))
        squares = np.mean(np.float64(style) ** 2, 2)
        scale = np.average(squares, weights=style_mask) if normalize else 1
        return value / scale, gradient.reshape(channels, -1).T.reshape(features.shape) / scale

    return of


def random(draw, *size):
    """Features as they come: some are zero."""
    return np.float32(np.maximum(draw.normal(size=size) + 0.3, 0))


@pytest.mark.parametrize("normalize", ["target", "none"])
@pytest.mark.parametrize("pool", [False, True])
def test_value_and_gradient_of_several_layers(evaluate, draw, close, oracle, pool, normalize):
    sizes, weights = {"relu1_1": (7, 9, 3), "relu3_2": (3, 5, 4)}, {"relu1_1": 0.5, "relu3_2": 3.0}
    features = {layer: random(draw, *size) for layer, size in sizes.items()}
    style = {layer: 2 * random(draw, 4, 6, size[2]) for layer, size in sizes.items()}
    loss = Histogram(layers=weights, pool_channels=pool, normalize=normalize)
    found, value = evaluate(loss, features, styles=[(style, None)]), 0
    for layer, weight in weights.items():
        one, gradient = oracle(features[layer], style[layer], pool=pool, normalize=normalize == "target")
        value += weight * one
        close(found.gradient[layer], weight * gradient)
    close(found.value, value)


@pytest.mark.parametrize("regional", [False, True])
def test_several_styles_are_summed_each_in_its_own_region_or_everywhere(evaluate, draw, close, oracle, regional):
    features, one, two = random(draw, 6, 5, 3), random(draw, 6, 5, 3), random(draw, 4, 7, 3)
    masks, style_mask = draw.integers(0, 4, (2, 6, 5)), draw.integers(0, 4, (6, 5))
    found = evaluate(
        Histogram(layers={"relu2_1": 1}),
        {"relu2_1": features},
        styles=[({"relu2_1": one}, {"relu2_1": style_mask / 4}), ({"relu2_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu2_1": mask / 4} for mask in masks] if regional else None,
    )
    first = oracle(features, one, masks[0] if regional else None, style_mask)
    second = oracle(features, two, masks[1] if regional else None)
    close(found.value, 0.2 * first[0] + 0.8 * second[0])
    close(found.gradient["relu2_1"], 0.2 * first[1] + 0.8 * second[1])


def test_several_styles_pull_towards_the_mean_of_their_quantiles(evaluate, draw):
    features, one, two = draw.random((4, 5, 2)), draw.random((4, 5, 2)), 3 * draw.random((4, 5, 2))
    blend = 0.75 * np.sort(one.reshape(-1, 2), 0) + 0.25 * np.sort(two.reshape(-1, 2), 0)
    loss = Histogram(layers={"relu1_1": 1}, normalize="none")
    styles = [({"relu1_1": one}, None), ({"relu1_1": two}, None)]
    apart = evaluate(loss, {"relu1_1": features}, styles=styles, weights=[3, 1])
    together = evaluate(loss, {"relu1_1": features}, styles=[({"relu1_1": blend.reshape(4, 5, 2)}, None)])
    np.testing.assert_allclose(apart.gradient["relu1_1"], together.gradient["relu1_1"], atol=1e-6)


def test_known_by_hand(evaluate):
    # 1 and 2 are matched to 10, 3 and 4 to 20: 81, 64, 289 and 256 in the mean, over that of 100 and 400.
    features, style = np.reshape([2.0, 3, 1, 4], (2, 2, 1)), np.reshape([20.0, 10], (1, 2, 1))
    found = evaluate(Histogram(layers={"relu1_1": 1}), {"relu1_1": features}, styles=[({"relu1_1": style}, None)])
    assert found.value == pytest.approx(172.5 / 250, rel=1e-6)
    np.testing.assert_allclose(found.gradient["relu1_1"].ravel(), np.array([-8, -17, -9, -16]) / 2 / 250, rtol=1e-6)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_knows_how_often_what_occurs_and_not_where_or_with_what(evaluate, seed):
    draw = np.random.default_rng(seed)
    style = draw.random((3, 4, 2)) + 0.1
    shuffled = draw.permuted(style.reshape(-1, 2), axis=0).reshape(4, 3, 2)  # each channel by itself
    found = evaluate(
        Histogram(layers={"relu1_1": 1}), {"relu1_1": np.tile(shuffled, (2, 3, 1))}, styles=[({"relu1_1": style}, None)]
    )
    assert abs(found.value) < 1e-10
    assert np.abs(found.gradient["relu1_1"]).max() < 1e-6


def test_pooled_channels_may_change_places(evaluate, draw):
    style = draw.random((5, 4, 2)) * (1, 3)
    given = {"features": {"relu1_1": style[..., ::-1]}, "styles": [({"relu1_1": style}, None)]}
    assert evaluate(Histogram(layers={"relu1_1": 1}, pool_channels=True), **given).value < 1e-10
    assert evaluate(Histogram(layers={"relu1_1": 1}), **given).value > 0.1
