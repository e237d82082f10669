"""Blend modes pixel by pixel from the text of W3C's specification, in float64; masks by answers known by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from stylepipe.image.blend import composite, feather, mix

ROUNDING = 1e-6
SIZE = 7, 9


def values(*shape: int):
    return npst.arrays(np.float32, shape, elements=st.floats(0, 1, width=32, allow_subnormal=False))


PIXELS, PLANES, BITS = values(*SIZE, 3), values(*SIZE), npst.arrays(np.bool_, SIZE)


def random(*shape: int, seed: int) -> np.ndarray:
    """Values in [0, 1], often its ends and the places where formulas change."""
    draw = np.random.default_rng(seed)
    special = draw.choice([0, 0.25, 0.5, 1], shape)
    return np.where(draw.random(shape) < 0.3, special, draw.random(shape)).astype(np.float32)


# --- W3C Compositing and Blending, level 1: one pixel -----------------------------------------------------------------

Color = tuple[float, float, float]


def separable(function: Callable[[float, float], float]) -> Callable[[Color, Color], Color]:
    return lambda backdrop, source: tuple(map(function, backdrop, source))


def hard_light(cb: float, cs: float) -> float:
    return cb * 2 * cs if cs <= 0.5 else cb + (2 * cs - 1) - cb * (2 * cs - 1)


def soft_light(cb: float, cs: float) -> float:
    if cs <= 0.5:
        return cb - (1 - 2 * cs) * cb * (1 - cb)
    d = ((16 * cb - 12) * cb + 4) * cb if cb <= 0.25 else math.sqrt(cb)
    return cb + (2 * cs - 1) * (d - cb)


def lum(c: Color) -> float:
    return 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]


def luminosity(cb: Color, cs: Color) -> Color:
    moved = [c + lum(cs) - lum(cb) for c in cb]
    level, lowest, highest = lum(moved), min(moved), max(moved)
    if lowest < 0:
        moved = [level + (c - level) * level / (level - lowest) for c in moved]
    if highest > 1:
        moved = [level + (c - level) * (1 - level) / (highest - level) for c in moved]
    return tuple(moved)


SPECIFIED = {
    "normal": separable(lambda cb, cs: cs),
    "multiply": separable(lambda cb, cs: cb * cs),
    "screen": separable(lambda cb, cs: cb + cs - cb * cs),
    "overlay": separable(lambda cb, cs: hard_light(cs, cb)),
    "soft_light": separable(soft_light),
    "luminosity": luminosity,
}


def specified(mode: str, cb: Color, alpha_b: float, cs: Color, alpha_s: float) -> tuple[Color, float]:
    """Sections 5 and 10: mixed with the backdrop by its alpha, composited premultiplied, divided again."""
    blended = SPECIFIED[mode](cb, cs)
    mixed = [(1 - alpha_b) * s + alpha_b * b for s, b in zip(cs, blended, strict=True)]
    alpha = alpha_s + alpha_b * (1 - alpha_s)
    together = [alpha_s * m + alpha_b * b * (1 - alpha_s) for m, b in zip(mixed, cb, strict=True)]
    return tuple(c / alpha if alpha else b for c, b in zip(together, cb, strict=True)), alpha


@pytest.mark.parametrize("mode", SPECIFIED)
def test_modes_are_as_specified(mode):
    backdrop, source = random(20, 30, 3, seed=0), random(20, 30, 3, seed=1)
    backdrop_alpha, source_alpha = random(20, 30, seed=2), random(20, 30, seed=3)
    pixels, alpha = composite(backdrop, backdrop_alpha, source, source_alpha, mode=mode)
    for y, x in np.ndindex(20, 30):
        cb, cs = (tuple(map(float, picture[y, x])) for picture in (backdrop, source))
        color, opacity = specified(mode, cb, float(backdrop_alpha[y, x]), cs, float(source_alpha[y, x]))
        np.testing.assert_allclose(pixels[y, x], color, rtol=0, atol=2 * ROUNDING)
        assert abs(alpha[y, x] - opacity) < ROUNDING


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("normal", [0.6, 0.2, 0.8]),
        ("multiply", [0.12, 0.1, 0.64]),
        ("screen", [0.68, 0.6, 0.96]),
        ("overlay", [0.24, 0.2, 0.92]),
        ("soft_light", [0.2496, 0.35, 0.8 + 0.6 * (math.sqrt(0.8) - 0.8)]),
        ("luminosity", [0.143, 0.443, 0.743]),
    ],
)
def test_modes_by_hand(mode, expected):
    backdrop, source = (np.full((*SIZE, 3), color, np.float32) for color in ([0.2, 0.5, 0.8], [0.6, 0.2, 0.8]))
    pixels, alpha = composite(backdrop, None, source, np.ones(SIZE, np.float32), mode=mode)
    assert alpha is None
    np.testing.assert_allclose(pixels, np.broadcast_to(expected, (*SIZE, 3)), rtol=0, atol=ROUNDING)


@settings(max_examples=25, deadline=None)
@given(PIXELS, PIXELS, st.sampled_from(sorted(SPECIFIED)))
def test_nothing_covered_changes_nothing(backdrop, source, mode):
    pixels, _ = composite(backdrop, None, source, np.zeros(SIZE, np.float32), mode=mode)
    np.testing.assert_array_equal(pixels, backdrop)


@settings(max_examples=25, deadline=None)
@given(PIXELS, PLANES, PIXELS, PLANES, st.sampled_from(sorted(SPECIFIED)))
def test_composites_stay_in_range(backdrop, backdrop_alpha, source, source_alpha, mode):
    pixels, alpha = composite(backdrop, backdrop_alpha, source, source_alpha, mode=mode)
    for found in map(np.asarray, (pixels, alpha)):
        assert found.min() >= 0
        assert found.max() <= 1


# --- masks ------------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(PIXELS, PIXELS, BITS)
def test_a_mask_of_zeros_and_ones_takes_each_pixel_from_one_picture(background, image, chosen):
    pixels, alpha = mix(background, None, image, None, chosen.astype(np.float32))
    assert alpha is None
    np.testing.assert_array_equal(pixels, np.where(chosen[..., None], image, background))


@settings(max_examples=25, deadline=None)
@given(PIXELS, PIXELS, PLANES)
def test_opaque_pictures_mix_in_proportion(background, image, mask):
    pixels, _ = mix(background, None, image, None, mask)
    m = np.float64(mask)[..., None]
    np.testing.assert_allclose(pixels, (1 - m) * background + m * image, rtol=0, atol=ROUNDING)


def test_transparent_pictures_mix_by_their_opacity():
    """Half and half of an opaque red and a blue of opacity 1/3: opacity 2/3, three quarters of its color red."""
    red, blue = (np.full((*SIZE, 3), color, np.float32) for color in ([1, 0, 0], [0, 0, 1]))
    half, third = np.full(SIZE, 0.5, np.float32), np.full(SIZE, 1 / 3, np.float32)
    pixels, alpha = mix(red, None, blue, third, half)
    np.testing.assert_allclose(alpha, np.full(SIZE, 2 / 3), rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(pixels, np.broadcast_to([0.75, 0, 0.25], (*SIZE, 3)), rtol=0, atol=ROUNDING)


def test_where_all_is_transparent_the_background_stays():
    background, image, nothing = random(*SIZE, 3, seed=0), random(*SIZE, 3, seed=1), np.zeros(SIZE, np.float32)
    pixels, alpha = mix(background, nothing, image, nothing, random(*SIZE, seed=2))
    np.testing.assert_array_equal(pixels, background)
    np.testing.assert_array_equal(alpha, nothing)


# --- feather ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [6.0, 15.0])
def test_a_feathered_edge_is_a_normal_distribution_as_wide_as_the_radius(radius):
    mask = np.zeros((5, 100), np.float32)
    mask[:, 50:] = 1
    ramp = np.asarray(feather(mask, radius=radius))[2]
    distance = np.arange(100) - 49.5
    expected = [math.erfc(-3 * d / radius / math.sqrt(2)) / 2 for d in distance]
    np.testing.assert_allclose(ramp, expected, rtol=0, atol=0.1 / radius**2)  # the error of a sum over pixels
    assert np.all(ramp[distance < -radius] < 0.5 / 255)
    assert np.all(ramp[distance > radius] > 1 - 0.5 / 255)
