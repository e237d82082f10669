"""Files of every format, there and back; and files that are not what they should be."""

import os
import re
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylepipe.artifacts import Image, Mask, digest
from stylepipe.errors import InputError, UsageError
from stylepipe.image.files import io, picture_file
from stylepipe.image.files.io import outline_image, outline_mask, read_image, read_mask, write_image, write_mask

RNG = np.random.default_rng(2)
PIXELS = RNG.random((21, 17, 3), dtype=np.float32)
ALPHA = RNG.random((21, 17), dtype=np.float32)
LOSSLESS = [".png", ".webp", ".tif", ".tiff"]
HALF_A_LEVEL = 0.5 / 255 + 1e-6


def smooth_pixels() -> np.ndarray:
    rows, columns = np.mgrid[0:1:48j, 0:1:64j]
    return np.stack([rows, columns, 1 - rows * columns], axis=-1).astype(np.float32)


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", LOSSLESS)
@pytest.mark.parametrize("alpha", [None, ALPHA])
def test_lossless_formats(tmp_path, ending, alpha):
    write_image(Image(PIXELS, alpha), tmp_path / f"a{ending}")
    back = read_image(tmp_path / f"a{ending}")
    assert back.pixels.dtype == np.float32
    assert np.abs(back.pixels - PIXELS).max() <= HALF_A_LEVEL
    if alpha is None:
        assert back.alpha is None
    else:
        assert np.abs(back.alpha - alpha).max() <= HALF_A_LEVEL


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".jfif", ".jpe", ".JPG", ".JPEG", ".Jfif"])
def test_jpeg(tmp_path, ending):
    write_image(Image(smooth_pixels()), tmp_path / f"a{ending}")
    back = read_image(tmp_path / f"a{ending}")
    assert np.abs(back.pixels - smooth_pixels()).max() < 4 / 255


def test_transparent_parts_become_white_in_jpeg(tmp_path):
    color = np.broadcast_to(np.float32([0.2, 0.4, 0.6]), (32, 32, 3))
    write_image(Image(color, np.full((32, 32), 0.25, np.float32)), tmp_path / "a.jpg")
    expected = 0.25 * np.array([0.2, 0.4, 0.6]) + 0.75
    assert np.abs(read_image(tmp_path / "a.jpg").pixels - expected).max() < 2 / 255


def test_values_are_rounded_to_the_nearest_level_and_clamped(tmp_path):
    values = np.array([-3, 0, 0.49, 0.51, 127.49, 127.51, 254.49, 254.51, 255, 900], np.float32) / 255
    write_image(Image(np.repeat(values[None, :, None], 3, axis=2)), tmp_path / "a.png")
    levels = np.asarray(PIL.Image.open(tmp_path / "a.png"))[0, :, 0]
    assert levels.tolist() == [0, 0, 0, 1, 127, 128, 254, 255, 255, 255]


@pytest.mark.parametrize("ending", [*LOSSLESS, ".jpg"])
def test_masks(tmp_path, ending):
    soft = smooth_pixels()[..., 0] * smooth_pixels()[..., 1]
    write_mask(Mask(soft), tmp_path / f"m{ending}")
    tolerance = 4 / 255 if ending == ".jpg" else HALF_A_LEVEL
    assert np.abs(read_mask(tmp_path / f"m{ending}").values - soft).max() <= tolerance
    gray = read_image(tmp_path / f"m{ending}").pixels
    assert gray.shape == (48, 64, 3)
    assert np.abs(gray - soft[..., None]).max() <= tolerance


@pytest.mark.parametrize("ending", [*LOSSLESS, ".jpg"])
def test_the_same_picture_gives_the_same_file_and_the_same_file_the_same_picture(tmp_path, ending):
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    for path in (first, second):
        write_image(Image(PIXELS, ALPHA), path)
    assert first.read_bytes() == second.read_bytes()
    assert digest(read_image(first)) == digest(read_image(second))


def test_compression_changes_the_size_only(tmp_path):
    flat = Image(np.full((64, 64, 3), 0.5, np.float32))
    write_image(flat, tmp_path / "a.png", compress_level=0)
    write_image(flat, tmp_path / "b.png", compress_level=9)
    assert (tmp_path / "a.png").stat().st_size > 64 * 64 * 3 > 20 * (tmp_path / "b.png").stat().st_size
    assert digest(read_image(tmp_path / "a.png")) == digest(read_image(tmp_path / "b.png"))


def test_writing_says_which_formats_there_are(tmp_path):
    for name in ("a.gif", "a.heic", "a.psd"):
        with pytest.raises(UsageError, match=rf"'{name}' is not of a known format.*\.png, \.jpg.*\.tiff\.$"):
            write_image(Image(PIXELS), tmp_path / name)


@pytest.mark.parametrize(("ending", "limit"), [(".jpg", 65_500), (".webp", 16_383)])
def test_writing_says_what_a_format_can_hold(tmp_path, ending, limit):
    write_mask(Mask(np.zeros((1, limit), np.float32)), tmp_path / f"a{ending}")
    with pytest.raises(UsageError, match=f"would have 1 × {limit + 1} pixels.*{limit} a side"):
        write_mask(Mask(np.zeros((limit + 1, 1), np.float32)), tmp_path / f"b{ending}")
    assert not (tmp_path / f"b{ending}").exists()


# --- masks from pictures ----------------------------------------------------------------------------------------------


def test_a_mask_is_the_luma_of_any_picture(tmp_path):
    levels = RNG.integers(0, 256, (9, 8, 3), dtype=np.uint8)
    PIL.Image.fromarray(levels).save(tmp_path / "m.png")
    red, green, blue = np.moveaxis(levels / 255, -1, 0)
    np.testing.assert_allclose(read_mask(tmp_path / "m.png").values, 0.299 * red + 0.587 * green + 0.114 * blue, atol=1e-7)


def test_white_is_one_and_black_is_zero(tmp_path):
    PIL.Image.fromarray(np.uint8([[[255] * 3, [0] * 3]])).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").values.tolist() == [[1, 0]]


def test_transparent_parts_of_a_mask_are_outside(tmp_path):
    write_image(Image(np.ones_like(PIXELS), ALPHA), tmp_path / "m.png")
    assert np.abs(read_mask(tmp_path / "m.png").values - ALPHA).max() <= HALF_A_LEVEL


def test_a_profile_is_for_images_and_not_for_masks(tmp_path, icc_profile):
    middle = PIL.Image.fromarray(np.full((4, 4), 100, np.uint8))
    middle.save(tmp_path / "m.png", icc_profile=icc_profile(gamma=1.0, gray=True))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png").values, np.float32(100 / 255))
    encoded = 1.055 * (100 / 255) ** (1 / 2.4) - 0.055
    assert np.abs(read_image(tmp_path / "m.png").pixels - encoded).max() < 0.6 / 255


# --- files that are not what they should be ---------------------------------------------------------------------------


def refused(path: Path, **options) -> str:
    """The message with which reading is refused, the same for images and masks."""
    messages = set()
    for read in (read_image, read_mask):
        with pytest.raises(InputError) as caught:
            read(path, **options)
        messages.add(str(caught.value))
    (message,) = messages
    assert "\n" not in message
    return message


def test_a_missing_file(tmp_path):
    assert refused(tmp_path / "no.png") == "There is no file 'no.png'. Check its name and its folder."


def test_a_folder(tmp_path):
    (tmp_path / "folder.png").mkdir()
    assert refused(tmp_path / "folder.png") == "'folder.png' is a folder, not a picture. Name a picture in it."


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert refused(tmp_path / "pipe.png") == "There is no file 'pipe.png'. Check its name and its folder."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "mine.png"
    write_image(Image(PIXELS), path)
    path.chmod(0)
    assert refused(path) == "'mine.png' cannot be read: Permission denied. Check its permissions."


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.png").touch()
    assert refused(tmp_path / "empty.png") == "'empty.png' is empty. Download it again, or save it again."


@pytest.mark.parametrize("name", ["a.psd", "a", "a.png.txt", ".png"])
def test_an_unknown_ending(tmp_path, name):
    endings = ".png, .jpg, .jpeg, .jpe, .jfif, .webp, .tif, .tiff, .gif, .bmp, .avif, .heic, .heif"
    expected = f"'{name}' is not of a known format. The pictures that are read end in {endings}."
    assert refused(tmp_path / name) == expected


def test_the_ending_must_tell_the_truth(tmp_path):
    PIL.Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png", "JPEG")
    assert refused(tmp_path / "a.png") == "'a.png' is not a PNG file. It is a JPEG file: let its name end in .jpg."


def test_something_else_altogether(tmp_path):
    (tmp_path / "a.tif").write_text("once upon a time")
    assert refused(tmp_path / "a.tif") == "'a.tif' is not a TIFF file. Save it as PNG."


def png_header(width: int, height: int) -> bytes:
    fields = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + fields + struct.pack(">I", zlib.crc32(fields)) + b"\0\0\0\0IDAT"


@pytest.mark.parametrize(
    ("width", "height", "found"), [(20_000, 5_001, "20000 × 5001"), (60_000, 60_000, "more than 178956970")]
)
def test_size_is_checked_before_decoding(tmp_path, width, height, found):
    (tmp_path / "bomb.png").write_bytes(png_header(width, height))
    expected = f"'bomb.png' has {found} pixels; at most 100000000 are read. Make it smaller first."
    assert refused(tmp_path / "bomb.png") == expected


def test_the_limit_is_the_callers(tmp_path):
    write_image(Image(PIXELS), tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", max_pixels=21 * 17).size == (21, 17)
    assert "has 17 × 21 pixels; at most 356 are read" in refused(tmp_path / "a.png", max_pixels=21 * 17 - 1)


def test_samples_that_are_not_read_are_named(tmp_path):
    PIL.Image.fromarray(np.zeros((4, 4), np.int32)).save(tmp_path / "a.tif")
    assert refused(tmp_path / "a.tif") == "'a.tif' has signed samples, which are not read. Save it as 8- or 16-bit PNG."


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".gif", ".bmp", ".avif"])
@pytest.mark.parametrize("kept", [0.1, 0.3, 0.6, 0.9])
def test_truncated_files(tmp_path, ending, kept):
    path = tmp_path / f"cut{ending}"
    PIL.Image.fromarray(np.uint8(PIXELS * 255)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    assert re.match(rf"'cut{ending}' is damaged, incomplete, or of a kind of \w+ that is not read\.", refused(path))


# --- files that end early ---------------------------------------------------------------------------------------------


def read_with_notes(path: Path) -> tuple[Image, list[str]]:
    notes: list[str] = []
    return read_image(path, note=notes.append), notes


JPEGS = {"baseline": {}, "progressive": {"progressive": True}, "gray": {"mode": "L"}, "restarts": {"restart_marker_rows": 1}}


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_without_its_end_marker_is_read_with_a_note(tmp_path, kind):
    options = dict(JPEGS[kind])
    picture = PIL.Image.fromarray(np.uint8(smooth_pixels() * 255)).convert(options.pop("mode", "RGB"))
    picture.save(tmp_path / "whole.jpg", **options)
    data = (tmp_path / "whole.jpg").read_bytes()
    whole, notes = read_with_notes(tmp_path / "whole.jpg")
    assert notes == []
    for missing in (1, 2):
        (tmp_path / "cut.jpg").write_bytes(data[:-missing])
        image, notes = read_with_notes(tmp_path / "cut.jpg")
        np.testing.assert_array_equal(image.pixels, whole.pixels)
        assert notes == ["'cut.jpg' ends early: its end marker is missing, and what else is missing of the picture is gray."]
        assert read_mask(tmp_path / "cut.jpg").size == image.size


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_is_cut_within_its_samples_is_read_as_far_as_it_goes(tmp_path, progressive):
    levels = np.uint8(RNG.random((160, 96, 3)) * 255)
    PIL.Image.fromarray(levels).save(tmp_path / "a.jpg", quality=95, progressive=progressive)
    whole = read_image(tmp_path / "a.jpg").pixels
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: int(0.6 * len(data))])
    image, notes = read_with_notes(tmp_path / "a.jpg")
    assert len(notes) == 1
    if progressive:
        assert np.corrcoef(image.pixels.ravel(), whole.ravel())[0, 1] > 0.5
    else:
        np.testing.assert_array_equal(image.pixels[:64], whole[:64])
        assert (image.pixels[128:] != whole[128:]).any()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_is_only_a_header_is_refused(tmp_path, mode):
    file = BytesIO()
    PIL.Image.new(mode, (40, 30), "teal").save(file, "JPEG")
    data = file.getvalue()
    scan = data.index(b"\xff\xda")
    for length in (scan + 2 + int.from_bytes(data[scan + 2 : scan + 4]), scan, scan // 2, 3):
        (tmp_path / "a.jpg").write_bytes(data[:length])
        assert re.match(
            r"'a\.jpg' is (damaged, incomplete|incomplete: there is a header, and nothing)", refused(tmp_path / "a.jpg")
        )


@pytest.mark.parametrize(("format_", "cut"), [("PNG", 12), ("PNG", 14), ("PNG", 16)])
def test_other_files_that_lack_only_their_end_are_read_with_a_note(tmp_path, format_, cut):
    path = tmp_path / f"a.{format_.lower()}"
    PIL.Image.fromarray(np.uint8(PIXELS * 255)).save(path, format_)
    whole = read_image(path).pixels
    path.write_bytes(path.read_bytes()[:-cut])
    image, notes = read_with_notes(path)
    np.testing.assert_array_equal(image.pixels, whole)
    assert notes == [f"'{path.name}' ends early: its end marker is missing, and nothing of the picture."]


# --- files that take long, or much memory -----------------------------------------------------------------------------


def png_with(chunks: bytes) -> bytes:
    file = BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(file, "PNG")
    data = file.getvalue()
    return data[:33] + chunks + data[33:]


def jpeg_with(segments: bytes) -> bytes:
    file = BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(file, "JPEG")
    return file.getvalue()[:2] + segments + file.getvalue()[2:]


def gif_with(blocks: bytes) -> bytes:
    file = BytesIO()
    PIL.Image.new("L", (4, 4)).save(file, "GIF")
    data = file.getvalue()
    first = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:first] + blocks + data[first:]


EMPTY_CHUNK = struct.pack(">I4sI", 0, b"prVt", zlib.crc32(b"prVt"))


@pytest.mark.parametrize(
    ("ending", "data"),
    [
        ("png", lambda count: png_with(EMPTY_CHUNK * count)),
        ("png", lambda count: png_with(struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT")) * count)),
        ("jpg", lambda count: jpeg_with(b"\xff\xfe\0\2" * count)),
        ("gif", lambda count: gif_with(b"!\xfe\1a\0" * count)),
    ],
)
def test_files_of_very_many_parts_are_refused(tmp_path, monkeypatch, ending, data):
    monkeypatch.setattr(picture_file, "READS", 2000)
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data(100))
    assert read_image(path).size == (4, 4)
    path.write_bytes(data(20_000))
    assert refused(path) == f"'a.{ending}' consists of too many parts to be read. Save it again as PNG."


def test_large_private_chunks_are_passed_over(tmp_path):
    chunk = b"prVt" + bytes(5_000_000)
    (tmp_path / "a.png").write_bytes(png_with(struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))))
    assert read_image(tmp_path / "a.png").size == (4, 4)


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path):
    file = BytesIO()
    PIL.Image.new("RGB", (64, 64)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    scan = data.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(data[:scan] + data[scan:-2] * 200 + data[-2:])
    assert refused(tmp_path / "a.jpg") == "'a.jpg' has more than 100 scans, which are not read. Save it as 8- or 16-bit PNG."


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rgb.jpg", "rgba.png", "deep.png", "turned.png", "icc.png", "gray.png", "mask.png"])
def test_reading_takes_half_more_memory_than_the_result(tmp_path, icc_profile, kind):
    height, width = 3000, 4000
    path = tmp_path / kind
    exif = PIL.Image.Exif()
    exif[274] = 6
    gray = PIL.Image.linear_gradient("L").resize((width, height))
    match kind:
        case "deep.png":
            cv2.imwrite(str(path), np.broadcast_to(np.arange(width, dtype=np.uint16)[None, :, None] * 16, (height, width, 4)))
        case "gray.png":
            gray.save(path)
        case "rgba.png":
            PIL.Image.merge("RGBA", [gray] * 4).save(path)
        case "icc.png":
            PIL.Image.merge("RGB", [gray] * 3).save(path, icc_profile=icc_profile(gamma=1.0))
        case _:
            PIL.Image.merge("RGB", [gray] * 3).save(path, exif=exif)
    read = "read_mask" if kind == "mask.png" else "read_image"
    script = f"""
import resource, sys, pathlib, numpy, PIL.Image
from stylepipe.image.files.io import read_image, read_mask
from stylepipe.artifacts import digest
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
small = pathlib.Path(sys.argv[1]).with_name("small.png")
PIL.Image.new("RGB", (9, 9)).save(small)
read_image(small)
before = peak()
result = {read}(pathlib.Path(sys.argv[1]))
arrays = [each for each in vars(result).values() if each is not None]
print((peak() - before) / sum(array.nbytes for array in arrays))
"""
    said = subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True).stdout
    # A mask of colors passes through the colors, which are three times as large.
    assert float(said) < (1.5 if kind != "mask.png" else 4.5)


# --- outlines, damage -------------------------------------------------------------------------------------------------


def encoded(format_: str) -> bytes:
    file, exif = BytesIO(), PIL.Image.Exif()
    exif[274] = 6
    PIL.Image.fromarray(np.uint8(PIXELS * 255)).save(file, format_, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize(
    "exif", [b"junk", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 40]
)
@pytest.mark.parametrize(("ending", "format_"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_damaged_metadata_is_ignored(tmp_path, ending, format_, exif):
    """As viewers do: the picture is sound."""
    path = tmp_path / f"a.{ending}"
    PIL.Image.fromarray(np.uint8(PIXELS * 255)).save(path, format_, exif=exif)
    assert read_image(path).size == outline_image(path).size == PIXELS.shape[:2]
    assert read_mask(path).size == PIXELS.shape[:2]


@pytest.mark.parametrize("orientation", [0, 9, 2**16 - 1])
@pytest.mark.parametrize(("ending", "format_"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")])
def test_an_orientation_that_means_nothing(tmp_path, ending, format_, orientation):
    path, exif = tmp_path / f"a.{ending}", PIL.Image.Exif()
    exif[274] = orientation
    PIL.Image.fromarray(np.uint8(PIXELS * 255)).save(path, format_, exif=exif)
    assert read_image(path).size == outline_image(path).size == PIXELS.shape[:2]


@pytest.mark.parametrize(
    ("ending", "format_"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF"), ("avif", "AVIF")]
)
def test_an_outline_is_of_the_upright_picture_and_decodes_nothing(tmp_path, monkeypatch, ending, format_):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(encoded(format_))
    size = read_image(path).size
    assert size == (17, 21)
    monkeypatch.setattr(io, "decode", None)
    if format_ != "PNG":  # Pillow decodes these only when their samples are asked for
        monkeypatch.setattr(PIL.Image.Image, "load", None)
    assert outline_image(path).size == outline_mask(path).size == size


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
@pytest.mark.parametrize("transparent", [False, True])
def test_an_outline_is_transparent_where_the_picture_is(tmp_path, mode, transparent):
    path = tmp_path / "a.png"
    options = {"transparency": 0} if transparent and mode == "P" else {}
    PIL.Image.new(mode, (17, 21)).save(path, **options)
    assert (outline_image(path).alpha is None) == (read_image(path).alpha is None) == (mode[-1] != "A" and not options)


def test_an_outline_is_refused_as_the_picture_is(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    for read in (read_image, outline_image):
        with pytest.raises(InputError, match=r"'a\.png' is not a PNG file"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("ending", "data"),
    [
        (e, encoded(f))
        for e, f in [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF"), ("gif", "GIF"), ("bmp", "BMP")]
    ],
)
def test_damaged_files_are_read_or_refused(tmp_path_factory, ending, data):
    path = tmp_path_factory.mktemp("damaged") / f"a.{ending}"

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), min_size=1, max_size=6),
        st.integers(1, len(data)),
    )
    def check(changes, length):
        damaged = bytearray(data)
        for position, value in changes:
            damaged[position] = value
        path.write_bytes(damaged[:length] if length % 3 == 0 else damaged)
        try:
            image = read_image(path, max_pixels=1_000_000)
        except InputError:
            return
        assert image.pixels.min() >= 0
        assert image.pixels.max() <= 1

    check()


def test_reading_does_not_import_jax():
    script = "import sys, stylepipe.image.files.io; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
