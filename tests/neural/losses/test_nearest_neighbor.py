"""The loss of nearest neighbors against a search one by one in float64, and what must hold of it."""

import numpy as np
import pytest

from stylepipe.neural.losses.nearest_neighbor import NearestNeighbor


def rebuilt(content, style, style_mask=None):
    """For each position of the content, the style's feature of the largest centered cosine."""
    content, style = np.float64(content), np.float64(style)
    mask = np.ones(style.shape[:2]) if style_mask is None else np.float64(style_mask)
    middle = sum(mask[place] * style[place] for place in np.ndindex(mask.shape)) / mask.sum()
    candidates = [style[place] for place in np.ndindex(mask.shape) if mask[place] >= mask.max() / 2]
    found = np.zeros(content.shape)
    for place in np.ndindex(content.shape[:2]):
        one = content[place] - content.mean((0, 1))
        cosines = [one @ (each - middle) / np.linalg.norm(one) / np.linalg.norm(each - middle) for each in candidates]
        found[place] = candidates[np.argmax(cosines)]
    return found


def oracle(features, wanted, mask=None, *, normalize=True):
    """mean((F − T)²) / mean(T²) within the mask, and its gradient 2 m (F − T) / (Σm c mean(T²))."""
    mask = np.ones(features.shape[:2]) if mask is None else np.float64(mask)
    shares = mask[..., None] / mask.sum() / features.shape[2]
    scale = np.sum(shares * wanted**2) if normalize else 1
    return np.sum(shares * (features - wanted) ** 2) / scale, 2 * shares * (features - wanted) / scale


@pytest.mark.parametrize("normalize", ["target", "none"])
def test_value_and_gradient_of_several_layers(evaluate, draw, close, normalize):
    sizes, weights = {"relu1_1": (7, 9, 4), "relu3_2": (1, 3, 6)}, {"relu1_1": 0.5, "relu3_2": 3.0}
    features, content = ({layer: np.float32(draw.random(size)) for layer, size in sizes.items()} for _ in range(2))
    style = {layer: np.float32(2 * draw.random((4, 6, size[2]))) for layer, size in sizes.items()}
    loss = NearestNeighbor(layers=weights, normalize=normalize)
    found, value = evaluate(loss, features, content=content, styles=[(style, None)]), 0
    for layer, weight in weights.items():
        wanted = rebuilt(content[layer], style[layer])
        one, gradient = oracle(features[layer], wanted, normalize=normalize == "target")
        value += weight * one
        close(found.gradient[layer], weight * gradient)
    close(found.value, value)


@pytest.mark.parametrize("regional", [False, True])
def test_several_styles_are_summed_each_in_its_own_region_or_everywhere(evaluate, draw, close, regional):
    features, content, one, two = (np.float32(draw.random(size)) for size in ((6, 5, 3), (6, 5, 3), (5, 5, 3), (4, 7, 3)))
    masks, style_mask = np.float32(draw.random((2, 6, 5))), np.float32(0.8 * draw.random((5, 5)))
    found = evaluate(
        NearestNeighbor(layers={"relu2_1": 1}),
        {"relu2_1": features},
        content={"relu2_1": content},
        styles=[({"relu2_1": one}, {"relu2_1": style_mask}), ({"relu2_1": two}, None)],
        weights=[1, 4],
        masks=[{"relu2_1": mask} for mask in masks] if regional else None,
    )
    first = oracle(features, rebuilt(content, one, style_mask), masks[0] if regional else None)
    second = oracle(features, rebuilt(content, two), masks[1] if regional else None)
    close(found.value, 0.2 * first[0] + 0.8 * second[0])
    close(found.gradient["relu2_1"], 0.2 * first[1] + 0.8 * second[1])


def test_known_by_hand(evaluate):
    # Less their means, the content is −1 and 1, the style −3 and 3: 5 takes the place of 1, and 11 that of 3.
    content, style = np.array([[[3.0], [1]]]), np.array([[[5.0]], [[11]]])
    given = {"content": {"relu1_1": content}, "styles": [({"relu1_1": style}, None)]}
    loss = NearestNeighbor(layers={"relu1_1": 1}, normalize="none")
    assert evaluate(loss, {"relu1_1": np.array([[[11.0], [5]]])}, **given).value == 0
    assert evaluate(loss, {"relu1_1": content}, **given).value == (8**2 + 4**2) / 2


def test_contrast_and_brightness_of_the_content_do_not_matter(evaluate, draw):
    features, content, style = (draw.random((5, 4, 3)) for _ in range(3))
    values = [
        evaluate(
            NearestNeighbor(layers={"relu1_1": 1}),
            {"relu1_1": features},
            content={"relu1_1": seen},
            styles=[({"relu1_1": style}, None)],
        ).value
        for seen in (content, 0.3 * content + 5)
    ]
    assert values[0] == values[1]
