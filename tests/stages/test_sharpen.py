"""What the stage adds to its kernel: parameters by name, transparency handed on."""

import numpy as np
import pytest
from pydantic import ValidationError
from skimage.filters import unsharp_mask

from stages.sharpen import SharpenParams, sharpen
from stylepipe.artifacts import Image

GREY = np.repeat(np.random.default_rng(0).random((20, 30, 1), np.float32), 3, axis=-1)


def test_parameters_mean_what_they_say():
    expected = unsharp_mask(np.float64(GREY[..., 0]), radius=2.0, amount=1.2)
    found = sharpen(Image(GREY), SharpenParams(amount=1.2, radius=2.0))
    np.testing.assert_allclose(found.pixels[..., 0], expected, rtol=0, atol=2e-6)


def test_the_threshold_spares_weak_detail():
    weak = 0.5 + 0.02 * (GREY - 0.5)
    sharp = sharpen(Image(weak), SharpenParams(amount=5, threshold=0.02))
    np.testing.assert_array_equal(sharp.pixels, weak)
    assert np.abs(sharpen(Image(weak), SharpenParams(amount=5)).pixels - weak).max() > 0.01


def test_transparency_is_handed_on():
    alpha = GREY[..., 0]
    assert sharpen(Image(GREY, alpha), SharpenParams()).alpha is alpha


@pytest.mark.parametrize("wrong", [{"amount": -1}, {"radius": 0}, {"threshold": 2}, {"sigma": 1}])
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        SharpenParams(**wrong)
