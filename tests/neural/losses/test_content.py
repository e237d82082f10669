"""The content loss against its formula in float64, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import integrate

from stylepipe.neural.losses.content import Content, error_of
from stylepipe.neural.losses.loss import LayerName


def test_value_and_gradient_of_several_layers(evaluate, draw, close):
    sizes, weights = {"relu1_2": (7, 9, 5), "relu4_2": (1, 3, 11)}, {"relu1_2": 0.5, "relu4_2": 3.0}
    features, content = ({layer: draw.random(size) for layer, size in sizes.items()} for _ in range(2))
    found = evaluate(Content(layers=weights), features, content=content)
    value = 0
    for layer, weight in weights.items():
        difference, square = np.float64(features[layer] - content[layer]), np.mean(content[layer] ** 2)
        value += weight * np.mean(difference**2) / square
        close(found.gradient[layer], weight * 2 * difference / (difference.size * square))
    close(found.value, value)


def test_a_mask_weighs_the_positions_of_difference_and_measure(evaluate, draw, close):
    features, content, mask = draw.random((5, 7, 3)), draw.random((5, 7, 3)), draw.random((5, 7))
    found = evaluate(Content(), {"relu4_2": features}, content={"relu4_2": content}, content_mask={"relu4_2": mask})
    weights = np.broadcast_to(mask[..., None], content.shape)
    square = np.average(content**2, weights=weights)
    close(found.value, np.average((features - content) ** 2, weights=weights) / square)
    close(found.gradient["relu4_2"], 2 * weights * (features - content) / (weights.sum() * square))


# Twelve differences of 0.5 each: 4 positions of 3 channels, in a picture of 5 × 10 pixels.
@pytest.mark.parametrize(
    ("scaling", "expected"),
    [("mean", 0.25), ("sum", 3), ("sum/C", 1), ("sum/(C*S)", 3 / (3 * 50)), ("sum/(2*sqrt(C*S))", 3 / (2 * 150**0.5))],
)
def test_the_scalings_of_other_programs(evaluate, scaling, expected):
    loss = Content(scaling=scaling, normalize="none")
    features, content = np.full((2, 2, 3), 1.5), np.full((2, 2, 3), 2.0)
    found = evaluate(loss, {"relu4_2": features}, content={"relu4_2": content}, pixels=np.zeros((5, 10, 3)))
    assert found.value == pytest.approx(expected, rel=1e-6)


def test_it_is_zero_only_at_the_content(evaluate, draw):
    content = draw.random((4, 5, 2))
    same = evaluate(Content(), {"relu4_2": content}, content={"relu4_2": content})
    assert same.value == 0
    assert not same.gradient["relu4_2"].any()
    assert evaluate(Content(), {"relu4_2": content[::-1]}, content={"relu4_2": content}).value > 0.01


@pytest.mark.parametrize("content", [np.zeros((3, 3, 2)), np.ones((3, 3, 2))])
def test_gradients_are_finite_at_zeros_and_constants(evaluate, content):
    for features in (np.zeros((3, 3, 2)), np.ones((3, 3, 2))):
        found = evaluate(Content(), {"relu4_2": features}, content={"relu4_2": content})
        assert np.isfinite(found.value)
        assert np.isfinite(found.gradient["relu4_2"]).all()


# --- a target instead of a weight -----------------------------------------------------------------------------------------

TARGET = 0.7


def weight_of(ratio):
    """What an error counts with, by its ratio to the target."""
    return 10 * min(ratio**60, 1000)


@pytest.mark.parametrize("ratio", [0.5, 0.9, 0.97, 1, 1.05, 1.1, 1.3, 5])
def test_the_gradient_is_that_of_the_error_times_a_weight_that_rises_with_it(evaluate, draw, ratio):
    layers: dict[LayerName, float] = {"relu3_1": 0.5, "relu3_3": 2.0}
    features, content = ({layer: draw.random((4, 5, 3)) for layer in layers} for _ in range(2))
    scale = np.sqrt(ratio * TARGET / evaluate(Content(layers=layers), features, content=content).value)
    moved = {layer: content[layer] + scale * (features[layer] - content[layer]) for layer in layers}
    error = evaluate(Content(layers=layers), moved, content=content)
    found = evaluate(Content(layers=layers, target=TARGET), moved, content=content)
    weight = weight_of(np.float64(error.value) / TARGET)
    for layer in layers:
        np.testing.assert_allclose(found.gradient[layer], weight * error.gradient[layer], rtol=1e-4, atol=1e-30)
    assert found.value == pytest.approx(integrate.quad(lambda e: weight_of(e / TARGET), 0, error.value)[0], rel=1e-4)


@given(st.floats(0.3, 4), st.floats(0.01, 100), st.floats(0.01, 100))
def test_the_error_is_read_back_from_the_loss(ratio, target, weight):
    spec = Content(target=target, weight=weight)
    loss = weight * target * integrate.quad(weight_of, 0, ratio, points=[1, 1.122])[0]
    assert error_of(spec, loss) == pytest.approx(ratio * target, rel=1e-6)


def test_the_error_of_a_loss_without_a_target():
    assert error_of(Content(weight=4), 2.0) == 0.5


@pytest.mark.parametrize("options", [{"weight": 0}, {"layers": {"relu3_1": 1, "relu3_2": -1}}, {"target": 0}])
def test_a_target_needs_weights_above_zero(options):
    with pytest.raises(ValidationError, match="target"):
        Content(**{"target": TARGET, **options})
