"""Opacity, mask, sizes and transparency; the modes' own tests are in tests/image."""

import numpy as np
import pytest
from pydantic import ValidationError

from stages.blend import BlendParams, blend
from stylepipe.artifacts import Image, Mask
from stylepipe.errors import StageError

SIZE = 12, 18
DRAW = np.random.default_rng(0)
LOWER, UPPER = (DRAW.random((*SIZE, 3), np.float32) for _ in range(2))
ALPHA, VALUES = (DRAW.random(SIZE, np.float32) for _ in range(2))
ROUNDING = 1e-6


def test_by_default_the_upper_picture_is_seen():
    np.testing.assert_array_equal(blend(Image(LOWER), Image(UPPER), None, BlendParams()).pixels, UPPER)


def test_opacity_mask_and_transparency_multiply():
    found = blend(Image(LOWER), Image(UPPER, ALPHA), Mask(VALUES), BlendParams(mode="multiply", opacity=0.8))
    seen = 0.8 * np.float64(ALPHA * VALUES)[..., None]
    np.testing.assert_allclose(found.pixels, (1 - seen) * LOWER + seen * LOWER * UPPER, rtol=0, atol=ROUNDING)
    assert found.alpha is None


def test_an_opacity_of_nothing_gives_the_lower_picture():
    found = blend(Image(LOWER, ALPHA), Image(UPPER), None, BlendParams(mode="screen", opacity=0))
    np.testing.assert_allclose(found.pixels, LOWER, rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(found.alpha, ALPHA)


def test_an_opaque_picture_makes_a_transparent_one_opaque():
    found = blend(Image(LOWER, ALPHA), Image(UPPER), None, BlendParams())
    np.testing.assert_allclose(found.pixels, UPPER, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(found.alpha, np.ones(SIZE), rtol=0, atol=ROUNDING)


def test_over_and_mask_are_brought_to_the_images_size():
    flat = Image(np.full((5, 4, 3), 0.25, np.float32), np.full((5, 4), 0.5, np.float32))
    found = blend(Image(LOWER), flat, Mask(np.full((30, 45), 0.5, np.float32)), BlendParams())
    np.testing.assert_allclose(found.pixels, 0.75 * LOWER + 0.25 * 0.25, rtol=0, atol=ROUNDING)


def test_an_enlarged_picture_stays_in_range():
    """Lanczos-3 overshoots at edges as hard as these."""
    bits = DRAW.integers(0, 2, (4, 6, 3)).astype(np.float32)
    found = blend(Image(np.zeros_like(LOWER), np.zeros(SIZE, np.float32)), Image(bits, bits[..., 0]), None, BlendParams())
    for array in map(np.asarray, (found.pixels, found.alpha)):
        assert array.min() >= 0
        assert array.max() <= 1


@pytest.mark.parametrize(("mask", "message"), [(np.ones((18, 12)), "another aspect"), (np.zeros(SIZE), "0 everywhere")])
def test_a_turned_or_empty_mask_is_an_error(mask, message):
    with pytest.raises(StageError, match=message):
        blend(Image(LOWER), Image(UPPER), Mask(np.float32(mask)), BlendParams())


@pytest.mark.parametrize("wrong", [{"mode": "dissolve"}, {"opacity": 1.5}, {"amount": 1}])
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        BlendParams(**wrong)
