"""The measures of quality: against their formulas in float64, and on cases known by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.neural.evaluation.measures import (
    BINS,
    CONTENT,
    GLOBAL,
    LOCAL,
    MeasuredPicture,
    content_fidelity,
    global_effects,
    local_patterns,
    measured_styles,
    quality,
    unseen_layers,
)

LAYERS = {CONTENT: ("a",), GLOBAL: ("a", "b"), LOCAL: ("a", "b")}


def seen(seed: int, sizes=((6, 5), (4, 7))) -> MeasuredPicture:
    """Features and a histogram drawn at random."""
    draw = np.random.default_rng(seed)
    maps = {name: draw.random((*size, 4)).astype(np.float32) for name, size in zip("ab", sizes, strict=True)}
    shares = draw.random((3, BINS))
    return MeasuredPicture(shares / shares.sum(1, keepdims=True), maps)


# --- the formulas ---------------------------------------------------------------------------------------------------------


def cosine(a, b) -> float:
    return float(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)))


def gram(found) -> np.ndarray:
    height, width, channels = found.shape
    total = np.zeros((channels, channels))
    for y in range(height):
        for x in range(width):
            total += np.outer(found[y, x], found[y, x])
    return total / (height * width)


def patches(found) -> list[np.ndarray]:
    height, width, _ = found.shape
    return [found[y : y + 3, x : x + 3] for y in range(height - 2) for x in range(width - 2)]


def matched(found, others) -> tuple[float, int]:
    """The mean of the largest cosines, and the number of different patches that they belong to."""
    best = [max((cosine(patch, other), -number) for number, other in enumerate(others)) for patch in found]
    return float(np.mean([score for score, _ in best])), len({number for _, number in best})


def in_float64(picture: MeasuredPicture) -> dict[str, np.ndarray]:
    return {name: found.astype(np.float64) for name, found in picture.features.items()}


@pytest.mark.parametrize("styles", [1, 2])
def test_the_measures_are_those_of_the_formulas(styles):
    result, content, *given_styles = (seen(number) for number in range(2 + styles))
    found = quality(result, content=content, styles=measured_styles(given_styles, LAYERS), layers=LAYERS)
    one, other, *all_styles = (in_float64(picture) for picture in (result, content, *given_styles))
    textures = [cosine(gram(one[name]), np.mean([gram(each[name]) for each in all_styles], 0)) for name in "ab"]
    mean = np.mean([each.histogram for each in given_styles], 0)
    colors = [cosine(result.histogram[channel], mean[channel]) for channel in range(3)]
    local = []
    for name in "ab":
        candidates = [patch for each in all_styles for patch in patches(each[name])]
        likeness, chosen = matched(patches(one[name]), candidates)
        local.append((likeness + min(1, chosen / matched(candidates, candidates)[1])) / 2)
    assert found == pytest.approx(
        {
            CONTENT: cosine(one["a"], other["a"]),
            GLOBAL: (np.mean(textures) + np.mean(colors)) / 2,
            LOCAL: np.mean(local),
        },
        rel=1e-6,
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_all_are_within_0_and_1_and_a_picture_is_wholly_like_itself(seed, other):
    result, style = seen(seed), seen(other, ((3, 8), (5, 5)))
    content = seen(other)
    found = quality(result, content=content, styles=measured_styles([style], LAYERS), layers=LAYERS)
    assert all(0 <= value <= 1 + 1e-6 for value in found.values())
    itself = quality(result, content=result, styles=measured_styles([result], LAYERS), layers=LAYERS)
    assert itself == pytest.approx(dict.fromkeys(LAYERS, 1.0), abs=1e-6)


def test_measures_that_are_known_by_hand():
    """Features alike at one of two places; Gram matrices [[1, 0], [0, 0]] and ½ I; histograms alike in two of three channels;
    and four patches that are all most like the same one."""
    flat = np.zeros((3, BINS))
    flat[:, 0] = 1
    other = flat.copy()
    other[0] = np.roll(other[0], 5)
    one = MeasuredPicture(flat, {"a": np.array([[[1.0, 0.0], [1.0, 0.0]]])})
    two = MeasuredPicture(other, {"a": np.array([[[1.0, 0.0], [0.0, 1.0]]])})
    assert content_fidelity(one, two, ["a"]) == pytest.approx(1 / 2)
    only_global = {GLOBAL: ("a",)}
    assert global_effects(one, measured_styles([two], only_global)) == pytest.approx((1 / np.sqrt(2) + 2 / 3) / 2)
    result = MeasuredPicture(flat, {"a": np.ones((4, 4, 2))})
    corner = np.zeros((4, 4, 2))
    corner[:3, :3, 0] = 1  # its patches hold 9, 6, 6 and 4 ones, and are √(k / 18) like one of 18
    style = MeasuredPicture(flat, {"a": corner})
    assert local_patterns(result, measured_styles([style], {LOCAL: ("a",)})) == pytest.approx((np.sqrt(9 / 18) + 1 / 4) / 2)


def test_what_has_no_length_is_like_nothing():
    nothing = MeasuredPicture(np.ones((3, BINS)) / BINS, {name: np.zeros((5, 5, 4), np.float32) for name in "ab"})
    found = quality(nothing, content=seen(0, ((5, 5), (5, 5))), styles=measured_styles([seen(1)], LAYERS), layers=LAYERS)
    assert found[CONTENT] == 0
    assert found[LOCAL] < 0.05


def test_without_a_content_or_layers_a_measure_is_left_out():
    assert list(quality(seen(0), content=None, styles=measured_styles([seen(1)], LAYERS), layers=LAYERS)) == [GLOBAL, LOCAL]
    only = {GLOBAL: ("b",)}
    assert list(quality(seen(0), content=seen(1), styles=measured_styles([seen(1)], only), layers=only)) == [GLOBAL]


# --- layers ---------------------------------------------------------------------------------------------------------------

VGG19 = tuple(f"relu{block}_{index}" for block, count in enumerate((2, 2, 4, 4, 4), 1) for index in range(1, count + 1))
SLIM = VGG19[:13]


def test_layers_are_those_of_the_paper_unless_losses_have_seen_them():
    assert unseen_layers((), VGG19) == {
        CONTENT: ("relu4_1", "relu5_1"),
        GLOBAL: ("relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        LOCAL: ("relu3_1", "relu4_1"),
    }
    classic = {"relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu4_2"}
    assert unseen_layers(classic, SLIM) == {
        CONTENT: ("relu4_3",),
        GLOBAL: ("relu2_2", "relu3_2", "relu4_3"),
        LOCAL: ("relu3_2", "relu4_3"),
    }
    assert unseen_layers([layer for layer in SLIM if layer < "relu4"], SLIM) == {
        CONTENT: ("relu4_1", "relu5_1"),
        GLOBAL: ("relu4_1", "relu5_1"),
        LOCAL: ("relu4_1",),
    }
    assert unseen_layers(SLIM, SLIM) == {}
