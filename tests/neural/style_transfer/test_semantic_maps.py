"""Semantic maps: labels by hand, colors that k-means has to find, and what two maps may not have."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from stylepipe.artifacts import Image
from stylepipe.errors import StageError
from stylepipe.neural.style_transfer.semantic_maps import MAX_LABELS, Labelling, clustered, shared_regions

PALETTE = np.array([[255, 255, 255], [0, 0, 255], [255, 51, 31], [192, 0, 0], [0, 255, 0]]) / 255
"""White, blue, red, a dark red not far from it, green."""
W, B, R, D, G = range(5)


def painted(numbers, palette=PALETTE, alpha=None):
    return Image(np.float32(palette[np.asarray(numbers)]), None if alpha is None else np.float32(alpha))


def soiled(numbers, by, seed=0):
    """The map with noise of a standard deviation `by` in its colors."""
    noise = np.random.default_rng(seed).normal(0, by, (*np.shape(numbers), 3))
    return Image(np.float32(np.clip(painted(numbers).pixels + noise, 0, 1)))


def scattered(shares, size, seed=0):
    """Numbers 0, 1, … in shares of a map's pixels."""
    numbers = np.repeat(np.arange(len(shares)), np.round(np.array(shares) * size[0] * size[1]).astype(int))
    return np.random.default_rng(seed).permutation(numbers).reshape(size)


# --- every color a label ----------------------------------------------------------------------------------------------


def test_each_color_is_a_pair_of_masks():
    found = shared_regions(painted([[W, W, B], [R, B, B]]), painted([[B, W], [R, R], [W, W]]), Labelling())
    assert sorted(found) == ["#0000ff", "#ff331f", "#ffffff"]
    np.testing.assert_array_equal(found["#0000ff"].style, [[0, 0, 1], [0, 1, 1]])
    np.testing.assert_array_equal(found["#0000ff"].target, [[1, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(found["#ff331f"].style, [[0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(found["#ff331f"].target, [[0, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(found["#ffffff"].target, [[0, 1], [0, 0], [1, 1]])
    assert all(mask.dtype == np.float32 for region in found.values() for mask in region)


@settings(deadline=None, max_examples=40)
@given(npst.arrays(np.int8, (3, 4), elements=st.integers(0, 4)), npst.arrays(np.int8, (5, 2), elements=st.integers(0, 4)))
def test_the_masks_part_what_the_maps_share(style, target):
    shared = set(style.ravel()) & set(target.ravel())
    assume(shared)
    found = shared_regions(painted(style), painted(target), Labelling(unmatched="ignore"))
    assert len(found) == len(shared)
    np.testing.assert_array_equal(sum(region.style for region in found.values()), np.isin(style, list(shared)))
    np.testing.assert_array_equal(sum(region.target for region in found.values()), np.isin(target, list(shared)))


def test_more_colors_than_labels_may_be_are_an_error_that_tells_their_number():
    grays = np.repeat(np.arange(MAX_LABELS + 1)[None, :, None] / 255, 3, -1).astype(np.float32)
    fewer, others = Image(grays[:, 1:]), Image(grays[:, :-1])
    assert len(shared_regions(fewer, fewer, Labelling())) == MAX_LABELS
    with pytest.raises(StageError, match="The semantic maps have 33 colors; each is a label, and 32 are allowed") as caught:
        shared_regions(fewer, others, Labelling())
    assert "'count': k-means" in caught.value.hint


@pytest.mark.parametrize("count", [None, 2])
def test_what_is_hidden_has_no_label_and_what_is_half_visible_is_half_inside(count):
    style = painted([[W, W, R], [D, B, B]], alpha=[[1, 0.5, 0], [0, 1, 0.25]])
    found = shared_regions(style, painted([[W, B]]), Labelling(count=count))
    assert sorted(found) == ["#0000ff", "#ffffff"]
    np.testing.assert_array_equal(found["#ffffff"].style, [[1, 0.5, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found["#0000ff"].style, [[0, 0, 0], [0, 1, 0.25]])


# --- labels in one map only --------------------------------------------------------------------------------------------


def test_a_label_in_one_map_only_is_an_error_that_names_its_color():
    with pytest.raises(StageError) as caught:
        shared_regions(painted([[W, B, R]]), painted([[W, G, D]]), Labelling())
    assert "the style's alone has #0000ff, #ff331f and the target's alone has #00ff00, #c00000." in caught.value.message


def test_or_it_is_left_out():
    found = shared_regions(painted([[W, B, R]]), painted([[W, G]]), Labelling(unmatched="ignore"))
    assert list(found) == ["#ffffff"]
    np.testing.assert_array_equal(found["#ffffff"].style, [[1, 0, 0]])
    np.testing.assert_array_equal(found["#ffffff"].target, [[1, 0]])


def test_no_label_in_common_is_an_error_in_any_case():
    with pytest.raises(StageError, match="no label in common"):
        shared_regions(painted([[W]]), painted([[B]]), Labelling(unmatched="ignore"))


# --- k-means -----------------------------------------------------------------------------------------------------------


def test_k_means_finds_noisy_colors_a_small_one_too():
    style, target = scattered([0.5, 0.3, 0.1, 0.02, 0.08], (50, 60)), scattered([0.3, 0.02, 0.2, 0.4, 0.08], (100, 40), 1)
    found = shared_regions(soiled(style, 0.03), soiled(target, 0.03, 1), Labelling(count=5))
    assert len(found) == 5
    for name, region in found.items():
        color = np.array([int(name[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        number = np.abs(PALETTE - color).sum(1).argmin()
        np.testing.assert_allclose(color, PALETTE[number], atol=0.02)
        np.testing.assert_array_equal(region.style, style == number)
        np.testing.assert_array_equal(region.target, target == number)


def test_clean_colors_come_back_exactly_and_a_large_map_is_labeled_whole():
    style, target = scattered([0.4, 0.3, 0.3], (300, 170)), scattered([0.2, 0.2, 0.6], (20, 200), 1)
    exact, found = (shared_regions(painted(style), painted(target), Labelling(count=count)) for count in (None, 3))
    assert list(exact) == list(found)
    for name, region in exact.items():
        np.testing.assert_array_equal(found[name].style, region.style)
        np.testing.assert_array_equal(found[name].target, region.target)


def test_it_looks_at_both_maps_together():
    other = PALETTE + np.array([[-0.01, 0, 0], [0.02, 0.01, 0], [0, -0.15, -0.1], [0.02, 0.02, 0], [0, 0, 0.01]])
    numbers = [[W, B], [R, G]]
    found = shared_regions(painted(numbers), painted(numbers, other), Labelling(count=4))
    assert sorted(tuple(region.target.ravel()) for region in found.values()) == sorted(map(tuple, np.eye(4)))
    assert all((region.style == region.target).all() for region in found.values())
    with pytest.raises(StageError, match="differ in their labels"):
        shared_regions(painted(numbers), painted(numbers, other), Labelling(count=5))  # two reds


def test_a_label_in_one_map_only_is_found_as_one():
    with pytest.raises(StageError, match="the target's alone has #00ff00"):
        shared_regions(painted([[W, B], [W, B]]), painted([[W, B], [G, G]]), Labelling(count=3))


def test_the_same_maps_give_the_same_colors():
    maps = soiled(scattered([0.2] * 5, (30, 30)), 0.2), soiled(scattered([0.2] * 5, (20, 40)), 0.2)
    for one, two in zip(clustered(*maps, count=7), clustered(*maps, count=7), strict=True):
        np.testing.assert_array_equal(one.pixels, two.pixels)


def test_fewer_colors_than_labels_are_an_error():
    with pytest.raises(StageError, match="The semantic maps have 2 colors, and 3 labels are to be found"):
        shared_regions(painted([[W, B]]), painted([[B, W]]), Labelling(count=3))
