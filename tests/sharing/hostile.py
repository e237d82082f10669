"""Hostile bundles and pictures, built piece by piece so that each is wrong in one way only."""

import hashlib
import json
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO

import PIL.Image

RECIPE = """\
stylepipe: 1
name: look
params: {photo: inputs/photo.png}
inputs: {photo: {image: $params.photo}}
stages: {sharp: {use: sharpen, image: $photo}}
output: $sharp
"""


def png() -> bytes:
    file = BytesIO()
    PIL.Image.new("RGB", (4, 3), "teal").save(file, "PNG")
    return file.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def record(**changed: object) -> bytes:
    """The record of a run of RECIPE, with changes."""
    return json.dumps(
        {
            "format": 1,
            "id": "20260101-000000-abcdef",
            "recipe": "look",
            "status": "done",
            "started": "2026-01-01T00:00:00.000+00:00",
            "seed": 0,
            "params": {},
            "environment": {"stylepipe": "0.1"},
            "inputs": {"photo": {"kind": "image", "reference": "photo.png", "sha256": sha256(png())}},
            **changed,
        }
    ).encode()


def sound() -> dict[str, bytes]:
    """The members of a bundle that nothing is wrong with."""
    return {
        "inputs/photo.png": png(),
        "recipe.yaml": RECIPE.encode(),
        "record.json": record(),
        "resolved.yaml": RECIPE.encode(),
    }


def sums(members: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256(data)}  {name}\n" for name, data in members.items()).encode()


class Zip:
    """A zip file that is written member by member."""

    def __init__(self) -> None:
        self._file = BytesIO()
        self._archive = zipfile.ZipFile(self._file, "w")

    def add(self, name: str, data: bytes, *, mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_STORED) -> "Zip":
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = method
        with warnings.catch_warnings(action="ignore"):  # of names that are there already
            self._archive.writestr(info, data)
        return self

    def bytes(self) -> bytes:
        self._archive.close()
        return self._file.getvalue()


def bundle(
    changed: Mapping[str, bytes | None] | None = None,
    *,
    more: Callable[[Zip], object] = lambda archive: None,
    listed: bytes | None = None,
) -> bytes:
    """The sound bundle with members changed, or left out where they are None, and `more` done to the zip file at its end."""
    members = {name: data for name, data in {**sound(), **(changed or {})}.items() if data is not None}
    archive = Zip()
    for name, data in members.items():
        archive.add(name, data)
    archive.add("SHA256SUMS", sums(members) if listed is None else listed)
    more(archive)
    return archive.bytes()


def chunk(kind: bytes, data: bytes, *, length: int | None = None, crc: int | None = None) -> bytes:
    """A chunk of a PNG file, with its true length and sum unless others are given."""
    size = len(data) if length is None else length
    return struct.pack(">I", size) + kind + data + struct.pack(">I", zlib.crc32(kind + data) if crc is None else crc)


def itxt(text: bytes, *, keyword: bytes = b"stylepipe", flag: int = 1, method: int = 0) -> bytes:
    """The data of an iTXt chunk around what stands for its text."""
    return keyword + b"\0" + bytes([flag, method]) + b"\0\0" + text


@cache
def bomb(size: int) -> bytes:
    """So many zero bytes, compressed."""
    compressor = zlib.compressobj(1)
    parts = [compressor.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*parts, compressor.flush()])


def picture(*chunks: bytes, at_end: bool = False) -> bytes:
    """A PNG file with these chunks behind its header, or before its end."""
    data = png()
    at = data.rindex(b"IEND") - 4 if at_end else 33
    return data[:at] + b"".join(chunks) + data[at:]
