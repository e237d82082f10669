"""Long strokes of a loaded brush: bundles of bristles drawn along a line, each of its own shade and thickness of paint."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from .picture import Array, blurred, halved

Bands = Sequence[tuple[float, Array]]
"""Colors, RGB 0 … 1, at places 0 … 1."""
FINENESS = 2
"""Bristles are drawn this many times finer than the picture, which smooths their edges."""


@dataclass(frozen=True)
class Easel:
    """A canvas of paint and its thickness, drawn at twice the size of the picture."""

    paint: Image.Image
    thickness: Image.Image
    scale: float

    @classmethod
    def of(cls, shape: tuple[int, int], ground: Array, scale: float) -> "Easel":
        """A canvas of `shape` (height, width) pixels in one color; strokes are given in pixels divided by `scale`."""
        size = (shape[1] * FINENESS, shape[0] * FINENESS)
        return cls(Image.new("RGB", size, _rgb(ground)), Image.new("L", size, 60), scale * FINENESS)

    def pull(
        self, lines: Array, colors: Array, width: float, rng: np.random.Generator, *, jitter: float = 0.05, pieces: int = 3
    ) -> None:
        """Draws bristles along lines (m, n, 2) in colors (m, 3); each changes shade a little in `pieces` places."""
        pen, relief = ImageDraw.Draw(self.paint), ImageDraw.Draw(self.thickness)
        thick = max(1, round(width * self.scale))
        for line, color in zip(lines * self.scale, colors, strict=True):
            height = int(rng.uniform(70, 250))
            cuts = np.linspace(0, len(line), pieces + 1).astype(int)
            cuts[1:-1] += rng.integers(-2, 3, pieces - 1)
            tone = rng.normal(0, jitter)
            for start, stop in pairwise(cuts):
                part = [tuple(point) for point in line[max(start - 1, 0) : stop].tolist()]
                if len(part) < 2:
                    continue
                shade = color * (1 + tone + rng.normal(0, 0.4 * jitter)) + rng.normal(0, 0.25 * jitter, 3)
                pen.line(part, fill=_rgb(shade), width=thick, joint="curve")
                relief.line(part, fill=height, width=thick)

    def picture(self, relief: float) -> Array:
        """The picture (h, w, 3), 0 … 1, with light from the top left on the ridges of the paint."""
        color = halved(np.asarray(self.paint, np.float32) / 255)
        dy, dx = np.gradient(blurred(halved(np.asarray(self.thickness, np.float32) / 255), 1))
        shine = relief * np.clip(dx + dy, -0.25, 0.25)[..., None]
        return np.clip(color * (1 + shine) + 0.25 * np.maximum(shine, 0), 0, 1)


def _rgb(color: Array) -> tuple[int, ...]:
    return tuple(int(value) for value in np.clip(np.asarray(color) * 255 + 0.5, 0, 255))


def ramp(stops: Bands, at: Array) -> Array:
    """Colors (n, 3) at places 0 … 1 between stops."""
    places = [place for place, _ in stops]
    colors = np.stack([color for _, color in stops])
    return np.stack([np.interp(at, places, colors[:, channel]) for channel in range(3)], -1)


def spline(points: Sequence[Sequence[float]], count: int) -> Array:
    """A smooth line (count, 2), evenly spaced, through points: Catmull–Rom."""
    control = np.asarray(points, float)
    padded = np.concatenate([2 * control[:1] - control[1:2], control, 2 * control[-1:] - control[-2:-1]])
    at = np.linspace(0, len(control) - 1, 12 * len(control))
    i = np.minimum(at.astype(int), len(control) - 2)
    f = (at - i)[:, None]
    p0, p1, p2, p3 = (padded[i + k] for k in range(4))
    line = 0.5 * (2 * p1 + (p2 - p0) * f + (2 * p0 - 5 * p1 + 4 * p2 - p3) * f**2 + (3 * p1 - p0 - 3 * p2 + p3) * f**3)
    return evenly(line, count)


def evenly(line: Array, count: int) -> Array:
    """The same line with points at equal distances."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, line[:, axis]) for axis in (0, 1)], -1)


def normals(line: Array) -> Array:
    """Unit vectors (n, 2) to the left of a line."""
    ahead = np.gradient(line, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    return np.stack([-ahead[:, 1], ahead[:, 0]], -1)


def beside(line: Array, offsets: Array) -> Array:
    """Lines (m, n, 2) beside a line (n, 2), at offsets (m, n)."""
    return line + offsets[..., None] * normals(line)
