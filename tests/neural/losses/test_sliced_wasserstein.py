"""The sliced Wasserstein loss against sorted projections in float64, and what must hold of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.neural.losses.functions import sliced_wasserstein_functions
from stylepipe.neural.losses.functions.sliced_wasserstein_functions import unit_directions
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.losses.loss_inputs import LossInputs, PictureFeatures, References
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein

SOME = np.array([[0.6, 0.8, 0], [0, -1, 0], [2 / 3, 1 / 3, -2 / 3], [0.36, 0.48, 0.8]])
"""Directions for three channels."""


@pytest.fixture
def some_directions(monkeypatch):
    monkeypatch.setattr(
        sliced_wasserstein_functions, "unit_directions", lambda key, count, channels: jnp.float32(SOME[:count, :channels])
    )


@pytest.fixture
def oracle(transported):
    """The loss of one layer and one style for given directions, and its gradient; masks are whole numbers."""

    def of(features, style, directions, mask=None, style_mask=None, *, normalize=True):
        def project(features):
            return directions @ np.float64(features).reshape(-1, features.shape[-1]).T

        weights = (None if each is None else each.ravel() for each in (mask, style_mask))
        value, gradient = transported(project(features), project(style), *weights)
        scale = np.average(np.mean(np.float64(style) ** 2, 2), weights=style_mask) if normalize else 1
        return value / scale, (gradient.T @ directions).reshape(features.shape) / scale

    return of


@pytest.mark.parametrize("normalize", ["target", "none"])
@pytest.mark.parametrize("directions", [None, 4])
def test_value_and_gradient_of_several_layers(evaluate, some_directions, draw, close, oracle, directions, normalize):
    sizes, weights = {"relu1_1": (7, 9, 3), "relu3_2": (3, 5, 3)}, {"relu1_1": 0.5, "relu3_2": 3.0}
    features = {layer: np.float32(draw.random(size)) for layer, size in sizes.items()}
    style = {layer: np.float32(2 * draw.random((4, 6, 3))) for layer in sizes}
    loss = SlicedWasserstein(layers=weights, directions=directions, normalize=normalize)
    found, value = evaluate(loss, features, styles=[(style, None)]), 0
    for layer, weight in weights.items():
        one, gradient = oracle(features[layer], style[layer], SOME[: directions or 3], normalize=normalize == "target")
        value += weight * one
        close(found.gradient[layer], weight * gradient)
    close(found.value, value)


@pytest.mark.parametrize("regional", [False, True])
def test_several_styles_are_summed_each_in_its_own_region_or_everywhere(
    evaluate, some_directions, draw, close, oracle, regional
):
    features, one, two = (np.float32(draw.random(size)) for size in ((6, 5, 3), (6, 5, 3), (4, 7, 3)))
    masks, style_mask = draw.integers(0, 4, (2, 6, 5)), draw.integers(0, 4, (6, 5))
    found = evaluate(
        SlicedWasserstein(layers={"relu2_1": 1}),
        {"relu2_1": features},
        styles=[({"relu2_1": one}, {"relu2_1": style_mask / 4}), ({"relu2_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu2_1": mask / 4} for mask in masks] if regional else None,
    )
    first = oracle(features, one, SOME[:3], masks[0] if regional else None, style_mask)
    second = oracle(features, two, SOME[:3], masks[1] if regional else None)
    close(found.value, 0.2 * first[0] + 0.8 * second[0])
    close(found.gradient["relu2_1"], 0.2 * first[1] + 0.8 * second[1])


def test_known_by_hand(evaluate, some_directions):
    # Along (0.6, 0.8) the style's positions are at 3 and 4, the picture's at 0: (9 + 16) / 2, over the mean of 25, 0, 0, 25.
    style = np.array([[[5.0, 0], [0, 5.0]]])
    loss = SlicedWasserstein(layers={"relu1_1": 1}, directions=1)
    found = evaluate(loss, {"relu1_1": np.zeros((2, 1, 2))}, styles=[({"relu1_1": style}, None)])
    assert found.value == pytest.approx(12.5 / 12.5, rel=1e-6)
    np.testing.assert_allclose(found.gradient["relu1_1"][:, 0], -np.outer([3, 4], [0.6, 0.8]) / 12.5, rtol=1e-6)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_knows_what_occurs_together_and_not_where(evaluate, seed):
    draw = np.random.default_rng(seed)
    style = draw.random((3, 4, 2)) + 0.1
    moved = draw.permutation(style.reshape(-1, 2)).reshape(4, 3, 2)
    loss = SlicedWasserstein(layers={"relu1_1": 1})
    found = evaluate(loss, {"relu1_1": np.tile(moved, (2, 3, 1))}, styles=[({"relu1_1": style}, None)])
    assert abs(found.value) < 1e-10
    assert np.abs(found.gradient["relu1_1"]).max() < 1e-6
    turned = np.stack([style[..., 0], np.sort(style[..., 1].ravel())[::-1].reshape(3, 4)], -1)
    given = {"features": {"relu1_1": turned}, "styles": [({"relu1_1": style}, None)]}
    assert abs(evaluate(Histogram(layers={"relu1_1": 1}), **given).value) < 1e-10
    assert evaluate(loss, **given).value > 1e-5


def test_of_one_channel_it_is_the_histogram_loss(evaluate, draw):
    features, style = draw.random((5, 4, 1)), draw.random((3, 3, 1))
    given = {"features": {"relu1_1": features}, "styles": [({"relu1_1": style}, None)]}
    one, other = (evaluate(kind(layers={"relu1_1": 1}), **given) for kind in (SlicedWasserstein, Histogram))
    assert one.value == pytest.approx(other.value, rel=1e-5)
    np.testing.assert_allclose(one.gradient["relu1_1"], other.gradient["relu1_1"], atol=1e-6)


def test_each_key_draws_its_own_directions(draw):
    loss = SlicedWasserstein(layers={"relu1_1": 1.0, "relu1_2": 1.0}, normalize="none")
    picture, style = (
        PictureFeatures(jnp.zeros((5, 4, 3)), dict.fromkeys(loss.table, jnp.float32(draw.random((5, 4, 6))))) for _ in range(2)
    )
    example = loss.statistic(LossInputs(style))
    target = loss.target_of(References(None, (example,), jnp.ones(1), False))

    def score(seed, one, other):
        chosen = loss.model_copy(update={"layers": {"relu1_1": one, "relu1_2": other}})
        seen = loss.statistic(LossInputs(picture, key=jax.random.key(seed)))
        return float(chosen.distance(seen, target))

    assert score(1, 1.0, 1.0) == score(1, 1.0, 1.0) != score(2, 1.0, 1.0)
    assert score(1, 1.0, 0.0) != score(1, 0.0, 1.0)


def test_directions_are_of_unit_length_and_all_alike():
    found = np.float64(unit_directions(jax.random.key(0), 20_000, 5))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found.mean(0), 0, atol=0.015)
    np.testing.assert_allclose(found.T @ found / len(found), np.eye(5) / 5, atol=0.01)
