"""The stage `upscale`: by kernels, by a network, and the published figures for bicubic interpolation."""

import jax
import numpy as np
import PIL.Image
import pytest
from pydantic import ValidationError

from stages.resize import ResizeParams, resize
from stages.upscale import UpscaleParams, upscale
from stylepipe.artifacts import Image, Weights
from stylepipe.errors import StageError, WeightsError
from stylepipe.image.files.io import read_image
from stylepipe.image.metrics import psnr
from stylepipe.image.resize import resize as resampled
from stylepipe.neural.networks.upscaler import enlarge, fresh
from stylepipe.neural.networks.upscaler_layout import Upscaler

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
    result = upscale(Image(SMALL.pixels), UpscaleParams(factor=3, method=method))
    np.testing.assert_allclose(result.pixels, expected.clip(0, 1), atol=2e-6)


@pytest.mark.parametrize("factor", [0.5, 9, None])
def test_factors_that_are_not_enlargements(factor):
    with pytest.raises(ValidationError, match="factor"):
        UpscaleParams(factor=factor)


# --- learned ----------------------------------------------------------------------------------------------------------


def random_network(strength: float = 0.1) -> Weights:
    """One that adds colored detail, as strong as said, and none for 0."""
    empty, draw = fresh(jax.random.key(0), Upscaler(1, 4)), np.random.default_rng(1)
    tensors = {name: np.float32(strength * draw.normal(size=tensor.shape)) for name, tensor in empty.tensors.items()}
    return Weights(tensors, empty.metadata)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_network_enlarges_by_its_own_factors(factor):
    found = upscale(SMALL, UpscaleParams(factor=factor), random_network())
    np.testing.assert_array_equal(found.pixels, np.clip(enlarge(random_network(), SMALL.pixels, factor=factor), 0, 1))


def test_the_network_stands_back_where_a_kernel_is_asked_for():
    for method in ("lanczos3", "bicubic"):
        params = UpscaleParams(factor=2, method=method)
        np.testing.assert_array_equal(upscale(SMALL, params, random_network()).pixels, upscale(SMALL, params).pixels)
    given, default = (UpscaleParams(factor=2, method=method) for method in ("lanczos3", None))
    np.testing.assert_array_equal(upscale(SMALL, default).pixels, upscale(SMALL, given).pixels)


@pytest.mark.parametrize(
    ("factor", "steps", "size"), [(1.5, [2], (9, 14)), (2.5, [3], (15, 22)), (5, [4, 2], (30, 45)), (8, [4, 2], (48, 72))]
)
def test_other_factors_by_the_next_larger_ones_and_a_step_down(factor, steps, size):
    expected = SMALL.pixels
    for step in steps:
        expected = np.clip(enlarge(random_network(), expected, factor=step), 0, 1)
    found = upscale(SMALL, UpscaleParams(factor=factor), random_network())
    assert found.size == np.shape(found.alpha) == size
    np.testing.assert_allclose(found.pixels, np.clip(resampled(expected, size), 0, 1), atol=1e-6)


def test_a_factor_of_one_changes_nothing():
    found = upscale(SMALL, UpscaleParams(factor=1), random_network())
    np.testing.assert_array_equal(found.pixels, SMALL.pixels)
    np.testing.assert_array_equal(found.alpha, SMALL.alpha)


def test_transparency_is_enlarged_by_lanczos():
    found = upscale(SMALL, UpscaleParams(factor=3), random_network())
    np.testing.assert_array_equal(found.alpha, upscale(SMALL, UpscaleParams(factor=3, method="lanczos3")).alpha)
    assert upscale(Image(SMALL.pixels), UpscaleParams(factor=3), random_network()).alpha is None


@pytest.mark.parametrize("factor", [2, 2.5])
def test_gray_stays_gray(factor):
    gray = Image(np.repeat(RNG.random((7, 5, 1), dtype=np.float32), 3, axis=-1))
    found = np.asarray(upscale(gray, UpscaleParams(factor=factor), random_network()).pixels)
    assert np.ptp(found, axis=-1).max() == 0
    plain = np.asarray(upscale(gray, UpscaleParams(factor=factor), random_network(0)).pixels)
    assert np.abs(found - plain).mean() > 0.01  # and has the network's detail, the mean of the colors
    assert np.ptp(np.asarray(upscale(SMALL, UpscaleParams(factor=factor), random_network()).pixels), axis=-1).max() > 0.1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 2)])
def test_the_smallest_pictures_are_enlarged_too(size):
    picture = Image(RNG.random((*size, 3), dtype=np.float32))
    assert upscale(picture, UpscaleParams(factor=3), random_network()).size == (3 * size[0], 3 * size[1])


def test_learned_needs_a_network_that_is_an_upscaler():
    with pytest.raises(StageError) as caught:
        upscale(SMALL, UpscaleParams(factor=2, method="learned"))
    assert caught.value.message == "'method: learned' needs 'network', and none is given."
    assert caught.value.hint
    with pytest.raises(WeightsError, match="no network; allowed is 'upscaler'"):
        upscale(SMALL, UpscaleParams(factor=2), Weights({}, {"pooling": "max"}))


# --- Set5: pictures, and what MATLAB's imresize made of them ----------------------------------------------------------


@pytest.fixture(scope="module")
def set5(pictures):
    def pair(index: int, factor: int) -> tuple[Image, Image]:
        large, small = (pictures / "set5" / f"img_{index:03}_SRF_{factor}_{kind}.png" for kind in ("HR", "LR"))
        return read_image(large), read_image(small)

    return pair


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "published"), [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_published_figures_of_bicubic_enlargement(set5, factor, published):
    ratios = []
    for index in range(1, 6):
        large, small = set5(index, factor)
        enlarged = upscale(small, UpscaleParams(factor=factor, method="bicubic"))
        ratios.append(psnr(np.rint(np.asarray(enlarged.pixels) * 255) / 255, large.pixels, channel="y", border=factor))
    assert np.mean(ratios) == pytest.approx(published, abs=0.05)


@pytest.mark.slow
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
