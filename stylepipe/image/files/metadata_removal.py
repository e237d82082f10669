"""Copies picture files with the same samples and without metadata: place, time, camera, author, comments, thumbnails.

Nothing is decoded or encoded: the parts of the file that make the picture are copied, the others are left out.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

import PIL.Image

_ORIENTATION = 0x0112  # a tag of EXIF, the only one that is kept
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([2-8])')

_SCAN, _END = 0xDA, 0xD9
_TABLES = {*range(0xC0, 0xD0), _SCAN, 0xDB, 0xDC, 0xDD} - {0xC8}  # frames, scans, tables, restart intervals
_SEGMENTS = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)  # the others belong to the samples of a scan

_PNG_CHUNKS = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs"),
    *(b"acTL", b"fcTL", b"fdAT"),
)
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_WEBP_CHUNKS = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP")
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04  # flags of VP8X


class Part(NamedTuple):
    """A segment or chunk: its place in the file, and its kind: `picture`, `exif`, `xmp`, or `other`."""

    start: int
    end: int
    kind: str


class _Unknown(Exception):
    """A malformed file, or one whose orientation cannot be located in its parts."""


def copy_without_metadata(source: Path, target: Path) -> bool:
    """Copies a picture's file without its metadata; keeps the color profile and the orientation.

    Returns False without a copy for formats other than JPEG, PNG and WebP, and for malformed files. Raises OSError
    when one of the files cannot be opened, or the copy cannot be written.
    """
    with source.open("rb") as file:
        beginning = file.read(12)
        match beginning[:4], beginning[8:]:
            case b"\xff\xd8\xff\xe0" | b"\xff\xd8\xff\xe1" | b"\xff\xd8\xff\xdb" | b"\xff\xd8\xff\xee", _:
                parse, write = _jpeg_parts, _jpeg
            case b"\x89PNG", _:
                parse, write = _png_parts, _png
            case b"RIFF", b"WEBP":
                parse, write = _webp_parts, _webp
            case _:
                return False
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            try:
                parts = list(parse(data))
                exif = _orientation(data, parts)
            except (_Unknown, struct.error):
                return False
            with target.open("wb") as copy:
                copy.writelines(write(data, [part for part in parts if part.kind == "picture"], exif))
    return True


def _orientation(data: mmap, parts: Sequence[Part]) -> bytes:
    """Returns EXIF with only the orientation; empty for an upright picture."""
    kept = PIL.Image.Exif()
    for part in parts:
        content = data[part.start : part.end]
        if part.kind == "exif" and _ORIENTATION not in kept:
            exif = PIL.Image.Exif()
            try:
                exif.load(content[max(content.find(b"II*\0"), content.find(b"MM\0*")) :])
                kept[_ORIENTATION] = int(exif.get(_ORIENTATION, 1))
            except Exception as error:  # Pillow's parsers raise whatever they stumble over
                raise _Unknown from error
        if part.kind == "xmp" and kept.get(_ORIENTATION, 1) == 1 and (match := _XMP_ORIENTATION.search(content)):
            kept[_ORIENTATION] = int(match[1])
    return kept.tobytes() if kept.get(_ORIENTATION, 1) != 1 else b""


# --- JPEG -------------------------------------------------------------------------------------------------------------


def _jpeg_parts(data: mmap) -> Iterator[Part]:
    """Yields the segments and scans up to the end marker; ignores what follows, such as a second picture."""
    at = 2
    while at < len(data):
        marker = _MARKER.match(data, at)
        if marker is None:
            raise _Unknown
        start, kind, at = at, marker[1][0], marker.end()
        if kind == _END:
            return
        (length,) = struct.unpack_from(">H", data, at)
        content = data[at + 2 : at + length]
        at += length
        if kind == _SCAN:
            end = _MARKER.search(data, at)
            at = end.start() if end else len(data)
        kept = kind in _TABLES or any(kind == each and content.startswith(name) for each, name in _SEGMENTS)
        exif, xmp = content.startswith(b"Exif\0\0"), content.startswith(b"http://ns.adobe.com/xap")
        yield Part(start, at, "picture" if kept else "exif" if exif else "xmp" if xmp else "other")


def _jpeg(data: mmap, parts: Sequence[Part], exif: bytes) -> Iterator[bytes]:
    yield data[:2]
    if exif:
        yield b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    for part in parts:
        yield data[part.start : part.end]
    yield bytes([0xFF, _END])


# --- PNG --------------------------------------------------------------------------------------------------------------


def _png_parts(data: mmap) -> Iterator[Part]:
    at, name = 8, b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        start, at = at, at + 12 + length
        if at > len(data):
            raise _Unknown
        if name in _PNG_TEXTS and data[start + 8 : at].startswith(b"Raw profile type"):  # EXIF as text
            raise _Unknown
        text = "xmp" if name in _PNG_TEXTS else "other"
        yield Part(start, at, "picture" if name in _PNG_CHUNKS else "exif" if name == b"eXIf" else text)


def _png(data: mmap, parts: Sequence[Part], exif: bytes) -> Iterator[bytes]:
    yield data[:8]
    for number, part in enumerate(parts):
        yield data[part.start : part.end]
        if number == 0 and exif:
            chunk = b"eXIf" + exif.removeprefix(b"Exif\0\0")
            yield struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))


# --- WebP -------------------------------------------------------------------------------------------------------------


def _webp_parts(data: mmap) -> Iterator[Part]:
    at, end = 12, 8 + struct.unpack_from("<I", data, 4)[0]
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        start, at = at, at + 8 + length + length % 2
        kinds = {b"EXIF": "exif", b"XMP ": "xmp"}
        yield Part(start, at, "picture" if name in _WEBP_CHUNKS else kinds.get(name, "other"))


def _webp(data: mmap, parts: Sequence[Part], exif: bytes) -> Iterator[bytes]:
    added = b"EXIF" + struct.pack("<I", len(exif)) + exif + bytes(len(exif) % 2) if exif else b""
    yield b"RIFF" + struct.pack("<I", 4 + sum(part.end - part.start for part in parts) + len(added)) + b"WEBP"
    for part in parts:
        chunk = data[part.start : part.end]
        if chunk.startswith(b"VP8X"):
            flags = chunk[8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if exif else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        yield chunk
    yield added
