"""Files without their metadata: the same samples, upright as before, and nothing else."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL.PngImagePlugin import PngInfo

from stylepipe.image.files.io import read_image
from stylepipe.image.files.metadata_removal import copy_without_metadata

SECRET = b"Mr Secret of 48.8584 N"
LEVELS = np.uint8(np.random.default_rng(0).random((37, 53, 4)) * 255)


def exif(orientation: int | None = None) -> PIL.Image.Exif:
    made = PIL.Image.Exif()
    made[0x013B] = SECRET.decode()
    if orientation:
        made[0x0112] = orientation
    made.get_ifd(0x8825)[1] = "N"
    return made


def without_metadata(path: Path) -> bytes | None:
    copy = path.with_name(f"copy{path.suffix}")
    assert copy_without_metadata(path, copy) == copy.exists()
    return copy.read_bytes() if copy.exists() else None


def check(path: Path) -> bytes:
    stripped = without_metadata(path)
    assert stripped is not None
    assert SECRET not in stripped
    copy = path.with_name(f"copy{path.suffix}")
    before, after = read_image(path), read_image(copy)
    np.testing.assert_array_equal(before.pixels, after.pixels)
    np.testing.assert_equal(before.alpha, after.alpha)
    with PIL.Image.open(copy) as opened:
        assert set(opened.getexif()) <= {0x0112}
        assert 0x8825 not in opened.getexif()
        assert not {"xmp", "comment", "Author"} & set(opened.info)
    return stripped


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("orientation", [None, 1, 3, 6])
def test_metadata_is_left_out_and_the_picture_stays(tmp_path, ending, orientation, icc_profile):
    options = {".jpg": {"comment": SECRET, "quality": 90}, ".png": {}, ".webp": {"xmp": SECRET}}[ending]
    if ending == ".png":
        notes = PngInfo()
        notes.add_text("Author", SECRET.decode())
        notes.add_itxt("Comment", SECRET.decode())
        options["pnginfo"] = notes
    picture = PIL.Image.fromarray(LEVELS[..., :3])
    picture.save(tmp_path / f"a{ending}", exif=exif(orientation), icc_profile=icc_profile(gamma=1.0), **options)
    assert SECRET in (tmp_path / f"a{ending}").read_bytes()
    check(tmp_path / f"a{ending}")


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_a_file_without_metadata_stays_as_it_is(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    PIL.Image.fromarray(LEVELS[..., :3]).save(path)
    assert without_metadata(path) == path.read_bytes()


@pytest.mark.parametrize(
    ("mode", "options"), [("RGB", {"progressive": True}), ("L", {}), ("CMYK", {}), ("RGB", {"restart_marker_rows": 1})]
)
def test_kinds_of_jpeg(tmp_path, mode, options):
    PIL.Image.fromarray(LEVELS).convert("RGB").convert(mode).save(tmp_path / "a.jpg", comment=SECRET, **options)
    check(tmp_path / "a.jpg")


@pytest.mark.parametrize(("mode", "options"), [("P", {"transparency": 3}), ("LA", {}), ("RGBA", {}), ("1", {}), ("I;16", {})])
def test_kinds_of_png(tmp_path, mode, options):
    picture = (
        PIL.Image.fromarray(np.uint16(LEVELS[..., 0]) * 257) if mode == "I;16" else PIL.Image.fromarray(LEVELS).convert(mode)
    )
    notes = PngInfo()
    notes.add_text("Author", SECRET.decode(), zip=False)
    picture.save(tmp_path / "a.png", pnginfo=notes, **options)
    check(tmp_path / "a.png")


def test_pictures_and_notes_behind_the_end_of_a_jpeg_are_left_out(tmp_path):
    frames = [PIL.Image.fromarray(LEVELS[..., :3]) for _ in range(2)]
    frames[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=frames[1:], exif=exif())
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data + SECRET)
    assert len(check(tmp_path / "a.jpg")) < len(data) * 0.6


def test_a_jpeg_that_ends_early_is_completed(tmp_path):
    PIL.Image.fromarray(LEVELS[..., :3]).save(tmp_path / "a.jpg", comment=SECRET)
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-300])
    assert check(tmp_path / "a.jpg").endswith(b"\xff\xd9")


@pytest.mark.parametrize("ending", [".gif", ".bmp", ".tif", ".avif"])
def test_other_formats_are_not_copied(tmp_path, ending):
    PIL.Image.fromarray(LEVELS[..., :3]).save(tmp_path / f"a{ending}")
    assert without_metadata(tmp_path / f"a{ending}") is None


def test_files_that_are_not_built_as_they_should_be_are_not_copied(tmp_path):
    PIL.Image.fromarray(LEVELS[..., :3]).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for damaged in (b"", b"nothing", data[:100], data[:-12]):
        (tmp_path / "a.png").write_bytes(damaged)
        assert without_metadata(tmp_path / "a.png") is None
