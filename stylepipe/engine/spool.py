"""What a stage emits while it runs, kept on disk until it ends: preview frames and losses, in step with its checkpoint.

A computation that goes on from a checkpoint repeats what it did after saving it; so a checkpoint remembers how many items each
spool held, and the spools are rewound to that.
"""

import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from stylepipe.artifacts import Image
from stylepipe.engine.events import Line
from stylepipe.engine.files import cache_errors, publish
from stylepipe.image.io import write_image
from stylepipe.stage import Progress

ANIMATION_SIDE = 1024
FRAME_MILLISECONDS = 100
LAST_FRAME_MILLISECONDS = 2000


class Frames:
    """Preview frames, as numbered PNG files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "frames"
        self._folder.mkdir(exist_ok=True)
        self.count = len(list(self._folder.glob("[0-9]*.png")))

    def add(self, pixels: np.ndarray) -> None:
        """Keeps one more frame."""
        temporary = self._folder / "new.png"
        with cache_errors(self._folder):
            write_image(Image(np.asarray(pixels)), temporary, compress_level=1)
            publish(temporary, self._path(self.count))
        self.count += 1

    def rewind(self, count: int) -> None:
        """Forgets all frames but the first `count`."""
        for path in self._folder.iterdir():
            if path.name >= self._path(count).name:
                path.unlink()
        self.count = count

    def last(self) -> bytes | None:
        """The PNG file of the last frame, if there is one."""
        return self._path(self.count - 1).read_bytes() if self.count else None

    def assemble(self, path: Path) -> None:
        """Writes the animation as WebP: all frames at the size of the last one, at most 1024 pixels wide or high."""
        with Pillow.open(self._path(self.count - 1)) as last:
            factor = min(1, ANIMATION_SIDE / max(last.size))
            size = (max(1, round(last.width * factor)), max(1, round(last.height * factor)))
        first, *others = (self._frame(index, size) for index in range(self.count))
        durations = [FRAME_MILLISECONDS] * (self.count - 1) + [LAST_FRAME_MILLISECONDS]
        first.save(path, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=85, method=2)

    def _frame(self, index: int, size: tuple[int, int]) -> Pillow.Image:
        with Pillow.open(self._path(index)) as frame:
            return frame.copy() if frame.size == size else frame.resize(size)

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:06}.png"


class Losses:
    """One line of JSON for each `Progress`: done, total, loss, terms."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "losses.jsonl"
        self._path.touch()
        self.count = self._path.read_bytes().count(b"\n")
        self.done: int | None = None

    def add(self, progress: Progress) -> None:
        """Keeps one more line."""
        with cache_errors(self._path.parent), self._path.open("a") as file:
            file.write(json.dumps(progress_line(progress)) + "\n")
        self.count += 1
        self.done = progress.done

    def rewind(self, count: int) -> None:
        """Forgets all lines but the first `count`."""
        lines = self._path.read_bytes().splitlines(keepends=True)
        os.truncate(self._path, sum(map(len, lines[:count])))  # at once: written anew, they would be lost if it died meanwhile
        self.count = count
        self.done = json.loads(lines[count - 1])["done"] if count else None

    def lines(self) -> list[Line]:
        """All lines, as `progress_line` made them."""
        return parse_lines(self._path.read_bytes())

    def copy(self, path: Path) -> None:
        """Writes all lines to another file."""
        shutil.copyfile(self._path, path)


Spool = Frames | Losses


def parse_lines(data: bytes) -> list[Line]:
    """The lines of a file that `Losses` wrote."""
    return [json.loads(line) for line in data.splitlines()]


def progress_line(progress: Progress) -> Line:
    """A `Progress` as plain JSON; what is not finite becomes text, for which JSON has no number."""
    terms = {name: _number(value) for name, value in (progress.terms or {}).items()}
    loss = None if progress.loss is None else _number(progress.loss)
    return {"done": progress.done, "total": progress.total, "loss": loss, "terms": terms}


def _number(value: float) -> float | str:
    value = float(value)
    return value if math.isfinite(value) else str(value)
