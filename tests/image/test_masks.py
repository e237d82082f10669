"""Masks brought to their pictures: aspects up to rounding, and what is empty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylepipe.artifacts import Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.masks import mask_at, require_aspect, require_inside, visible_at
from stylepipe.image.sizes import scaled

SIDES = st.integers(8, 6000)


def refused(mask: tuple[int, int], *pictures: tuple[int, int]) -> str | None:
    try:
        require_aspect(mask, *pictures, name="mask", picture="the image")
    except StageError as error:
        return f"{error.message} {error.hint}"
    return None


@given(SIDES, SIDES, st.floats(0.05, 4), st.floats(0.05, 4))
def test_what_rounding_explains_is_accepted(height, width, one, other):
    """Both are resampled from the same picture, rounded to the nearest pixel, or down."""
    for round_down in (0, 0.499):
        exact = height * one - round_down, width * one - round_down
        mask = max(1, round(exact[0])), max(1, round(exact[1]))
        assert not refused(mask, scaled((height, width), other))


@given(st.integers(200, 6000), st.floats(1.1, 5), st.floats(0.3, 3))
def test_a_turned_mask_is_refused(height, aspect, factor):
    size = height, round(height * aspect)
    message = refused(scaled(size[::-1], factor), size)
    assert message is not None
    assert "turned by 90°" in message


@pytest.mark.parametrize(
    ("mask", "picture", "accepted"),
    [
        ((427, 640), (2000, 3000), True),
        ((424, 640), (2000, 3000), False),
        ((1079, 1920), (1080, 1920), True),
        ((1088, 1920), (1080, 1920), False),
        ((1, 1), (480, 640), True),
        ((4, 6), (6, 4), False),
        ((100, 100), (95, 100), False),
    ],
)
def test_examples(mask, picture, accepted):
    assert (refused(mask, picture) is None) == accepted


def test_both_sizes_are_named():
    assert refused((640, 480), (300, 400)) == (
        "The mask has 480×640 pixels and the image 400×300, which is another aspect. It fits when it is turned by 90°. A mask "
        "may be smaller or larger than its picture, but shows all of it: turn or crop it to the same aspect."
    )


def test_any_of_several_sizes_will_do():
    assert not refused((640, 480), (300, 400), (400, 300))


def test_empty_masks_are_refused_with_their_name():
    with pytest.raises(StageError, match="The content mask is empty: it is 0 everywhere"):
        mask_at(Mask(np.zeros((4, 6), np.float32)), (8, 12), name="content mask", picture="the content")
    with pytest.raises(StageError, match=r"The mask is empty: no value reaches the threshold of 0\.5; the largest is 0\.25"):
        require_inside(np.full((2, 2), 0.25, np.float32), "mask", threshold=0.5)


def test_alpha_and_mask_are_multiplied():
    alpha = np.float32([[0, 0.5], [1, 1]])
    image, mask = Image(np.zeros((2, 2, 3), np.float32), alpha), Mask(np.float32([[1, 1], [0.5, 0]]))
    names = {"name": "mask", "picture": "the image"}
    np.testing.assert_array_equal(visible_at(image, mask, **names), [[0, 0.5], [0.5, 0]])
    np.testing.assert_array_equal(visible_at(image, None, **names), alpha)
    assert visible_at(Image(image.pixels, np.ones((2, 2), np.float32)), None, **names) is None
    with pytest.raises(StageError, match="The mask is empty: the image is wholly transparent within it"):
        visible_at(image, Mask(np.float32([[1, 0], [0, 0]])), **names)
