"""Which channel of a picture is the mask, chosen and by default."""

import numpy as np
import PIL.Image
import pytest

from stylepipe.errors import InputError
from stylepipe.image.files.io import read_mask

DRAW = np.random.default_rng(0)
SIZE = 9, 12
SOFT = np.linspace(0, 255, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.uint8)
PHOTO = DRAW.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
LEVEL = 1 / 255


@pytest.fixture
def saved(tmp_path):
    """The path of a picture of these colors, or of one color, and of this alpha, if any; what is hidden is noise."""

    def save(color, alpha=None, ending="png", **options):
        pixels = np.broadcast_to(np.uint8(color), (*SIZE, 3))
        if alpha is not None:
            hidden = np.where(np.uint8(alpha)[..., None] > 0, pixels, PHOTO)
            pixels = np.concatenate([hidden, np.uint8(alpha)[..., None]], axis=-1)
        path = tmp_path / f"mask.{ending}"
        PIL.Image.fromarray(pixels).save(path, **options)
        return path

    return save


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (200, 30, 90)])
def test_the_alpha_of_a_silhouette_is_the_mask(saved, color):
    np.testing.assert_allclose(read_mask(saved(color, SOFT)).values, SOFT / 255, atol=1e-6)


def test_so_it_is_where_lossy_compression_has_changed_the_color(saved):
    path = saved((240, 240, 240), np.where(SOFT > 99, 255, 0), "webp", quality=60)
    np.testing.assert_allclose(read_mask(path).values, SOFT > 99, atol=1e-6)


@pytest.mark.parametrize("alpha", [None, np.full(SIZE, 255)])
def test_the_luma_of_an_opaque_picture_is_the_mask(saved, alpha):
    np.testing.assert_allclose(read_mask(saved(np.stack([SOFT] * 3, -1), alpha)).values, SOFT / 255, atol=1e-6)


def test_where_both_vary_it_is_an_error_that_says_how_to_choose(saved):
    with pytest.raises(InputError) as caught:
        read_mask(saved(PHOTO, np.where(SOFT > 99, 255, 0)))
    assert caught.value.message == (
        "'mask.png' could be two masks: its transparency varies, and so does the brightness of what is visible."
    )
    assert "{mask: mask.png, channel: alpha}; the channels are alpha, luma, red, green, blue" in caught.value.hint


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("channel", ["alpha", "luma", "red", "green", "blue"])
def test_a_channel_can_be_chosen_and_inverted(saved, channel, invert):
    alpha = np.where(SOFT > 99, SOFT, 0)
    parts = dict(zip(("red", "green", "blue"), np.moveaxis(PHOTO / 255, -1, 0), strict=True))
    parts["luma"] = PHOTO / 255 @ [0.299, 0.587, 0.114]
    expected = alpha / 255 * parts.get(channel, 1)
    found = read_mask(saved(PHOTO, alpha), channel=channel, invert=invert).values
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1 - expected if invert else expected, atol=1e-6)


def test_a_gray_picture_has_its_gray_in_each_color(tmp_path):
    PIL.Image.fromarray(SOFT).save(tmp_path / "gray.png")
    for channel in ("luma", "red", "blue"):
        np.testing.assert_allclose(read_mask(tmp_path / "gray.png", channel=channel).values, SOFT / 255, atol=1e-6)


def test_the_alpha_of_an_opaque_picture_cannot_be_chosen(saved):
    with pytest.raises(InputError, match=r"'mask\.png' has no transparency, and its alpha is to be the mask\. .*: luma, red,"):
        read_mask(saved(PHOTO), channel="alpha")


def test_a_wholly_transparent_picture_is_an_empty_mask(saved):
    assert not read_mask(saved(PHOTO, np.zeros(SIZE))).values.any()
