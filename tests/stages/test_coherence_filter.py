"""What the stage adds to its kernel: parameters by name, masks, transparency handed on."""

import numpy as np
import pytest
from pydantic import ValidationError

from stages.coherence_filter import CoherenceFilterParams, coherence_filter
from stylepipe.artifacts import Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.filters.coherence import coherence_filter as kernel

PIXELS = np.random.default_rng(0).random((20, 24, 3), np.float32)
PARAMS = {"iterations": 1, "amount": 0.4, "gradient_sigma": 1.5, "tensor_sigma": 2.0, "stroke_sigma": 1.0}
HALF = Mask(np.concatenate([np.ones((20, 12)), np.zeros((20, 12))], axis=1).astype(np.float32))


def filtered(mask: Mask | None = None, alpha: np.ndarray | None = None) -> Image:
    return coherence_filter(Image(PIXELS, alpha), mask, CoherenceFilterParams(**PARAMS))


def test_parameters_mean_what_they_say():
    np.testing.assert_allclose(filtered().pixels, kernel(PIXELS, **PARAMS), rtol=0, atol=1e-6)


def test_nothing_changes_outside_the_mask():
    found = np.asarray(filtered(HALF).pixels)
    np.testing.assert_array_equal(found[:, 12:], PIXELS[:, 12:])
    np.testing.assert_allclose(found[:, :12], filtered().pixels[:, :12], rtol=0, atol=1e-6)


def test_a_soft_mask_blends():
    quarter = filtered(Mask(np.full((20, 24), 0.25, np.float32)))
    np.testing.assert_allclose(quarter.pixels, 0.75 * PIXELS + 0.25 * filtered().pixels, rtol=0, atol=1e-6)


def test_an_empty_mask_is_an_error():
    with pytest.raises(StageError, match="The mask is empty"):
        filtered(Mask(np.zeros((20, 24), np.float32)))
    with pytest.raises(StageError, match="which is another aspect"):
        filtered(Mask(np.ones((24, 20), np.float32)))


def test_transparency_is_handed_on():
    alpha = 0.1 + 0.9 * PIXELS[..., 0]
    assert filtered(alpha=alpha).alpha is alpha


@pytest.mark.parametrize("wrong", [{"iterations": 0}, {"amount": 1.1}, {"tensor_sigma": 0}, {"radius": 1}])
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        CoherenceFilterParams(**wrong)
