"""Formats that are only read, the first frame of those that move, and libraries that are missing."""

import sys
from pathlib import Path

import numpy as np
import PIL.features
import PIL.Image
import pytest

from stylepipe.errors import InputError
from stylepipe.image.files.formats import ENDINGS, WRITTEN_ENDINGS, format_of
from stylepipe.image.files.io import outline_image, read_image, read_mask

ROWS, COLUMNS = np.mgrid[0:1:30j, 0:1:44j]
SMOOTH = np.uint8(255 * np.stack([ROWS, COLUMNS, 1 - ROWS * COLUMNS], axis=-1))


def saved(path: Path, picture: PIL.Image.Image, **options) -> Path:
    if path.suffix.lower() in (".heic", ".heif"):
        pillow_heif = pytest.importorskip("pillow_heif")
        pillow_heif.from_pillow(picture).save(path, **options)
    else:
        picture.save(path, **options)
    return path


@pytest.mark.parametrize("ending", [".gif", ".bmp", ".avif", ".heic", ".heif", ".GIF", ".BMP", ".AVIF", ".HEIC"])
def test_formats_that_are_only_read(tmp_path, ending):
    path = saved(tmp_path / f"a{ending}", PIL.Image.fromarray(SMOOTH))
    notes: list[str] = []
    image = read_image(path, note=notes.append)
    tolerance = 0 if ending.lower() == ".bmp" else 12 / 255
    assert np.abs(image.pixels - SMOOTH / np.float32(255)).mean() <= tolerance
    assert image.alpha is None
    assert notes == []
    assert outline_image(path).size == read_mask(path).size == (30, 44)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".jfif", ".webp", ".tif", ".gif", ".bmp", ".avif", ".heic"])
@pytest.mark.parametrize("size", [(1, 1), (333, 257)])
def test_a_whole_file_is_read_without_a_note(tmp_path, ending, size):
    path = saved(tmp_path / f"a{ending}", PIL.Image.radial_gradient("L").resize(size).convert("RGB"))
    notes: list[str] = []
    assert read_image(path, note=notes.append).size == size[::-1]
    assert notes == []


def test_every_written_ending_is_read():
    assert set(WRITTEN_ENDINGS) < set(ENDINGS)
    assert format_of("A.B.JPG") is format_of("a.jpe")


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png", ".avif"])
def test_the_first_frame_is_read_of_a_picture_that_moves(tmp_path, ending):
    frames = [PIL.Image.new("RGB", (20, 10), color) for color in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a{ending}", save_all=True, append_images=frames[1:], duration=50)
    assert np.abs(read_image(tmp_path / f"a{ending}").pixels - (1, 0, 0)).max() < 0.02


@pytest.mark.parametrize("ending", [".gif", ".avif", ".heic"])
def test_transparency(tmp_path, ending):
    opacity = np.uint8(np.where(COLUMNS > 0.5, 255, 0))
    image = read_image(saved(tmp_path / f"a{ending}", PIL.Image.fromarray(np.dstack([SMOOTH, opacity]))))
    assert image.alpha is not None
    assert np.abs(image.alpha - opacity / 255).max() < 0.05


@pytest.mark.parametrize("ending", [".avif", ".heic"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_pictures_are_turned_upright(tmp_path, ending, orientation):
    exif = PIL.Image.Exif()
    exif[274] = orientation
    stored = np.rot90(SMOOTH, {3: 2, 6: 1}[orientation])
    path = saved(tmp_path / f"a{ending}", PIL.Image.fromarray(np.ascontiguousarray(stored)), exif=exif.tobytes())
    assert outline_image(path).size == (30, 44)
    assert np.abs(read_image(path).pixels - SMOOTH / 255).mean() < 0.02


def test_a_profile_is_applied(tmp_path, icc_profile):
    plain = saved(tmp_path / "a.avif", PIL.Image.new("RGB", (9, 9), (100, 100, 100)))
    linear = saved(tmp_path / "b.avif", PIL.Image.new("RGB", (9, 9), (100, 100, 100)), icc_profile=icc_profile(gamma=1.0))
    assert read_image(linear).pixels.mean() > read_image(plain).pixels.mean() + 0.2


def test_heif_without_its_library(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError) as caught:
        read_image(tmp_path / "a.heic")
    assert str(caught.value) == (
        "'a.heic' is a HEIF picture, which is read with pillow-heif. "
        "Install it with `pip install 'stylepipe[heif]'`, or save the picture as JPEG or PNG."
    )


def test_avif_without_its_library(tmp_path, monkeypatch):
    (tmp_path / "a.avif").write_bytes(b"\0\0\0\x18ftypavif\0\0\0\0")
    monkeypatch.setattr(PIL.features, "check", lambda feature: feature != "avif")
    with pytest.raises(InputError, match=r"'a\.avif' is an AVIF picture, which this build of Pillow does not read"):
        read_image(tmp_path / "a.avif")


@pytest.mark.parametrize("ending", [".avif", ".heic"])
@pytest.mark.parametrize("kept", [20, 0.3, 0.9])
def test_damaged_files_of_video_formats(tmp_path, ending, kept):
    data = saved(tmp_path / f"a{ending}", PIL.Image.fromarray(SMOOTH)).read_bytes()
    (tmp_path / f"a{ending}").write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    with pytest.raises(InputError, match=r"is damaged, incomplete, or of a kind of \w+ that is not read"):
        read_image(tmp_path / f"a{ending}")
