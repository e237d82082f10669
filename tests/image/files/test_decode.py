"""Every kind of sample, written by encoders other than Pillow where they can; expected values are exact fractions."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import PIL.Image
import pytest
import tifffile
from PIL import ImageCms
from PIL.PngImagePlugin import putchunk

from stylepipe.image.files.decode import Samples, UnsupportedSamples, decode

RNG = np.random.default_rng(1)
BYTES = RNG.integers(0, 256, (19, 23, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (19, 23, 4), dtype=np.uint16)


def read(data: bytes, format_: str, *, managed: bool = True) -> Samples:
    file = BytesIO(data)
    return decode(file, PIL.Image.open(file, formats=[format_]), managed=managed)


def saved(picture: PIL.Image.Image, format_: str = "PNG", **options) -> bytes:
    file = BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()


def by_opencv(levels: np.ndarray, ending: str, *options: int) -> bytes:
    swapped = levels[..., [2, 1, 0, 3][: levels.shape[2]]] if levels.ndim == 3 else levels
    return cv2.imencode(ending, swapped, options)[1].tobytes()


def by_tifffile(array: np.ndarray, **options) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def assert_samples(samples: Samples, color, alpha=None):
    np.testing.assert_array_equal(samples.color, np.asarray(color, np.float32))
    if alpha is None:
        assert samples.alpha is None
    else:
        np.testing.assert_array_equal(samples.alpha, np.asarray(alpha, np.float32))


# --- 8 bits and fewer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_rgba(format_):
    lossless = {"lossless": True, "exact": True} if format_ == "WEBP" else {}
    assert_samples(
        read(saved(PIL.Image.fromarray(BYTES), format_, **lossless), format_), BYTES[..., :3] / 255, BYTES[..., 3] / 255
    )


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_gray(format_):
    assert_samples(read(saved(PIL.Image.fromarray(BYTES[..., 0]), format_), format_), BYTES[..., 0] / 255)


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_gray_with_alpha(format_):
    picture = PIL.Image.merge("LA", [PIL.Image.fromarray(BYTES[..., 0]), PIL.Image.fromarray(BYTES[..., 3])])
    assert_samples(read(saved(picture, format_), format_), BYTES[..., 0] / 255, BYTES[..., 3] / 255)


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_bilevel(format_):
    bits = BYTES[..., 0] > 127
    assert_samples(read(saved(PIL.Image.fromarray(bits), format_), format_), bits)


def test_palette():
    indices, palette = BYTES[..., 0] % 7, RNG.integers(0, 256, (7, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(indices)
    picture.putpalette(palette.tobytes())
    assert_samples(read(saved(picture), "PNG"), palette[indices] / 255)
    opacity = bytes([0, 50, 255, 255, 9, 255, 200])
    assert_samples(
        read(saved(picture, transparency=opacity), "PNG"),
        palette[indices] / 255,
        np.frombuffer(opacity, np.uint8)[indices] / 255,
    )


def test_a_color_that_stands_for_transparency():
    levels = BYTES[..., :3].copy()
    levels[:5] = (10, 20, 30)
    transparent = (levels == (10, 20, 30)).all(-1)
    samples = read(saved(PIL.Image.fromarray(levels), transparency=(10, 20, 30)), "PNG")
    assert_samples(samples, levels / 255, ~transparent)


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(format_):
    # Flat 16×16 blocks, so that JPEG keeps them; R = (1 − C)(1 − K).
    cmyk = np.repeat(np.repeat(BYTES[:3, :4], 16, axis=0), 16, axis=1)
    samples = read(
        saved(PIL.Image.fromarray(cmyk, "CMYK"), format_, **({"quality": 100} if format_ == "JPEG" else {})), format_
    )
    expected = (1 - cmyk[..., :3] / 255) * (1 - cmyk[..., 3:] / 255)
    assert np.abs(samples.color - expected).max() < 3 / 255


def test_ycbcr():
    flat = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    samples = read(saved(PIL.Image.fromarray(flat).convert("YCbCr"), "TIFF"), "TIFF")
    assert np.abs(samples.color - flat / 255).max() < 3 / 255


def test_white_as_zero():
    assert_samples(read(by_tifffile(BYTES[..., 0], photometric="miniswhite"), "TIFF"), 1 - BYTES[..., 0] / 255)


def test_separate_planes():
    planes = np.moveaxis(BYTES[..., :3], -1, 0)
    assert_samples(read(by_tifffile(planes, photometric="rgb", planarconfig="separate"), "TIFF"), BYTES[..., :3] / 255)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_gray_level_that_stands_for_transparency(bits):
    levels = BYTES[:8, :16, 0] >> (8 - bits)
    brightest = 2**bits - 1
    places = (levels[..., None] >> np.arange(bits)[::-1] & 1).astype(np.uint8)
    rows = np.packbits(places.reshape(8, -1), axis=1)
    file = BytesIO(b"\x89PNG\r\n\x1a\n")
    file.seek(8)
    putchunk(file, b"IHDR", struct.pack(">2L5B", 16, 8, bits, 0, 0, 0, 0))
    for level in (1, brightest):
        file.truncate(33)
        file.seek(33)
        putchunk(file, b"tRNS", struct.pack(">H", level))
        putchunk(file, b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
        putchunk(file, b"IEND", b"")
        assert_samples(read(file.getvalue(), "PNG"), levels / brightest, levels != level)


# --- 16 bits, float ---------------------------------------------------------------------------------------------------


def test_16_bit_gray_png():
    assert_samples(read(by_opencv(DEEP[..., 0], ".png"), "PNG"), DEEP[..., 0] / 65535)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_gray_tiff(order, compression):
    data = by_tifffile(DEEP[..., 0], byteorder=order, compression=compression)
    assert_samples(read(data, "TIFF"), DEEP[..., 0] / 65535)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_color_png(channels):
    samples = read(by_opencv(DEEP[..., :channels], ".png"), "PNG")
    assert_samples(samples, DEEP[..., :3] / 65535, DEEP[..., 3] / 65535 if channels == 4 else None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_color_tiff(order, compression, channels):
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    data = by_tifffile(DEEP[..., :channels], photometric="rgb", byteorder=order, compression=compression, **extra)
    assert_samples(read(data, "TIFF"), DEEP[..., :3] / 65535, DEEP[..., 3] / 65535 if channels == 4 else None)


def test_16_bit_color_tiff_with_a_channel_of_no_meaning():
    data = by_tifffile(DEEP, photometric="rgb", extrasamples=["unspecified"])
    assert_samples(read(data, "TIFF"), DEEP[..., :3] / 65535)


def test_16_bit_color_tiff_in_strips_and_tiles():
    large = RNG.integers(0, 65536, (70, 50, 3), dtype=np.uint16)
    assert_samples(read(by_tifffile(large, photometric="rgb", rowsperstrip=16), "TIFF"), large / 65535)
    assert_samples(read(by_tifffile(large, photometric="rgb", tile=(32, 32)), "TIFF"), large / 65535)


def test_a_16_bit_level_that_stands_for_transparency():
    levels = DEEP[..., 0].copy()
    levels[:4] = 1234
    picture = PIL.Image.fromarray(levels)
    assert_samples(read(saved(picture, transparency=1234), "PNG"), levels / 65535, levels != 1234)


def test_float_gray_is_clamped():
    values = np.linspace(-0.5, 1.5, 400, dtype=np.float32).reshape(20, 20)
    assert_samples(read(saved(PIL.Image.fromarray(values), "TIFF"), "TIFF"), values.clip(0, 1))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_float_samples_must_be_numbers(value):
    with pytest.raises(UnsupportedSamples, match="not numbers"):
        read(saved(PIL.Image.fromarray(np.full((4, 4), value, np.float32)), "TIFF"), "TIFF")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("signed", by_tifffile(BYTES[..., 0].astype(np.int8))),
        ("signed", by_tifffile(DEEP[..., 0].astype(np.int16))),
        ("mode I", by_tifffile(DEEP[..., 0].astype(np.uint32))),
        ("mode LAB", by_tifffile(BYTES[..., :3], photometric="cielab")),
        ("separate planes", by_tifffile(np.moveaxis(DEEP[..., :3], -1, 0), photometric="rgb", planarconfig="separate")),
        ("white as zero", by_tifffile(DEEP[..., 0], photometric="miniswhite")),
    ],
)
def test_samples_that_are_not_read(kind, data):
    with pytest.raises(UnsupportedSamples, match=kind):
        read(data, "TIFF")


# --- orientation and profiles -----------------------------------------------------------------------------------------

# How a picture that is upright is stored under each orientation (TIFF 6.0, tag 274: where the first row and column lie).
STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(orientation, format_):
    exif = PIL.Image.Exif()
    exif[274] = orientation
    stored = PIL.Image.fromarray(np.ascontiguousarray(STORED[orientation](BYTES[..., :3])))
    lossless = {"lossless": True} if format_ == "WEBP" else {}
    assert_samples(read(saved(stored, format_, exif=exif, **lossless), format_), BYTES[..., :3] / 255)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("kind", "levels"), [("rgb", DEEP[..., :3]), ("minisblack", DEEP[..., 0])])
def test_16_bit_pictures_are_turned(order, compression, kind, levels):
    turned = {"byteorder": order, "compression": compression, "extratags": [(274, 3, 1, 6, True)]}
    assert_samples(read(by_tifffile(np.rot90(levels), photometric=kind, **turned), "TIFF"), levels / 65535)


def test_srgb_keeps_16_bits_and_another_profile_keeps_8(icc_profile):
    def with_profile(profile: bytes) -> bytes:
        return by_tifffile(DEEP[..., :3], photometric="rgb", extratags=[(34675, 7, len(profile), profile, True)])

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_samples(read(with_profile(srgb), "TIFF"), DEEP[..., :3] / 65535)
    linear = icc_profile(gamma=1.0)
    converted = read(with_profile(linear), "TIFF").color * 255
    np.testing.assert_allclose(converted, np.rint(converted), atol=1e-4)
    # A level of 8 bits of linear light is up to 13 levels of sRGB at black, and less than one from a sixth of white on.
    bright = DEEP[..., :3] > 65535 / 6
    expected = 255 * (1.055 * (DEEP[..., :3] / 65535) ** (1 / 2.4) - 0.055)
    assert np.abs(converted - expected)[bright].max() < 2.5
    assert_samples(read(with_profile(linear), "TIFF", managed=False), DEEP[..., :3] / 65535)


def test_a_profile_leaves_alpha_alone(icc_profile):
    samples = read(saved(PIL.Image.fromarray(BYTES), icc_profile=icc_profile(gamma=1.0)), "PNG")
    np.testing.assert_array_equal(samples.alpha, np.float32(BYTES[..., 3] / 255))
    assert np.abs(samples.color - BYTES[..., :3] / 255).max() > 0.2
