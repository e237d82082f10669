"""Masks, sizes and transparency; the kernels' own tests are in tests/image."""

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from stages.mask_transfer import MaskTransferParams, mask_transfer
from stylepipe.artifacts import Image, Mask
from stylepipe.errors import StageError

SIZE = 24, 36
DRAW = np.random.default_rng(0)
IMAGE, BACKGROUND = (Image(DRAW.random((*SIZE, 3), np.float32)) for _ in range(2))
LEFT = np.zeros(SIZE, np.float32)
LEFT[:, :18] = 1


def transferred(mask: np.ndarray, *, image: Image = IMAGE, background: Image = BACKGROUND, **method) -> Image:
    params = MaskTransferParams(method=method) if method else MaskTransferParams()
    return mask_transfer(image, background, Mask(mask), params)


def test_by_default_129_of_255_is_white_and_128_is_black():
    levels = np.broadcast_to(np.float32(np.arange(110, 146)) / np.float32(255), SIZE)
    expected = np.where((np.arange(110, 146) >= 129)[None, :, None], IMAGE.pixels, BACKGROUND.pixels)
    np.testing.assert_array_equal(transferred(levels).pixels, expected)


def test_the_threshold_is_the_users():
    expected = np.where((LEFT * 0.3 >= 0.25)[..., None], IMAGE.pixels, BACKGROUND.pixels)
    np.testing.assert_array_equal(transferred(LEFT * np.float32(0.3), kind="hard", threshold=0.25).pixels, expected)


def test_a_smaller_mask_still_has_crisp_edges():
    small = DRAW.random((6, 9), np.float32)
    enlarged = cv2.resize(small, SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    expected = np.where((enlarged >= 129 / 255)[..., None], IMAGE.pixels, BACKGROUND.pixels)
    np.testing.assert_array_equal(transferred(small).pixels, expected)


def test_a_background_of_another_size_is_brought_to_the_images():
    y, x = np.mgrid[:48, :72].astype(np.float32)
    slope = np.stack([y / 48, x / 72, 0.5 + 0 * x], axis=-1)  # a slope stays one when the picture is halved
    found = np.asarray(transferred(1 - LEFT, background=Image(slope)).pixels)
    expected = (slope[::2, ::2] + slope[1::2, 1::2]) / 2
    np.testing.assert_allclose(found[4:-4, 4:14], expected[4:-4, 4:14], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(found[:, 18:], IMAGE.pixels[:, 18:])


@pytest.mark.parametrize("kind", ["hard", "feathered", "poisson"])
def test_an_enlarged_background_stays_in_range(kind):
    """Lanczos-3 overshoots at edges as hard as these."""
    bits = DRAW.integers(0, 2, (8, 12, 3)).astype(np.float32)
    white = Image(np.ones((*SIZE, 3), np.float32), np.ones(SIZE, np.float32))
    found = transferred(LEFT, image=white, background=Image(bits, bits[..., 0]), kind=kind)
    for array in map(np.asarray, (found.pixels, found.alpha)):
        assert array.min() >= 0
        assert array.max() <= 1


def test_a_feather_is_a_smooth_passage():
    white, black = (Image(np.full((*SIZE, 3), value, np.float32)) for value in (1, 0))
    found = np.asarray(transferred(LEFT, image=white, background=black, kind="feathered", radius=6).pixels)[12, :, 0]
    assert np.all(np.diff(found) <= 1e-6)
    assert found[17] - 0.5 == pytest.approx(0.5 - found[18], abs=1e-5)
    assert found[17] < 0.65
    assert found[11] > 1 - 0.5 / 255
    assert found[24] < 0.5 / 255


def test_poisson_keeps_the_background_outside_and_meets_it_without_a_step():
    flat, brighter = (Image(np.full((*SIZE, 3), value, np.float32)) for value in (0.3, 0.8))
    disc = np.float32(np.hypot(*np.mgrid[-12:12, -18:18]) < 8)
    np.testing.assert_allclose(transferred(disc, image=brighter, background=flat, kind="poisson").pixels, 0.3, atol=1e-3)
    outside = disc == 0
    found = np.asarray(transferred(disc, kind="poisson").pixels)
    np.testing.assert_array_equal(found[outside], np.asarray(BACKGROUND.pixels)[outside])


@pytest.mark.parametrize("kind", ["hard", "feathered", "poisson"])
def test_a_white_mask_gives_the_image_and_a_black_one_is_an_error(kind):
    white, black = np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)
    np.testing.assert_allclose(transferred(white, kind=kind).pixels, IMAGE.pixels, rtol=0, atol=1e-6)
    with pytest.raises(StageError, match="The mask is empty: it is 0 everywhere"):
        transferred(black, kind=kind)


@pytest.mark.parametrize("kind", ["hard", "poisson"])
def test_a_mask_below_the_threshold_is_an_error(kind):
    with pytest.raises(StageError, match=r"The mask is empty: no value reaches the threshold of 0\.506; the largest is 0\.3"):
        transferred(LEFT * np.float32(0.3), kind=kind)


def test_a_turned_mask_is_an_error():
    with pytest.raises(StageError, match=r"24×36 pixels and the image 36×24, which is another aspect.*turned by 90°"):
        transferred(LEFT.T)


@pytest.mark.parametrize("kind", ["hard", "poisson"])
def test_transparency_comes_from_the_picture_that_the_pixel_is_of(kind):
    alpha = DRAW.random(SIZE, np.float32)
    image_only = transferred(LEFT, image=Image(IMAGE.pixels, alpha), kind=kind)
    np.testing.assert_array_equal(image_only.alpha, np.where(LEFT, alpha, 1))
    background_only = transferred(LEFT, background=Image(BACKGROUND.pixels, alpha), kind=kind)
    np.testing.assert_array_equal(background_only.alpha, np.where(LEFT, 1, alpha))
    assert transferred(LEFT, kind=kind).alpha is None


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "soft"}, {"kind": "hard", "radius": 2}, {"kind": "feathered", "radius": 0}, {"kind": "hard", "threshold": 2}],
)
def test_other_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        MaskTransferParams(method=wrong)
