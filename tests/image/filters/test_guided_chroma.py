"""Chroma guided by another picture's lightness: the formula in float64 as oracle, and what it is for."""

from functools import partial

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.image.color.color_spaces import oklab_to_rgb, rgb_to_oklab
from stylepipe.image.filters.guided_chroma import guided_chroma
from stylepipe.image.filters.reach import chroma_reach
from stylepipe.image.filters.tiled_filter import tiled

DEFAULTS = {"exponent": 0.7, "gray": 0.012, "radius": 3, "eps": 2e-4, "gain": 1.0}


def picture(seed: int, size: tuple[int, int] = (37, 45)) -> np.ndarray:
    """Smooth muted colors with some noise, away from black and white."""
    rng = np.random.default_rng(seed)
    smooth = scipy.ndimage.gaussian_filter(rng.normal(size=(*size, 3)), (4, 4, 0), mode="reflect")
    return np.float32(np.clip(0.5 + 1.2 * smooth + 0.03 * rng.normal(size=(*size, 3)), 0.05, 0.95))


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson's matrices, in float64."""
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    axes = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(light @ np.transpose(cones)) @ np.transpose(axes)


def expected(pixels, colors, *, exponent, gray, radius, eps, gain) -> np.ndarray:
    """The result in Oklab."""

    def guided(values, guide, r):
        mean = partial(scipy.ndimage.convolve, weights=np.full((2 * r + 1, 2 * r + 1), (2 * r + 1) ** -2.0), mode="reflect")
        slope = (mean(guide * values) - mean(guide) * mean(values)) / (mean(guide**2) - mean(guide) ** 2 + eps)
        return mean(slope) * guide + mean(mean(values) - slope * mean(guide))

    new, old = oklab(np.float64(pixels)), oklab(np.float64(colors))
    light = new[..., 0]
    ratio = np.clip(light / np.maximum(guided(old[..., 0], light, 2 * radius), 0.08), 0.6, 2.5)
    chroma = old[..., 1:] * ratio[..., None] ** exponent
    length = np.linalg.norm(chroma, axis=-1, keepdims=True)
    chroma = chroma * length / (length + gray)
    return np.stack([light, *(gain * guided(chroma[..., k], light, radius) for k in (0, 1))], axis=-1)


@pytest.mark.parametrize("changes", [{}, {"exponent": 2.0, "gain": 1.9}, {"gray": 0.1, "radius": 1}, {"eps": 0.01}])
def test_it_is_the_formula(changes):
    options = DEFAULTS | changes
    found = rgb_to_oklab(guided_chroma(picture(0), picture(1), **options))
    np.testing.assert_allclose(found, expected(picture(0), picture(1), **options), rtol=0, atol=5e-5)


def test_a_picture_with_its_own_colors_stays_where_nothing_is_smoothed():
    options = {"exponent": 0.7, "gray": 0.0, "radius": 1, "eps": 1e-6, "gain": 1.0}
    flat = np.full((9, 12, 3), [0.3, 0.4, 0.6], np.float32)
    np.testing.assert_allclose(guided_chroma(flat, flat, **options), flat, rtol=0, atol=5e-5)


def test_blurred_colors_get_the_edges_of_the_picture():
    columns = np.arange(60)
    pixels = np.broadcast_to(np.where(columns < 30, 0.4, 0.6)[None, :, None], (20, 60, 3)).astype(np.float32)
    share = np.clip((columns - 25.5) / 8, 0, 1)[:, None]  # from red to green over 8 pixels
    colors = np.broadcast_to((1 - share) * [0.6, 0.4, 0.4] + share * [0.4, 0.6, 0.4], (20, 60, 3)).astype(np.float32)
    before, after = (
        np.abs(np.diff(np.asarray(rgb_to_oklab(rgb))[10, :, 1])) for rgb in (colors, guided_chroma(pixels, colors, **DEFAULTS))
    )
    assert after.argmax() == 29
    assert after[29] > 2 * before.max()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 2), st.floats(0, 0.5), st.integers(1, 12), st.floats(1e-6, 1))
def test_the_lightness_is_the_pictures(seed, exponent, gray, radius, eps):
    options = {"exponent": exponent, "gray": gray, "radius": radius, "eps": eps, "gain": 1.0}
    found = rgb_to_oklab(guided_chroma(picture(seed, (11, 13)), picture(seed + 1, (11, 13)), **options))
    np.testing.assert_allclose(found[..., 0], rgb_to_oklab(picture(seed, (11, 13)))[..., 0], rtol=0, atol=2e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5))
def test_gray_colors_make_gray(seed, gray):
    colors = np.repeat(picture(seed, (11, 13))[..., :1], 3, axis=-1)
    found = guided_chroma(picture(seed + 1, (11, 13)), colors, **(DEFAULTS | {"gray": gray}))
    assert np.ptp(found, axis=-1).max() < 1e-4


def test_gray_spares_strong_colors_and_quenches_weak_ones():
    def chroma(strength: float, gray: float) -> float:
        colors = np.asarray(oklab_to_rgb(np.full((9, 9, 3), [0.6, strength, 0], np.float32)))
        return float(rgb_to_oklab(guided_chroma(colors, colors, **(DEFAULTS | {"gray": gray})))[4, 4, 1])

    assert chroma(0.1, 0.012) == pytest.approx(0.1 * 0.1 / 0.112, abs=1e-4)
    assert chroma(0.003, 0.012) == pytest.approx(0.003 * 0.003 / 0.015, abs=1e-4)


def test_the_gain_multiplies_the_chroma():
    once, thrice = (
        np.asarray(rgb_to_oklab(guided_chroma(picture(2), picture(3), **(DEFAULTS | {"gain": gain})))) for gain in (0.5, 1.5)
    )
    np.testing.assert_allclose(thrice[..., 1:], 3 * once[..., 1:], rtol=0, atol=5e-5)


@pytest.mark.parametrize("size", [(130, 97), (96, 200)])
def test_in_tiles_it_is_that_of_the_whole(size):
    local, pictures = partial(guided_chroma, **DEFAULTS), (picture(4, size), picture(5, size))
    found = tiled(local, *pictures, reach=chroma_reach(3), tile=80)
    np.testing.assert_allclose(found, local(*pictures), rtol=0, atol=2e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_smallest_pictures_and_black_and_white(size, value):
    for colors in (picture(6, size), np.full((*size, 3), value, np.float32)):
        found = np.asarray(guided_chroma(np.full((*size, 3), value, np.float32), colors, **(DEFAULTS | {"gray": 0.0})))
        assert found.shape == (*size, 3)
        assert np.isfinite(found).all()
