"""The stage `upscale`, and the published figures for bicubic interpolation."""

import numpy as np
import PIL.Image
import pytest
from pydantic import ValidationError

from stages.resize import ResizeParams, resize
from stages.upscale import UpscaleParams, upscale
from stylepipe.artifacts import Image
from stylepipe.image.io import read_image
from stylepipe.image.metrics import psnr

RNG = np.random.default_rng(0)
SMALL = Image(RNG.random((6, 9, 3), dtype=np.float32), RNG.random((6, 9), dtype=np.float32))


@pytest.mark.parametrize(("factor", "expected"), [(4, (24, 36)), (1.5, (9, 14)), (1, (6, 9))])
def test_size(factor, expected):
    result = upscale(SMALL, UpscaleParams(factor=factor))
    assert result.size == expected
    assert np.shape(result.alpha) == expected
    for plane in (result.pixels, result.alpha):
        assert 0 <= np.min(plane) <= np.max(plane) <= 1


@pytest.mark.parametrize(
    ("method", "filter_"), [("lanczos3", PIL.Image.Resampling.LANCZOS), ("bicubic", PIL.Image.Resampling.BICUBIC)]
)
def test_against_pillow(method, filter_):
    expected = np.stack(
        [PIL.Image.fromarray(plane).resize((27, 18), filter_) for plane in np.moveaxis(SMALL.pixels, -1, 0)], axis=-1
    )
    result = upscale(SMALL, UpscaleParams(factor=3, method=method))
    np.testing.assert_allclose(result.pixels, expected.clip(0, 1), atol=2e-6)


@pytest.mark.parametrize("factor", [0.5, 9, None])
def test_factors_that_are_not_enlargements(factor):
    with pytest.raises(ValidationError, match="factor"):
        UpscaleParams(factor=factor)


# --- Set5: pictures, and what MATLAB's imresize made of them ----------------------------------------------------------


@pytest.fixture(scope="module")
def set5(pictures):
    def pair(index: int, factor: int) -> tuple[Image, Image]:
        large, small = (pictures / "set5" / f"img_{index:03}_SRF_{factor}_{kind}.png" for kind in ("HR", "LR"))
        return read_image(large), read_image(small)

    return pair


@pytest.mark.parametrize(("factor", "published"), [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_published_figures_of_bicubic_enlargement(set5, factor, published):
    ratios = []
    for index in range(1, 6):
        large, small = set5(index, factor)
        enlarged = upscale(small, UpscaleParams(factor=factor, method="bicubic"))
        ratios.append(psnr(np.rint(np.asarray(enlarged.pixels) * 255) / 255, large.pixels, channel="y", border=factor))
    assert np.mean(ratios) == pytest.approx(published, abs=0.05)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_reduction_is_that_of_matlab(set5, factor):
    for index in range(1, 6):
        large, small = set5(index, factor)
        height, width = small.size
        reduced = resize(large, ResizeParams(width=width, height=height, fit="stretch", method="bicubic"))
        # MATLAB rounds to 8 bits between the directions and mirrors at the border, which reaches in two pixels.
        difference = np.abs(np.rint(np.asarray(reduced.pixels) * 255) - np.rint(small.pixels * 255))[2:-2, 2:-2]
        assert difference.max() <= 2
        assert psnr(reduced.pixels, small.pixels, border=2) > 55
