"""What a stage emits while it runs, kept on disk until it ends: preview frames and losses, in step with its checkpoint.

A computation that goes on from a checkpoint repeats what it did after saving it; so a checkpoint remembers the position of each
spool, and the spools are rewound to that. What is damaged in them is left out: it costs a line or a frame, never the state.
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
    """Preview frames, as numbered PNG files; `count` is the number of the next one, which is also the spool's position."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "frames"
        make_room(self._folder, folder=True)
        self._folder.mkdir(exist_ok=True)
        self.count = 1 + max(self.numbers, default=-1)

    @property
    def position(self) -> int:
        """Where a checkpoint may rewind to."""
        return self.count

    @property
    def numbers(self) -> list[int]:
        """The numbers of all frames that are files."""
        return _numbers(self._folder)

    def add(self, pixels: np.ndarray) -> int:
        """Keeps one more frame; its number."""
        temporary, path = self._folder / "new.png", self.path(self.count)
        with cache_errors(self._folder):
            write_image(Image(np.asarray(pixels)), temporary, compress_level=1)
            publish(temporary, path)
        self.count += 1
        return self.count - 1

    def rewind(self, position: int) -> bool:
        """Forgets all frames from that number on; whether one before it is missing."""
        kept = {self.path(number).name for number in self.numbers if number < position}
        for path in self._folder.iterdir():
            if path.name not in kept:
                remove(path)
        self.count = position
        return len(kept) < position

    def path(self, number: int) -> Path:
        """The file of a frame."""
        return frame_path(self._folder.parent, number)

    def assemble(self, path: Path) -> None:
        """Writes the animation as WebP: all frames at the size of the last one, at most 1024 pixels wide or high.

        Of more than 2000 frames, it takes every second one, or third, and so on. Those that cannot be read are left out.
        """
        files = list(map(self.path, self.numbers))
        last = next(frame for file in reversed(files) if (frame := _decoded(file)))
        factor = min(1, ANIMATION_SIDE / max(last.size))
        size = (max(1, round(last.width * factor)), max(1, round(last.height * factor)))
        every = math.ceil(len(files) / ANIMATION_FRAMES)
        write_webp(path, _resized(files[::-1][::every][::-1], size), last_milliseconds=LAST_FRAME_MILLISECONDS)


def frame_path(work: Path, number: int) -> Path:
    """The file of a frame in a work folder."""
    return work / "frames" / f"{number:06}.png"


def last_frame(work: Path) -> bytes | None:
    """The PNG file of the last frame in a work folder that can be read, if there is one.

    Nothing is changed there, and all may vanish meanwhile: another process may be computing in it.
    """
    with suppress(OSError):
        for number in reversed(_numbers(work / "frames")):
            with suppress(OSError):
                data = frame_path(work, number).read_bytes()
                if _decoded(BytesIO(data)):
                    return data
    return None


class Losses:
    """One line of JSON for each `Progress`: done, total, loss, terms. The spool's position is the length of the file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOSSES
        make_room(self._path)
        self._path.touch()
        self._note(self.lines())

    @property
    def position(self) -> int:
        """Where a checkpoint may rewind to."""
        return self._path.stat().st_size

    def add(self, progress: Progress) -> None:
        """Keeps one more line."""
        with cache_errors(self._path.parent), self._path.open("a") as file:
            file.write(json.dumps(progress_line(progress)) + "\n")
        self.count += 1
        self.done = progress.done

    def rewind(self, position: int) -> bool:
        """Forgets what was written since that position; whether something before it is damaged, which is blanked."""
        data = self._path.read_bytes()[:position]
        sound = b"".join(
            raw if _parsed(raw) or not raw.strip() else b" " * (len(raw) - 1) + b"\n" for raw in data.splitlines(keepends=True)
        )
        sound = sound.ljust(position)[: position - 1] + b"\n" if position else b""
        if sound == data:
            os.truncate(self._path, position)  # at once: written anew, it would be lost if the process died meanwhile
        else:
            write_whole(self._path, sound)  # of the same length, so that positions stay what they are
        self._note(self.lines())
        return sound != data

    def lines(self) -> list[Line]:
        """All lines, as `progress_line` made them."""
        return parse_lines(self._path.read_bytes())

    def copy(self, path: Path) -> None:
        """Writes all lines to another file."""
        path.write_text("".join(json.dumps(line) + "\n" for line in self.lines()))

    def _note(self, lines: list[Line]) -> None:
        self.count = len(lines)
        self.done: int | None = lines[-1]["done"] if lines else None


# --- lines ------------------------------------------------------------------------------------------------------------


def parse_lines(data: bytes) -> list[Line]:
    """The lines of a file that `Losses` wrote; what is none is left out."""
    return [line for raw in data.splitlines() if (line := _parsed(raw))]


def _parsed(raw: bytes) -> Line | None:
    try:
        line = ProgressLine.model_validate_json(raw, strict=True)
    except ValidationError:
        return None
    return line.line() if line.model_fields_set == set(ProgressLine.model_fields) else None


def progress_line(progress: Progress) -> Line:
    """A `Progress` as plain JSON; what is not finite becomes text, for which JSON has no number."""
    terms = {name: _number(value) for name, value in (progress.terms or {}).items()}
    loss = None if progress.loss is None else _number(progress.loss)
    return {"done": progress.done, "total": progress.total, "loss": loss, "terms": terms}


def _number(value: float) -> float | str:
    value = float(value)
    return value if math.isfinite(value) else str(value)


# --- frames -----------------------------------------------------------------------------------------------------------


def _resized(files: list[Path], size: tuple[int, int]) -> Iterator[tuple[Pillow.Image, int]]:
    """The frames that can be read, each of that size, and for how many milliseconds it is shown."""
    for file in files:
        if frame := _decoded(file):
            yield (frame if frame.size == size else frame.resize(size)), FRAME_MILLISECONDS


def _numbers(folder: Path) -> list[int]:
    """The numbers of all frames in a folder that are files."""
    names = (path.name for path in folder.iterdir() if path.is_file())
    return sorted(int(name.partition(".")[0]) for name in names if re.fullmatch(r"\d{6,}\.png", name))


def _decoded(file: Path | BytesIO) -> Pillow.Image | None:
    """The picture in a file; None when it cannot be read."""
    # What Pillow raises for damaged files is not of one kind.
    with suppress(Exception), Pillow.open(file, formats=["PNG"]) as frame:
        return frame.convert("RGB")
    return None
