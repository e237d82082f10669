"""Hidden pixels, filled from the visible ones; pictures resampled with their transparency."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.artifacts import Image
from stylepipe.errors import StageError
from stylepipe.image.resize import resize, resize_image
from stylepipe.transparency import fill_hidden, require_visible, without_hidden

DRAW = np.random.default_rng(0)
SIZES = [(1, 1), (1, 9), (8, 1), (2, 3), (7, 7), (16, 16), (13, 22)]


def cut_out(size: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A random picture and an alpha that is 0, 1, or between, a third of each; one pixel is always visible."""
    draw = np.random.default_rng(seed)
    alpha = draw.uniform(-1, 2, size).clip(0, 1).astype(np.float32)
    alpha.flat[draw.integers(alpha.size)] = 1
    return draw.random((*size, 3), np.float32), alpha


def other_hidden(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.where(alpha[..., None] > 0, pixels, DRAW.random(pixels.shape, np.float32))


@pytest.mark.parametrize("size", SIZES)
def test_visible_pixels_stay_and_hidden_ones_follow_from_them(size):
    pixels, alpha = cut_out(size)
    filled = fill_hidden(pixels, alpha)
    np.testing.assert_array_equal(filled[alpha > 0], pixels[alpha > 0])
    np.testing.assert_array_equal(filled, fill_hidden(other_hidden(pixels, alpha), alpha))
    np.testing.assert_array_equal(filled, fill_hidden(filled, alpha))
    visible = pixels[alpha > 0]
    assert (filled >= visible.min(0) - 1e-6).all()
    assert (filled <= visible.max(0) + 1e-6).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_single_color_fills_all(size):
    _, alpha = cut_out(size)
    color = np.float32([0.2, 0.5, 0.9])
    pixels = np.where(alpha[..., None] > 0, color, np.float32(1))
    np.testing.assert_allclose(fill_hidden(pixels, alpha), np.broadcast_to(color, pixels.shape), atol=1e-6)


def test_the_fill_is_of_the_nearest_colors_and_smooth():
    """Red at the left border and blue at the right one: a ramp between them."""
    pixels, alpha = np.zeros((16, 64, 3), np.float32), np.zeros((16, 64), np.float32)
    alpha[:, [0, -1]] = 1
    pixels[:, 0, 0] = pixels[:, -1, 2] = 1
    red = fill_hidden(pixels, alpha)[8, :, 0]
    assert red[1] > 0.9
    assert red[-2] < 0.1
    assert (np.diff(red) <= 1e-6).all()
    assert np.abs(np.diff(red)).max() < 0.2


def test_hardly_visible_pixels_hardly_fill():
    pixels, alpha = np.zeros((9, 9, 3), np.float32), np.zeros((9, 9), np.float32)
    pixels[4, 4], alpha[4, 4], alpha[4, 5] = 1, 1 / 255, 1
    assert fill_hidden(pixels, alpha)[0].max() < 0.02


def test_nothing_visible_is_black_and_where_it_matters_an_error():
    empty = Image(np.ones((5, 6, 3), np.float32), np.zeros((5, 6), np.float32))
    assert not np.any(without_hidden(empty).pixels)
    with pytest.raises(StageError, match=r"The content has no visible pixel: its alpha is 0 everywhere\."):
        require_visible(empty, "The content")
    require_visible(Image(empty.pixels), "The content")


def test_a_picture_without_hidden_pixels_is_left_as_it_is():
    pixels, alpha = cut_out((6, 7))
    for image in (Image(pixels), Image(pixels, np.maximum(alpha, 0.1))):
        assert without_hidden(image) is image


# --- resampling ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("linear_light", [False, True])
@pytest.mark.parametrize("method", ["lanczos3", "bicubic", "bilinear", "area", "nearest"])
@pytest.mark.parametrize("size", [(5, 8), (26, 40)])
def test_hidden_pixels_do_not_reach_the_resampled_picture(method, size, linear_light):
    pixels, alpha = cut_out((13, 20))
    options = {"method": method, "linear_light": linear_light}
    one = resize_image(Image(pixels, alpha), size, **options)
    other = resize_image(Image(other_hidden(pixels, alpha), alpha), size, **options)
    visible = np.asarray(one.alpha) > 0
    np.testing.assert_array_equal(one.alpha, other.alpha)
    np.testing.assert_allclose(np.asarray(one.pixels)[visible], np.asarray(other.pixels)[visible], atol=1e-6)


@pytest.mark.parametrize("method", ["bilinear", "area"])
def test_colors_count_by_their_alpha(method):
    pixels, alpha = cut_out((12, 18))
    result = resize_image(Image(pixels, alpha), (4, 6), method=method)
    expected = resize(pixels * alpha[..., None], (4, 6), method=method) / resize(alpha, (4, 6), method=method)[..., None]
    np.testing.assert_allclose(result.pixels, expected, atol=1e-5)
    np.testing.assert_allclose(result.alpha, resize(alpha, (4, 6), method=method), atol=1e-6)


@pytest.mark.parametrize("method", ["lanczos3", "bicubic", "area"])
def test_an_opaque_alpha_changes_nothing(method):
    pixels, _ = cut_out((12, 18))
    opaque = resize_image(Image(pixels, np.ones((12, 18), np.float32)), (7, 9), method=method)
    np.testing.assert_array_equal(opaque.pixels, resize_image(Image(pixels), (7, 9), method=method).pixels)
    np.testing.assert_allclose(opaque.alpha, 1, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_resampled_picture_stays_in_range(seed):
    result = resize_image(Image(*cut_out((9, 11), seed)), (14, 6))
    for array in (np.asarray(result.pixels), np.asarray(result.alpha)):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
        assert array.min() >= 0
        assert array.max() <= 1
