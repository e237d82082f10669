"""The content loss against its formula in float64, and what must hold of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import integrate

from stylepipe.neural.encoders.encoder_kinds import LayerName
from stylepipe.neural.losses.content import Content


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
    assert spec.error_of(loss) == pytest.approx(ratio * target, rel=1e-6)


def test_the_error_of_a_loss_without_a_target():
    assert Content(weight=4).error_of(2.0) == 0.5


@pytest.mark.parametrize("options", [{"weight": 0}, {"layers": {"relu3_1": 1, "relu3_2": -1}}, {"target": 0}])
def test_a_target_needs_weights_above_zero(options):
    with pytest.raises(ValidationError, match="target"):
        Content(**{"target": TARGET, **options})


# --- relative to the styles -----------------------------------------------------------------------------------------------

RELATIVE = Content(layers={"relu3_1": 1}, normalize="styles")


def expected_error(content, style, weights=None, style_weights=None):
    """The mean squared difference of all pairs of positions, one of the content and one of the style."""
    content, style = (np.float64(each).reshape(-1, each.shape[-1]) for each in (content, style))
    errors = np.mean((content[:, None] - style[None]) ** 2, 2)
    by_position = np.average(errors, 1, weights=None if style_weights is None else style_weights.ravel())
    return np.average(by_position, weights=None if weights is None else weights.ravel())


def test_relative_to_a_style_the_errors_are_shares_of_those_of_all_pairs_of_positions(evaluate, draw, close):
    layers: dict[LayerName, float] = {"relu2_1": 0.5, "relu3_1": 2.0}
    sizes = {"relu2_1": (6, 9, 3), "relu3_1": (3, 4, 5)}
    features, content = ({layer: draw.random(size) for layer, size in sizes.items()} for _ in range(2))
    style = {layer: 2 * draw.random((4, 6, size[2])) ** 3 for layer, size in sizes.items()}
    found = evaluate(Content(layers=layers, normalize="styles"), features, content=content, styles=[(style, None)])
    value, gradient = 0, {}
    for layer, weight in layers.items():
        difference, expected = features[layer] - content[layer], expected_error(content[layer], style[layer])
        value += weight * np.mean(difference**2) / expected
        gradient[layer] = weight * 2 * difference / (difference.size * expected)
    close(found.value, value)
    for layer in layers:
        close(found.gradient[layer], gradient[layer])
    aimed = Content(layers=layers, normalize="styles", target=value)
    assert evaluate(aimed, features, content=content, styles=[(style, None)]).value == pytest.approx(10 * value / 61, rel=1e-3)


def test_several_styles_are_a_mixture(evaluate, draw, close):
    features, content, one, two = (draw.random((4, 5, 3)) ** power for power in (1, 1, 3, 0.2))
    error = np.mean((features - content) ** 2)
    found = evaluate(
        RELATIVE,
        {"relu3_1": features},
        content={"relu3_1": content},
        styles=[({"relu3_1": one}, None), ({"relu3_1": two}, None)],
        weights=[3, 1],
    )
    close(found.value, error / expected_error(content, np.concatenate([one, one, one, two])))


@pytest.mark.parametrize("weights", [[1, 4], [0, 1]])
def test_styles_in_soft_overlapping_regions_with_a_content_mask_and_a_style_mask(evaluate, draw, close, weights):
    features, content, one, two = (draw.random((4, 5, 3)) ** power for power in (1, 1, 3, 0.2))
    style_mask, kept, first, second = draw.random((4, 4, 5))
    found = evaluate(
        RELATIVE,
        {"relu3_1": features},
        content={"relu3_1": content},
        content_mask={"relu3_1": kept},
        styles=[({"relu3_1": one}, {"relu3_1": style_mask}), ({"relu3_1": two}, None)],
        weights=weights,
        masks=[{"relu3_1": first}, {"relu3_1": second}],
    )
    expected = 0
    for row, column in np.ndindex(kept.shape):
        at = np.s_[row : row + 1, column : column + 1]
        total = max(kept[row, column], first[row, column] + second[row, column])
        errors = expected_error(content[at], one, None, style_mask), expected_error(content[at], two)
        for mask, error, weight in zip((first, second), errors, weights, strict=True):
            expected += (weight > 0) * kept[row, column] * mask[row, column] / total * error
    close(found.value, np.sum(kept[..., None] * (features - content) ** 2) / 3 / expected)


@pytest.mark.parametrize("masked", [False, True])
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_a_style_in_no_relation_to_the_content_has_an_error_of_1(evaluate, masked, seed):
    """The mean over all ways to shift it along the positions; with a mask, within it, and the content outside of it."""
    draw, size = np.random.default_rng(seed), (2, 3)
    content, style = (draw.random((*size, 3)) + scale for scale in draw.random(2))
    inside = (np.arange(content[..., 0].size).reshape(size) % 2 == 0) if masked else np.ones(size, bool)
    region, style_mask = ({"relu3_1": np.float32(inside)} if masked else None for _ in range(2))
    errors = []
    for shift in range(inside.sum()):
        picture = content.copy()
        picture[inside] = np.roll(style[inside], shift, 0)
        found = evaluate(
            RELATIVE,
            {"relu3_1": picture},
            content={"relu3_1": content},
            styles=[({"relu3_1": style}, style_mask)],
            masks=[region] if masked else None,
        )
        errors.append(found.value)
    assert np.mean(errors) == pytest.approx(1, rel=1e-4)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 1))
@settings(max_examples=5, deadline=None)
def test_hidden_pixels_do_not_count_and_visible_ones_count_once(evaluate, seed, alpha):
    """Half of a picture is hidden, and the other is seen through, as strongly as `alpha` everywhere."""
    draw = np.random.default_rng(seed)
    features, content, style = draw.random((3, 4, 6, 2))
    hidden = [np.concatenate([each[:, :3], draw.random((4, 3, 2))], 1) for each in (features, content, style)]
    mask = np.zeros((4, 6))
    mask[:, :3] = alpha
    region = {"relu3_1": mask}
    values = []
    for picture, shown, example in ((features, content, style), hidden):
        for masks in (None, [region]):
            seen = {"content_mask": region, "visible": region, "masks": masks}
            values.append(
                evaluate(
                    RELATIVE, {"relu3_1": picture}, content={"relu3_1": shown}, styles=[({"relu3_1": example}, region)], **seen
                ).value
            )
    left = [each[:, :3] for each in (features, content, style)]
    picture, shown, example = ({"relu3_1": each} for each in left)
    np.testing.assert_allclose(values, evaluate(RELATIVE, picture, content=shown, styles=[(example, None)]).value, rtol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_where_no_error_is_expected_the_content_is_the_measure(evaluate, draw, masked):
    """A style that is as flat as the content, or that applies nowhere where the content counts."""
    content = draw.random((2, 4, 3)) if masked else np.full((2, 4, 3), 0.7)
    half = np.float32(np.indices((2, 4))[1] < 2)
    masks = {"content_mask": {"relu3_1": half}, "masks": [{"relu3_1": 1 - half}]} if masked else {}
    features = {"relu3_1": content + 0.1}
    found = evaluate(RELATIVE, features, content={"relu3_1": content}, styles=[({"relu3_1": content}, None)], **masks)
    square = np.average(content**2, weights=np.broadcast_to(half[..., None], content.shape) if masked else None)
    assert found.value == pytest.approx(0.01 / square, rel=1e-5)


def test_only_relative_to_the_styles_it_needs_them():
    assert RELATIVE.compares == {"content", "styles"}
    assert Content().compares == {"content"}
