"""The stage `resize`: sizes from parameters, fits, clamping, transparency."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.resize import ResizeParams, resize
from stylepipe.artifacts import Image

RNG = np.random.default_rng(0)
WIDE = Image(RNG.random((30, 50, 3), dtype=np.float32), RNG.random((30, 50), dtype=np.float32))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"long_side": 25}, (15, 25)),
        ({"short_side": 60}, (60, 100)),
        ({"megapixels": 0.006}, (60, 100)),
        ({"width": 20, "height": 20}, (12, 20)),
        ({"width": 200, "height": 60}, (60, 100)),
        ({"width": 20, "height": 20, "fit": "crop"}, (20, 20)),
        ({"width": 20, "height": 20, "fit": "stretch"}, (20, 20)),
        ({"long_side": 1}, (1, 1)),
    ],
)
def test_sizes(params, expected):
    result = resize(WIDE, ResizeParams(**params))
    assert result.size == expected
    assert np.shape(result.alpha) == expected


def test_crop_keeps_the_middle_and_the_aspect():
    # A disc in the middle of a wide picture stays round and in the middle of a square one.
    rows, columns = np.mgrid[:60, :100]
    disc = ((rows - 29.5) ** 2 + (columns - 49.5) ** 2 < 20**2).astype(np.float32)
    result = np.asarray(
        resize(Image(np.repeat(disc[..., None], 3, axis=2)), ResizeParams(width=30, height=30, fit="crop")).pixels
    )
    assert result.shape == (30, 30, 3)
    np.testing.assert_allclose(result, result[::-1], atol=1e-6)
    inner = result[4:-4, 4:-4]  # out of reach of the border, above and below
    np.testing.assert_allclose(inner, inner.swapaxes(0, 1), atol=1e-6)
    assert result[..., 0].sum() == pytest.approx(disc.sum() / 4, rel=0.01)


def test_stretch_and_keep_differ_from_crop():
    square = {"width": 30, "height": 30}
    gradient = Image(np.broadcast_to(np.linspace(0, 1, 60, dtype=np.float32)[:, None], (30, 60, 3)))
    crop, stretch = (np.asarray(resize(gradient, ResizeParams(**square, fit=fit)).pixels) for fit in ("crop", "stretch"))
    assert np.ptp(crop[15, :, 0]) == pytest.approx(29 / 59, abs=0.02)
    assert np.ptp(stretch[15, :, 0]) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("linear_light", [False, True])
@pytest.mark.parametrize("method", ["lanczos3", "bicubic"])
def test_overshoot_is_clamped(method, linear_light):
    edge = np.zeros((8, 16, 3), np.float32)
    edge[:, 8:] = 1
    params = ResizeParams(long_side=64, method=method, linear_light=linear_light)
    cut_out = resize(Image(np.ones_like(edge), edge[..., 0]), params)
    for plane in (resize(Image(edge), params).pixels, cut_out.alpha):
        assert (np.min(plane), np.max(plane)) == (0, 1)
    assert np.min(cut_out.pixels) > 1 - 1e-6, "colors are not darkened at the edge of what is seen"


def test_transparency_is_never_resampled_as_light():
    result = resize(WIDE, ResizeParams(long_side=25, method="area", linear_light=True))
    expected = WIDE.alpha.reshape(15, 2, 25, 2).mean((1, 3))
    np.testing.assert_allclose(result.alpha, expected, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000))
def test_kept_aspect_fits_and_crop_fills(height, width, new_height, new_width):
    def result(fit):
        image = jax.ShapeDtypeStruct((height, width, 3), np.float32)
        params = ResizeParams(width=new_width, height=new_height, fit=fit, method="nearest")
        return jax.eval_shape(lambda pixels: resize(Image(pixels), params).pixels, image).shape[:2]

    kept = result("keep")
    assert kept[0] <= new_height
    assert kept[1] <= new_width
    assert kept[0] == new_height or kept[1] == new_width
    assert result("crop") == (new_height, new_width)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "the size is given by nothing; allowed is one of long_side, short_side, megapixels, or width and height together"),
        ({"width": 5}, "the size is given by width; allowed"),
        ({"height": 5}, "the size is given by height; allowed"),
        ({"long_side": 5, "megapixels": 1}, "the size is given by long_side and megapixels; allowed"),
        ({"long_side": 5, "width": 5, "height": 5}, "the size is given by long_side and width and height; allowed"),
        ({"long_side": 5, "fit": "crop"}, "fit is 'crop', which needs width and height; the size is given by long_side"),
        ({"long_side": 0}, "greater than or equal to 1"),
        ({"megapixels": 0}, "greater than 0"),
        ({"long_side": 40_000}, "less than or equal to 32768"),
        ({"long_side": 5, "method": "sinc"}, "'lanczos3', 'bicubic', 'bilinear', 'area' or 'nearest'"),
    ],
)
def test_sizes_that_make_no_sense(params, message):
    with pytest.raises(ValidationError, match=message):
        ResizeParams(**params)
