"""A style of blue swirls: drops, spirals and ribbons of many bristles, with bands of color flowing round them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bristle import Array, Bands, Easel, beside, normals, ramp, spline
from .brush import Brush, painted
from .swirl_forms import CALM, COIL, CORE, DEEP, DROPS, GLINT, RIBBONS, SHAPE, SPIRALS, SWEEP, ULTRA, Drop, outline

BRUSHES = (
    Brush(10, 5.0, 0.9, wobble=0.05, color_jitter=0.06, curl=0.1),
    Brush(6, 6.0, 0.85, tolerance=0.05, wobble=0.04, color_jitter=0.07, curl=0.1),
    Brush(3.2, 8.0, 0.8, tolerance=0.07, wobble=0.03, color_jitter=0.07, curl=0.1),
    Brush(2.0, 8.0, 0.8, tolerance=0.10, wobble=0.03, color_jitter=0.05, curl=0.1),
)
MARGIN = 90
"""How far beyond the edges the flow is known, in pixels."""


def paint(scale: float = 1.0, seed: int = 11) -> Array:
    """The picture (h, w, 3), 0 … 1: bands laid from the broadest to the finest, then gone over with a small brush."""
    rng = np.random.default_rng(seed)
    shape = (round(SHAPE[0] * scale), round(SHAPE[1] * scale))
    easel = Easel.of(shape, ULTRA, scale)
    coils = [spiral.spine() for spiral in SPIRALS]
    flow = Flow.along([spline(form.points, 60) for form in (*RIBBONS, *DROPS)] + coils)
    for width, count, bands in ((80, 130, DEEP), (52, 60, SWEEP), (34, 60, CALM)):
        for line in flow.streams(count, 8 * width, rng):
            lay_band(easel, line, width, bands, rng)
    for ribbon in RIBBONS:
        lay_band(easel, spline(ribbon.points, 120), ribbon.width, ribbon.bands, rng, taper=0.25)
    for width, count, bands in ((22, 50, SWEEP), (12, 60, CALM), (5, 90, GLINT)):
        for line in flow.streams(count, 14 * width + 60, rng):
            lay_band(easel, line, width, bands, rng)
    growth = np.interp(np.linspace(0, 1, 160), [0, 0.5, 1], [0.35, 1, 0.1])
    for spiral, coil in zip(SPIRALS, coils, strict=True):
        lay_band(easel, coil, 1.9 * spiral.width * growth, DEEP, rng, taper=0.0)
        lay_band(easel, coil, 1.15 * spiral.width * growth, COIL, rng, taper=0.0)
    for drop in DROPS:
        lay_drop(easel, drop, rng)
    return painted(easel.picture(0.6), np.zeros(shape, np.int32), BRUSHES, rng, scale=scale, impasto=0.3, detail=0.7)


def lay_band(
    easel: Easel, line: Array, width: float | Array, bands: Bands, rng: np.random.Generator, *, taper: float = 1.0
) -> None:
    """A band of bristles along a line, its colors running across it; `taper` 1 draws it to a point at both ends."""
    count = max(3, int(np.max(width) / 1.4))
    at = rng.permutation(np.linspace(0, 1, count))
    profile = width * (1 - taper + taper * np.sin(np.linspace(0, np.pi, len(line))).clip(0) ** 0.6)
    colors = ramp(bands, np.clip(at + rng.normal(0, 0.02, count), 0, 1))
    easel.pull(beside(line, (at[:, None] - 0.5) * profile), colors, 2.2, rng)


def lay_drop(easel: Easel, drop: Drop, rng: np.random.Generator) -> None:
    """Nested loops of bristles round the head and down both sides of the tail: a halo outside, a bright heart within."""
    count = 60
    spine, t = spline(drop.points, count), np.linspace(0, 1, count)
    radius = drop.radius * (1 - t) ** 1.3
    squeeze = rng.uniform(0.75, 1.3)
    for offset in np.arange(drop.halo, 0, -1.3):
        color = ramp(drop.halo_bands, np.array([(1 - offset / drop.halo) ** squeeze]))
        loop = outline(spine, radius + offset * (1 - t) ** 0.8)
        easel.pull(loop[None], color, 2.6, rng, jitter=0.08, pieces=7)
    lay_band(easel, spine, 2 * radius, CORE, rng, taper=0.0)
    for share in np.arange(1.0, 0.02, -1.2 / drop.radius):
        inner = max(6, int(count * share**0.7))
        closing = np.sqrt(1 - np.linspace(0, 1, inner) ** 3)
        loop = outline(spine[:inner], share * radius[:inner] * closing)
        color = ramp(drop.heart_bands, np.array([share**squeeze]))
        easel.pull(loop[None], color, 2.8, rng, jitter=0.06, pieces=7)
    easel.pull(spine[None, :8], ramp(drop.heart_bands, np.zeros(1)), 4, rng)


@dataclass(frozen=True)
class Flow:
    """Directions that follow the nearest lines, as the cosine and sine of the doubled angle, on a grid `pitch` apart."""

    doubled: Array
    pitch: float

    @classmethod
    def along(cls, lines: Sequence[Array], pitch: float = 12.0) -> "Flow":
        """The flow around lines: the mean of their directions, weighted by the inverse cube of the distance."""
        y, x = np.mgrid[-MARGIN : SHAPE[0] + MARGIN : pitch, -MARGIN : SHAPE[1] + MARGIN : pitch]
        total = np.zeros((*x.shape, 2))
        for line in lines:
            normal = normals(line)
            angle = 2 * (np.arctan2(normal[:, 1], normal[:, 0]) - np.pi / 2)
            for (px, py), a in zip(line[::3], angle[::3], strict=True):
                weight = ((x - px) ** 2 + (y - py) ** 2 + 100) ** -1.5
                total += weight[..., None] * np.array([np.cos(a), np.sin(a)])
        return cls(total / np.linalg.norm(total, axis=-1, keepdims=True), pitch)

    def streams(self, count: int, length: float, rng: np.random.Generator, step: float = 6.0) -> list[Array]:
        """Lines of about a length that follow the flow from places at random."""
        position = rng.uniform(-MARGIN, (SHAPE[1] + MARGIN, SHAPE[0] + MARGIN), (count, 2))
        heading = np.zeros((count, 2))
        trail = [position]
        for _ in range(max(8, int(length / step))):
            column, row = ((position + MARGIN) / self.pitch).astype(int).T
            column, row = column.clip(0, self.doubled.shape[1] - 1), row.clip(0, self.doubled.shape[0] - 1)
            angle = 0.5 * np.arctan2(self.doubled[row, column, 1], self.doubled[row, column, 0])
            ahead = np.stack([np.cos(angle), np.sin(angle)], 1)
            ahead *= np.where((ahead * heading).sum(1) < 0, -1, 1)[:, None]
            heading = 0.6 * heading + 0.4 * ahead
            heading /= np.linalg.norm(heading, axis=1, keepdims=True)
            position = position + step * heading
            trail.append(position)
        return list(np.stack(trail, 1))
