"""The loss of patches against a search among all of them in float64, and what must hold of it."""

import numpy as np
import pytest

from stylepipe.errors import StageError
from stylepipe.neural.losses.mrf import Mrf


def places(features):
    return [(y, x) for y in range(1, features.shape[0] - 1) for x in range(1, features.shape[1] - 1)]


def around(features, place):
    y, x = place
    return features[y - 1 : y + 2, x - 1 : x + 2]


def oracle(features, style, mask=None, style_mask=None, *, normalize=True):
    """Patch by patch: the nearest of the style's, the squared distance to it, and the slope 2 (P − Q) of that."""
    features, style = np.float64(features), np.float64(style)
    mask = np.ones(features.shape[:2]) if mask is None else np.float64(mask)
    inner = np.ones(style.shape[:2]) if style_mask is None else np.float64(style_mask)
    most = max(inner[place] for place in places(style))
    candidates = [around(style, place) for place in places(style) if inner[place] >= most / 2]
    value, gradient, total = 0, np.zeros(features.shape), sum(mask[place] for place in places(features))
    for place in places(features):
        patch = around(features, place)
        correlations = [np.sum(patch * other) / np.linalg.norm(patch) / np.linalg.norm(other) for other in candidates]
        difference = patch - candidates[np.argmax(correlations)]
        value += mask[place] * np.mean(difference**2) / total
        around(gradient, place)[:] += mask[place] * 2 * difference / difference.size / total
    scale = np.mean(np.square(candidates)) if normalize else 1
    return value / scale, gradient / scale


@pytest.mark.parametrize("normalize", ["target", "none"])
def test_value_and_gradient_of_several_layers(evaluate, draw, close, normalize):
    sizes, weights = {"relu1_1": (7, 9, 4), "relu3_2": (3, 5, 6)}, {"relu1_1": 0.5, "relu3_2": 3.0}
    features = {layer: np.float32(draw.random(size)) for layer, size in sizes.items()}
    style = {layer: np.float32(2 * draw.random((4, 6, size[2]))) for layer, size in sizes.items()}
    found, value = evaluate(Mrf(layers=weights, normalize=normalize), features, styles=[(style, None)]), 0
    for layer, weight in weights.items():
        one, gradient = oracle(features[layer], style[layer], normalize=normalize == "target")
        value += weight * one
        close(found.gradient[layer], weight * gradient)
    close(found.value, value)


@pytest.mark.parametrize("regional", [False, True])
def test_several_styles_are_summed_each_in_its_own_region_or_everywhere(evaluate, draw, close, regional):
    features, one, two = (np.float32(draw.random(size)) for size in ((6, 5, 3), (6, 5, 3), (4, 7, 3)))
    masks, style_mask = np.float32(draw.random((2, 6, 5))), np.float32(0.8 * draw.random((6, 5)))
    found = evaluate(
        Mrf(layers={"relu2_1": 1}),
        {"relu2_1": features},
        styles=[({"relu2_1": one}, {"relu2_1": style_mask}), ({"relu2_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu2_1": mask} for mask in masks] if regional else None,
    )
    first = oracle(features, one, masks[0] if regional else None, style_mask)
    second = oracle(features, two, masks[1] if regional else None)
    close(found.value, 0.2 * first[0] + 0.8 * second[0])
    close(found.gradient["relu2_1"], 0.2 * first[1] + 0.8 * second[1])


def test_known_by_hand(evaluate):
    # The one patch P is 3 Q: (P − Q)² = 4 Q² over Q², and the slope is 2 · 2 Q over the sum of Q², which is 285.
    style = np.arange(1.0, 10).reshape(3, 3, 1)
    found = evaluate(Mrf(layers={"relu1_1": 1}), {"relu1_1": 3 * style}, styles=[({"relu1_1": style}, None)])
    assert found.value == pytest.approx(4)
    np.testing.assert_allclose(found.gradient["relu1_1"], 4 * style / 285, rtol=1e-6)


def test_it_knows_what_is_next_to_what(evaluate, draw):
    style = draw.random((8, 9, 3))
    shuffled = draw.permutation(style.reshape(-1, 3)).reshape(8, 9, 3)

    def score(features):
        return evaluate(Mrf(layers={"relu1_1": 1}), {"relu1_1": features}, styles=[({"relu1_1": style}, None)])

    piece = score(style[2:7, 1:6])
    assert piece.value < 1e-12
    assert np.abs(piece.gradient["relu1_1"]).max() < 1e-6
    assert score(shuffled).value > 0.05


def test_a_region_of_nothing_but_the_outermost_positions_has_no_patch(evaluate, draw):
    mask = np.zeros((5, 5))
    mask[0] = 1
    found = evaluate(
        Mrf(layers={"relu1_1": 1}),
        {"relu1_1": draw.random((5, 5, 2))},
        styles=[({"relu1_1": draw.random((4, 4, 2))}, None)],
        masks=[{"relu1_1": mask}],
    )
    assert found.value == 0
    assert not found.gradient["relu1_1"].any()


def test_a_style_of_which_a_mask_leaves_no_patch_is_an_error(evaluate, draw):
    mask = np.zeros((5, 5))
    mask[0] = 1
    with pytest.raises(StageError, match="Within its mask there is no patch of 3×3 positions at the layer 'relu1_1'"):
        evaluate(
            Mrf(layers={"relu1_1": 1}),
            {"relu1_1": draw.random((5, 5, 2))},
            styles=[({"relu1_1": draw.random((5, 5, 2))}, {"relu1_1": mask})],
        )


@pytest.mark.parametrize("small", ["picture", "style"])
def test_a_layer_without_a_patch_is_an_error(evaluate, draw, small):
    features, style = ({"relu4_1": draw.random((2 if small == name else 5, 6, 2))} for name in ("picture", "style"))
    with pytest.raises(StageError, match="at least 3×3 positions; here 'relu4_1' has 6×2"):
        evaluate(Mrf(layers={"relu4_1": 1}), features, styles=[(style, None)])
