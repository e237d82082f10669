"""The stage `color_transfer`: which colors go where. How they are computed is tested beside the functions."""

import numpy as np
import pytest
from pydantic import ValidationError

from stages.color_transfer import ColorTransferParams, color_transfer
from stylepipe.artifacts import Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.color.color_matching import match_covariance, match_histogram, match_luminance, match_mean_std
from stylepipe.image.color.color_spaces import rgb_to_ycbcr
from stylepipe.image.filters.guided_chroma import guided_chroma
from stylepipe.image.resize import resize

RNG = np.random.default_rng(0)
GUIDED = {"kind": "guided", "radius": 2, "gain": 1.5}
METHODS = [
    {"kind": "luminance", "space": "lab"},
    GUIDED,
    {"kind": "histogram"},
    {"kind": "mean_std", "space": "rgb"},
    {"kind": "linear", "variant": "pca"},
]

STATISTICS = METHODS[2:]


def picture(size: tuple[int, int], middle: float) -> Image:
    return Image((RNG.random((*size, 3), dtype=np.float32) * 0.4 + middle).clip(0, 1))


IMAGE, COLORS = picture((20, 24), 0.2), picture((20, 24), 0.5)
LARGER = picture((33, 28), 0.4)
HALF = Mask(np.concatenate([np.ones((20, 12)), np.zeros((20, 12))], axis=1).astype(np.float32))


def transferred(image=IMAGE, colors=COLORS, mask=None, colors_mask=None, **params) -> np.ndarray:
    return np.asarray(color_transfer(image, colors, mask, colors_mask, ColorTransferParams(**params)).pixels)


def test_the_default_keeps_luma_and_takes_chroma():
    muted = Image(0.4 + 0.2 * COLORS.pixels)  # so that nothing leaves [0, 1]
    result = rgb_to_ycbcr(transferred(colors=muted))
    np.testing.assert_allclose(result[..., 0], rgb_to_ycbcr(IMAGE.pixels)[..., 0], atol=1e-6)
    np.testing.assert_allclose(result[..., 1:], rgb_to_ycbcr(muted.pixels)[..., 1:], atol=1e-6)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"kind": "luminance", "space": "lab"}, match_luminance(IMAGE.pixels, COLORS.pixels, space="lab")),
        (GUIDED, guided_chroma(IMAGE.pixels, COLORS.pixels, exponent=0.7, gray=0.012, radius=2, eps=2e-4, gain=1.5)),
        ({"kind": "histogram"}, match_histogram(IMAGE.pixels, COLORS.pixels)),
        ({"kind": "mean_std", "space": "lab"}, match_mean_std(IMAGE.pixels, COLORS.pixels, space="lab")),
        ({"kind": "linear", "variant": "cholesky"}, match_covariance(IMAGE.pixels, COLORS.pixels, variant="cholesky")),
    ],
)
def test_each_kind_is_the_function_of_its_name_clamped(method, expected):
    np.testing.assert_allclose(transferred(method=method), np.clip(expected, 0, 1), atol=1e-6)


CUT_OUT = np.zeros((20, 24), np.float32)
CUT_OUT[4:16, 6:20] = 1
CUT_OUT[10:16] *= np.float32(0.25)


@pytest.mark.parametrize("method", STATISTICS)
def test_statistics_count_pixels_by_their_alpha(method):
    """As a mask that is given counts them; that of the image also says what changes."""
    of_colors = transferred(colors=Image(COLORS.pixels, CUT_OUT), method=method)
    np.testing.assert_allclose(of_colors, transferred(colors_mask=Mask(CUT_OUT), method=method), atol=1e-5)
    cut, masked = transferred(image=Image(IMAGE.pixels, CUT_OUT), method=method), transferred(mask=Mask(CUT_OUT), method=method)
    np.testing.assert_allclose(cut[CUT_OUT == 1], masked[CUT_OUT == 1], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("which", ["image", "colors"])
def test_a_picture_of_which_nothing_is_visible_is_an_error(method, which):
    with pytest.raises(StageError, match="has no visible pixel"):
        transferred(method=method, **{which: Image(IMAGE.pixels, np.zeros((20, 24), np.float32))})
    with pytest.raises(StageError, match="is wholly transparent within it"):
        mask = {"image": "mask", "colors": "colors_mask"}[which]
        half = Image(IMAGE.pixels, 1 - HALF.values)
        transferred(method=method, **{which: half, mask: HALF})


@pytest.mark.parametrize("method", [METHODS[0], *STATISTICS])
def test_its_own_colors_change_nothing(method):
    np.testing.assert_allclose(transferred(colors=IMAGE, method=method), IMAGE.pixels, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_strength_is_the_share_of_the_change(method):
    none, half, full = (transferred(method=method, strength=strength) for strength in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(none, IMAGE.pixels)
    inside = (full > 0) & (full < 1)
    np.testing.assert_allclose(half[inside], ((IMAGE.pixels + full) / 2)[inside], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_outside_the_mask(method):
    result = transferred(mask=HALF, method=method)
    np.testing.assert_array_equal(result[:, 12:], IMAGE.pixels[:, 12:])
    assert np.abs(result[:, :12] - IMAGE.pixels[:, :12]).max() > 0.05


@pytest.mark.parametrize("method", [METHODS[0], *STATISTICS])
def test_within_masks_it_is_the_transfer_between_the_regions(method):
    result = transferred(mask=HALF, colors_mask=HALF, method=method)
    cut = transferred(Image(IMAGE.pixels[:, :12]), Image(COLORS.pixels[:, :12]), method=method)
    np.testing.assert_allclose(result[:, :12], cut, atol=1e-5)


def test_a_soft_mask_blends():
    soft = Mask(np.full((20, 24), 0.25, np.float32))
    expected = transferred(strength=0.25, method={"kind": "histogram"})
    np.testing.assert_allclose(transferred(mask=soft, method={"kind": "histogram"}), expected, atol=1e-6)


def test_colors_of_another_size_are_resampled_for_chroma():
    resized = resize(LARGER.pixels, (20, 24), method="bicubic")
    expected = match_luminance(IMAGE.pixels, resized, space="ycbcr")
    np.testing.assert_allclose(transferred(colors=LARGER), np.clip(expected, 0, 1), atol=1e-6)
    expected = transferred(colors=Image(np.asarray(resized).clip(0, 1)), method=GUIDED)
    np.testing.assert_allclose(transferred(colors=LARGER, method=GUIDED), expected, atol=1e-6)


@pytest.mark.parametrize("method", STATISTICS)
def test_statistics_need_no_common_size(method):
    np.testing.assert_allclose(transferred(colors=LARGER, method=method).mean(), LARGER.pixels.mean(), atol=0.01)


def test_masks_of_another_size_are_resampled():
    tiny = Mask(np.array([[1, 0]], np.float32))
    result = transferred(mask=tiny, colors_mask=Mask(np.ones((3, 3), np.float32)))
    np.testing.assert_array_equal(result[:, 18:], IMAGE.pixels[:, 18:])
    np.testing.assert_allclose(result[:, :6], transferred()[:, :6], atol=1e-6)


def test_transparency_stays():
    alpha = RNG.random((20, 24), dtype=np.float32)
    image = Image(IMAGE.pixels, alpha)
    assert color_transfer(image, COLORS, None, None, ColorTransferParams()).alpha is alpha


@pytest.mark.parametrize("name", ["mask", "colors_mask"])
def test_an_empty_mask_is_an_error(name):
    with pytest.raises(StageError, match=f"The {name} has 20×24 pixels .* 24×20, which is another aspect"):
        transferred(**{name: Mask(np.ones((24, 20), np.float32))})
    with pytest.raises(StageError, match=f"{name} is empty: it is 0 everywhere"):
        transferred(**{name: Mask(np.zeros((5, 5), np.float32))})


@pytest.mark.parametrize(
    "params", [{"method": {"kind": "other"}}, {"method": {"kind": "histogram", "space": "lab"}}, {"strength": 1.1}]
)
def test_unknown_parameters(params):
    with pytest.raises(ValidationError):
        ColorTransferParams(**params)
