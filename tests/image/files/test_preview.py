"""Previews: small, of any size of picture, and a reason where there is none."""

import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from stylepipe.hardware import memory_limits
from stylepipe.image.files.preview import NoPreview, picture_size, preview


def write_large_png(path, width, height):
    """A gray picture whose rows are written one by one."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row, packer = b"\0" + b"\x80" * width, zlib.compressobj(1)
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def test_a_preview_keeps_the_shape_and_small_pictures(tmp_path):
    PIL.Image.new("RGB", (600, 300), "red").save(tmp_path / "a.png")
    assert preview(tmp_path / "a.png", (100, 100)).size == (100, 50)
    assert preview(tmp_path / "a.png", (1000, 1000)).size == picture_size(tmp_path / "a.png") == (600, 300)
    assert np.asarray(preview(tmp_path / "a.png", (7, 7))).reshape(-1, 4).tolist() == [[255, 0, 0, 255]] * 28


@pytest.mark.slow
def test_pictures_that_pillow_takes_for_bombs(tmp_path):
    write_large_png(tmp_path / "a.png", 20_000, 9_000)
    assert picture_size(tmp_path / "a.png") == (20_000, 9_000)
    assert preview(tmp_path / "a.png", (200, 200)).getpixel((100, 40)) == (128, 128, 128, 255)


def test_a_picture_that_does_not_fit_into_the_memory(tmp_path, monkeypatch):
    PIL.Image.new("RGB", (600, 300)).save(tmp_path / "a.png")
    monkeypatch.setattr(memory_limits, "available", lambda: 1_000_000)
    with pytest.raises(NoPreview, match="600 × 300 pixels do not fit into the memory"):
        preview(tmp_path / "a.png", (100, 100))


@pytest.mark.parametrize("name", ["a.png", "a.txt", "missing.png"])
def test_what_is_no_picture(tmp_path, name):
    if name != "missing.png":
        (tmp_path / name).write_bytes(b"no picture")
    for look in (lambda path: preview(path, (9, 9)), picture_size):
        with pytest.raises(NoPreview):
            look(tmp_path / name)
