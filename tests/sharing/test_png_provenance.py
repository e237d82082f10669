"""Provenance in PNG files: what is written, and that pixels stay; hostile files are in test_hostile_pictures.py."""

import json
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from stylepipe.errors import InputError
from stylepipe.sharing.png_provenance import KEYWORD, embed, read_picture, with_text


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of all chunks, by the format's own description; their sums are checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        data = png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(kind + data)
        found.append((kind, data))
        at += 12 + length
    return found


@pytest.fixture(params=["RGB", "RGBA", "L", "I;16"])
def png(request, tmp_path):
    path = tmp_path / "picture.png"
    levels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
    picture = {
        "RGB": PIL.Image.fromarray(levels[..., :3]),
        "RGBA": PIL.Image.fromarray(levels),
        "L": PIL.Image.fromarray(levels[..., 0]),
        "I;16": PIL.Image.fromarray(levels[..., 0].astype(np.uint16) * 257),
    }[request.param]
    picture.save(path)
    return path


def test_what_is_embedded_is_read_again(png, provenance):
    embed(png, provenance)
    assert read_picture(png) == provenance


def test_one_chunk_is_added_and_the_rest_stays_byte_for_byte(png, provenance):
    before = chunks(png.read_bytes())
    embed(png, provenance)
    first, (kind, data), *others = chunks(png.read_bytes())
    assert [first, *others] == before
    assert kind == b"iTXt"
    keyword, rest = data.split(b"\0", 1)
    assert (keyword, rest[:4]) == (KEYWORD.encode(), b"\x01\x00\x00\x00")  # compressed, by zlib; no language, no other keyword
    assert json.loads(zlib.decompress(rest[4:])) == json.loads(provenance.model_dump_json(exclude_none=True))


def test_the_same_is_written_the_same(png, provenance):
    data = png.read_bytes()
    embed(png, provenance)
    once = png.read_bytes()
    png.write_bytes(data)
    embed(png, provenance)
    assert png.read_bytes() == once


def test_any_text_is_kept(png):
    text = "größer\n\u202e 𝄞 $x"
    png.write_bytes(with_text(png.read_bytes(), KEYWORD, text))
    with PIL.Image.open(png) as picture:
        assert picture.text == {KEYWORD: text}


def test_the_largest_that_is_written_is_read(png, provenance):
    room = 2**20 - len(provenance.model_copy(update={"recipe": ""}).model_dump_json(exclude_none=True).encode())
    largest = provenance.model_copy(update={"recipe": "x" * room})
    embed(png, largest)
    assert read_picture(png) == largest
    with pytest.raises(ValueError, match=r"expected at most 1048576 bytes, received 1048577"):
        embed(png, provenance.model_copy(update={"recipe": "x" * (room + 1)}))


def test_a_picture_that_says_nothing(png):
    with pytest.raises(InputError, match="does not say how it was made"):
        read_picture(png)


def test_a_missing_picture(tmp_path):
    with pytest.raises(InputError, match=r"There is no file '.*none\.png'"):
        read_picture(tmp_path / "none.png")
