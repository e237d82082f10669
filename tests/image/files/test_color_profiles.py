"""Profiles whose effect is a formula: linear light, and the primaries of sRGB in another order."""

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

from stylepipe.image.files.color_profiles import conversion_to_srgb

RNG = np.random.default_rng(0)
COLORS = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def to_srgb(picture: PIL.Image.Image, profile: bytes | None) -> PIL.Image.Image | None:
    conversion = conversion_to_srgb(picture.mode, profile)
    return conversion and conversion(picture)


def srgb_encoded(linear):
    """IEC 61966-2-1, in float64."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def test_a_profile_for_rgb_is_applied(icc_profile):
    converted = to_srgb(PIL.Image.fromarray(COLORS), icc_profile(gamma=1.0, order="gbr"))
    assert converted is not None
    # The picture's first channel is sRGB's green, its second blue, its third red.
    expected = 255 * srgb_encoded(COLORS / 255)[..., [2, 0, 1]]
    assert np.abs(np.asarray(converted) - expected).max() < 1


def test_a_profile_for_gray_is_applied(icc_profile):
    ramp = np.arange(256, dtype=np.uint8)[None]
    converted = to_srgb(PIL.Image.fromarray(ramp), icc_profile(gamma=1.0, gray=True))
    assert converted is not None
    assert converted.mode == "RGB"
    assert np.abs(np.asarray(converted) - 255 * srgb_encoded(ramp / 255)[..., None]).max() < 0.6


def test_a_gray_picture_may_have_a_profile_for_rgb(icc_profile):
    ramp = np.arange(256, dtype=np.uint8)[None]
    converted = to_srgb(PIL.Image.fromarray(ramp), icc_profile(gamma=1.0))
    assert converted is not None
    assert np.abs(np.asarray(converted) - 255 * srgb_encoded(ramp / 255)[..., None]).max() < 1


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_srgb_itself_changes_nothing(mode):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert to_srgb(PIL.Image.fromarray(COLORS).convert(mode), profile) is None


def test_no_profile_changes_nothing():
    assert to_srgb(PIL.Image.fromarray(COLORS), None) is None


@pytest.mark.parametrize(
    "damage", [lambda profile: b"no profile", lambda profile: profile[:150], lambda profile: profile[:130] + b"\xff" * 200]
)
def test_a_broken_profile_is_ignored(icc_profile, damage):
    assert to_srgb(PIL.Image.fromarray(COLORS), damage(icc_profile(gamma=1.0))) is None


@pytest.mark.parametrize(("mode", "gray"), [("RGB", True), ("CMYK", True), ("CMYK", False)])
def test_a_profile_of_another_kind_of_picture_is_ignored(icc_profile, mode, gray):
    assert to_srgb(PIL.Image.fromarray(COLORS).convert(mode), icc_profile(gamma=1.0, gray=gray)) is None
