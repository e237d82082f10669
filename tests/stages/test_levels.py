"""The stage `levels`: what decides the new lightness, and where. The mapping itself is tested beside its functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.levels import LevelsParams, levels
from stylepipe.artifacts import Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.color.color_spaces import rgb_to_oklab

MATCH = {"kind": "match"}
METHODS = [{"kind": "percentiles"}, MATCH]


def picture(seed: int, middle: float, size: tuple[int, int] = (20, 24)) -> Image:
    """Muted colors, so that none leaves [0, 1] when its lightness changes a little."""
    rng = np.random.default_rng(seed)
    gray = middle + 0.3 * (rng.random((*size, 1), np.float32) - 0.5)
    return Image(np.float32(gray + 0.02 * (rng.random((*size, 3), np.float32) - 0.5)))


IMAGE, REFERENCE = picture(0, 0.4), picture(1, 0.6, (25, 18))
HALF = Mask(np.concatenate([np.ones((20, 12)), np.zeros((20, 12))], axis=1).astype(np.float32))
CUT_OUT = np.zeros((20, 24), np.float32)
CUT_OUT[4:16, 6:20] = 1
CUT_OUT[10:16] *= np.float32(0.25)


def leveled(image=IMAGE, reference=None, mask=None, reference_mask=None, **params) -> np.ndarray:
    if params.get("method") == MATCH and reference is None:
        reference = REFERENCE
    return np.asarray(levels(image, reference, mask, reference_mask, LevelsParams(**params)).pixels)


def test_the_default_is_that_of_the_formula_in_float64():
    lightness, *chroma = np.moveaxis(np.asarray(rgb_to_oklab(IMAGE.pixels), np.float64), -1, 0)
    low, high = np.percentile(lightness, [0.5, 98.5], method="inverted_cdf")
    expected = 0.01 + 0.98 * np.clip((lightness - low) / (high - low), 0, 1)
    found = np.moveaxis(np.asarray(rgb_to_oklab(leveled())), -1, 0)
    inside = (expected > 0.1) & (expected < 0.9)  # beyond, these colors leave [0, 1]
    assert inside.mean() > 0.7
    np.testing.assert_allclose(found[0][inside], expected[inside], rtol=0, atol=1e-5)
    for old, new in zip(chroma, found[1:], strict=True):
        np.testing.assert_allclose(new[inside], old[inside], rtol=0, atol=1e-5)


def test_match_gives_the_distribution_of_the_reference():
    found, wanted = (np.sort(rgb_to_oklab(pixels)[..., 0], axis=None) for pixels in (leveled(method=MATCH), REFERENCE.pixels))
    quantiles = np.linspace(0.02, 0.98, 49)
    np.testing.assert_allclose(np.quantile(found, quantiles), np.quantile(wanted, quantiles), rtol=0, atol=2e-3)


def test_an_image_matched_to_itself_stays():
    np.testing.assert_allclose(leveled(method=MATCH, reference=IMAGE), IMAGE.pixels, rtol=0, atol=3e-5)


@pytest.mark.parametrize("method", METHODS)
def test_strength_is_the_share_of_the_change(method):
    none, half, full = (leveled(method=method, strength=strength) for strength in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(none, IMAGE.pixels)
    inside = (full > 0) & (full < 1)
    np.testing.assert_allclose(half[inside], ((IMAGE.pixels + full) / 2)[inside], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_within_a_mask_it_is_that_of_the_region(method):
    found = leveled(mask=HALF, method=method)
    np.testing.assert_array_equal(found[:, 12:], IMAGE.pixels[:, 12:])
    np.testing.assert_allclose(found[:, :12], leveled(image=Image(IMAGE.pixels[:, :12]), method=method), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_soft_mask_blends(method):
    soft = Mask(np.full((20, 24), 0.25, np.float32))
    np.testing.assert_allclose(leveled(mask=soft, method=method), leveled(strength=0.25, method=method), atol=1e-6)


def test_the_mask_of_the_reference_is_where_its_lightness_is_taken():
    found = leveled(method=MATCH, reference=picture(2, 0.6), reference_mask=HALF)
    expected = leveled(method=MATCH, reference=Image(picture(2, 0.6).pixels[:, :12]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_statistics_count_pixels_by_their_alpha(method):
    cut, masked = leveled(image=Image(IMAGE.pixels, CUT_OUT), method=method), leveled(mask=Mask(CUT_OUT), method=method)
    np.testing.assert_allclose(cut[CUT_OUT == 1], masked[CUT_OUT == 1], atol=1e-6)


def test_the_alpha_of_the_reference_counts_as_its_mask():
    of_alpha = leveled(method=MATCH, reference=Image(picture(2, 0.6).pixels, CUT_OUT))
    of_mask = leveled(method=MATCH, reference=picture(2, 0.6), reference_mask=Mask(CUT_OUT))
    np.testing.assert_allclose(of_alpha, of_mask, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_transparency_stays(method):
    image = Image(IMAGE.pixels, CUT_OUT + np.float32(0.1) * (1 - CUT_OUT))
    reference = REFERENCE if method is MATCH else None
    assert levels(image, reference, None, None, LevelsParams(method=method)).alpha is image.alpha


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(METHODS), st.integers(0, 2**32 - 1))
def test_gray_stays_gray(method, seed):
    rng = np.random.default_rng(seed)
    gray = Image(np.repeat(rng.random((6, 7, 1), np.float32), 3, axis=-1))
    assert np.ptp(leveled(image=gray, method=method), axis=-1).max() < 1e-4


def test_pictures_and_masks_without_anything_are_refused():
    nothing = np.zeros((20, 24), np.float32)
    with pytest.raises(StageError, match="The image has no visible pixel"):
        leveled(image=Image(IMAGE.pixels, nothing))
    with pytest.raises(StageError, match="The picture 'reference' has no visible pixel"):
        leveled(method=MATCH, reference=Image(IMAGE.pixels, nothing))
    with pytest.raises(StageError, match="The mask is empty"):
        leveled(mask=Mask(nothing))
    with pytest.raises(StageError, match="The reference_mask is empty"):
        leveled(method=MATCH, reference=IMAGE, reference_mask=Mask(nothing))
    with pytest.raises(StageError, match="which is another aspect"):
        leveled(mask=Mask(np.ones((24, 20), np.float32)))


def test_a_reference_and_the_method_that_takes_it_come_together():
    with pytest.raises(StageError, match=r"'method: {kind: match}' needs 'reference'"):
        levels(IMAGE, None, None, None, LevelsParams(method=MATCH))
    with pytest.raises(StageError, match=r"'method: {kind: match}' needs 'reference'"):
        levels.check_counts({"image": "photo"}, LevelsParams(method=MATCH))
    for name in ("reference", "reference_mask"):
        with pytest.raises(StageError, match=f"'{name}' has no effect with 'method: {{kind: percentiles}}'"):
            levels.check_counts({"image": "photo", name: "other"}, LevelsParams())
    levels.check_counts({"image": "photo", "reference": "other", "reference_mask": "mask"}, LevelsParams(method=MATCH))


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": {"kind": "other"}},
        {"method": {"kind": "match", "gamma": 1}},
        {"method": {"kind": "percentiles", "gamma": 0}},
        {"strength": 2},
    ],
)
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        LevelsParams(**wrong)
