"""Writers of animations that process one frame at a time: memory does not grow with the number of frames."""

import io
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import GifImagePlugin
from PIL import Image as Pillow

Timed = tuple[Pillow.Image, int]
"""A frame in RGB, and its duration in milliseconds."""


def write_webp(path: Path, frames: Iterable[Timed], *, last_milliseconds: int) -> None:
    """Writes frames of one size as an endlessly looping animation; the last frame has a duration of its own.

    Pillow's writer needs a list of all frames. Here each frame is encoded alone and appended to the container (WebP Container
    Specification, developers.google.com/speed/webp/docs/riff_container).
    """
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        timing = 0
        for number, (frame, milliseconds) in enumerate(frames):
            width, height = (_uint24(side - 1) for side in frame.size)
            if number == 0:
                _chunk(file, b"VP8X", b"\x02\0\0\0" + width + height)
                _chunk(file, b"ANIM", b"\xff\xff\xff\xff\0\0")
            timing = file.tell() + 8 + 12
            head = bytes(6) + width + height + _uint24(milliseconds) + b"\x02"  # overwrites the previous frame without blending
            _chunk(file, b"ANMF", head + _encoded(frame))
        file.seek(timing)
        file.write(_uint24(last_milliseconds))
        size = file.seek(0, io.SEEK_END)
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def read_webp(path: Path) -> Iterator[Timed]:
    """Yields the frames of an animation."""
    with Pillow.open(path, formats=["WEBP"]) as file:
        for number in range(getattr(file, "n_frames", 1)):
            file.seek(number)
            file.load()
            yield file.convert("RGB"), int(file.info["duration"])


def write_gif(path: Path, frames: Iterable[Timed]) -> None:
    """Writes frames of one size as an endlessly looping GIF, each with its own 256 colors (GIF89a specification).

    Pillow's writer keeps all frames in memory until the last.
    """
    with path.open("wb") as file:
        for number, (frame, milliseconds) in enumerate(frames):
            if number == 0:
                file.write(b"GIF89a" + struct.pack("<HHBBB", *frame.size, 0, 0, 0))
                file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
            reduced = frame.quantize(256)
            file.writelines(GifImagePlugin.getdata(reduced, duration=milliseconds, include_color_table=True))
        file.write(b";")


def _encoded(frame: Pillow.Image) -> bytes:
    """Returns the chunk of a WebP file that holds the pixels."""
    buffer = io.BytesIO()
    frame.save(buffer, "WEBP", quality=85, method=2)
    data, at = buffer.getvalue(), 12
    while data[at : at + 4] != b"VP8 ":
        at += 8 + _even(struct.unpack_from("<I", data, at + 4)[0])
    return data[at : at + 8 + _even(struct.unpack_from("<I", data, at + 4)[0])]


def _chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.write(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2))


def _uint24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _even(size: int) -> int:
    return size + size % 2
