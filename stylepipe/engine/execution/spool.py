"""Spools: what a stage emits while it runs (preview frames, losses), on disk and consistent with its checkpoint.

A resumed computation repeats what it did after its last checkpoint, so a checkpoint stores the position of each spool, and the
spools are rewound to it. Damaged parts are skipped: they cost a line or a frame, never the state.
"""

import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from pydantic import ValidationError

from stylepipe.artifacts import Image
from stylepipe.engine.cache.atomic_files import cache_errors, make_room, publish, remove, write_whole
from stylepipe.engine.events import Line, ProgressLine
from stylepipe.engine.execution.animation import write_webp
from stylepipe.image.files.io import write_image
from stylepipe.stage import Progress

LOSSES = "losses.jsonl"
ANIMATION_SIDE = 1024
ANIMATION_FRAMES = 2000
FRAME_MILLISECONDS = 100
LAST_FRAME_MILLISECONDS = 2000


class Frames:
    """Preview frames as numbered PNG files; `count`, the next number, is also the spool's position."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "frames"
        make_room(self._folder, folder=True)
        self._folder.mkdir(exist_ok=True)
        self.count = 1 + max(self.numbers, default=-1)

    @property
    def position(self) -> int:
        """The position that a checkpoint stores."""
        return self.count

    @property
    def numbers(self) -> list[int]:
        """The numbers of all stored frames."""
        return _numbers(self._folder)

    def add(self, pixels: np.ndarray) -> int:
        """Stores a frame and returns its number."""
        temporary, path = self._folder / "new.png", self.path(self.count)
        with cache_errors(self._folder):
            write_image(Image(np.asarray(pixels)), temporary, compress_level=1)
            publish(temporary, path)
        self.count += 1
        return self.count - 1

    def rewind(self, position: int) -> bool:
        """Removes all frames from that number on; returns whether an earlier one is missing."""
        kept = {self.path(number).name for number in self.numbers if number < position}
        for path in self._folder.iterdir():
            if path.name not in kept:
                remove(path)
        self.count = position
        return len(kept) < position

    def path(self, number: int) -> Path:
        """Returns the file of a frame."""
        return frame_path(self._folder.parent, number)

    def assemble(self, path: Path) -> None:
        """Writes the animation as WebP: all frames at the size of the last one, at most 1024 pixels wide or high.

        Above 2000 frames, it takes every second one, or third, and so on. Unreadable frames are skipped.
        """
        files = list(map(self.path, self.numbers))
        last = next(frame for file in reversed(files) if (frame := _decoded(file)))
        factor = min(1, ANIMATION_SIDE / max(last.size))
        size = (max(1, round(last.width * factor)), max(1, round(last.height * factor)))
        every = math.ceil(len(files) / ANIMATION_FRAMES)
        write_webp(path, _resized(files[::-1][::every][::-1], size), last_milliseconds=LAST_FRAME_MILLISECONDS)


def frame_path(work: Path, number: int) -> Path:
    """Returns the file of a frame in a work folder."""
    return work / "frames" / f"{number:06}.png"


def last_frame(work: Path) -> bytes | None:
    """Returns the PNG data of the last readable frame in a work folder, if there is one.

    Read-only, and tolerates vanishing files: another process may be computing there.
    """
    with suppress(OSError):
        for number in reversed(_numbers(work / "frames")):
            with suppress(OSError):
                data = frame_path(work, number).read_bytes()
                if _decoded(BytesIO(data)):
                    return data
    return None


class Losses:
    """One line of JSON for each `Progress`: done, total, loss, terms. The spool's position is the file's length."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOSSES
        make_room(self._path)
        self._path.touch()
        self._note(self.lines())

    @property
    def position(self) -> int:
        """The position that a checkpoint stores."""
        return self._path.stat().st_size

    def add(self, progress: Progress) -> None:
        """Appends a line."""
        with cache_errors(self._path.parent), self._path.open("a") as file:
            file.write(json.dumps(progress_line(progress)) + "\n")
        self.count += 1
        self.done = progress.done

    def rewind(self, position: int) -> bool:
        """Drops what was written after that position; blanks damaged lines before it and returns whether there were any."""
        data = self._path.read_bytes()[:position]
        sound = b"".join(
            raw if _parsed(raw) or not raw.strip() else b" " * (len(raw) - 1) + b"\n" for raw in data.splitlines(keepends=True)
        )
        sound = sound.ljust(position)[: position - 1] + b"\n" if position else b""
        if sound == data:
            os.truncate(self._path, position)  # atomic: a rewrite would lose the file if the process died
        else:
            write_whole(self._path, sound)  # of the same length, so that positions stay valid
        self._note(self.lines())
        return sound != data

    def lines(self) -> list[Line]:
        """Returns all lines, as `progress_line` made them."""
        return parse_lines(self._path.read_bytes())

    def copy(self, path: Path) -> None:
        """Writes all lines to another file."""
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines()))

    def _note(self, lines: list[Line]) -> None:
        self.count = len(lines)
        self.done: int | None = lines[-1]["done"] if lines else None


# --- lines ------------------------------------------------------------------------------------------------------------


def parse_lines(data: bytes) -> list[Line]:
    """Returns the valid lines of a file that `Losses` wrote."""
    return [line for raw in data.splitlines() if (line := _parsed(raw))]


def _parsed(raw: bytes) -> Line | None:
    try:
        line = ProgressLine.model_validate_json(raw, strict=True)
    except ValidationError:
        return None
    return line.line() if line.model_fields_set == set(ProgressLine.model_fields) else None


def progress_line(progress: Progress) -> Line:
    """Returns a `Progress` as plain JSON; non-finite numbers become strings, because JSON has none."""
    terms = {name: _number(value) for name, value in (progress.terms or {}).items()}
    loss = None if progress.loss is None else _number(progress.loss)
    return {"done": progress.done, "total": progress.total, "loss": loss, "terms": terms}


def _number(value: float) -> float | str:
    value = float(value)
    return value if math.isfinite(value) else str(value)


# --- frames -----------------------------------------------------------------------------------------------------------


def _resized(files: list[Path], size: tuple[int, int]) -> Iterator[tuple[Pillow.Image, int]]:
    """Yields the readable frames, resized, with their durations in milliseconds."""
    for file in files:
        if frame := _decoded(file):
            yield (frame if frame.size == size else frame.resize(size)), FRAME_MILLISECONDS


def _numbers(folder: Path) -> list[int]:
    """Returns the numbers of all frame files in a folder."""
    names = (path.name for path in folder.iterdir() if path.is_file())
    return sorted(int(name.partition(".")[0]) for name in names if re.fullmatch(r"\d{6,}\.png", name))


def _decoded(file: Path | BytesIO) -> Pillow.Image | None:
    """Returns the picture in a file; None when it cannot be read."""
    # Pillow raises errors of many classes for damaged files.
    with suppress(Exception), Pillow.open(file, formats=["PNG"]) as frame:
        return frame.convert("RGB")
    return None
