"""Painting over an underpainting with many dabs of a bristle brush, large ones first, small ones where detail is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .noise import sheet
from .picture import LUMA, Array, blurred

SPACING = 0.62
"""The distance in pixels between the points of a dab: close enough to leave no holes."""
ROUNDS = 24
"""Dabs of a layer are laid in at least so many rounds; of two that touch in one round the later wins."""


@dataclass(frozen=True)
class Brush:
    """One layer of dabs.

    Their width in pixels and length over width; how freely they turn (`wobble`, radians), bend (`curl`) and change color;
    how far from the target the canvas must be to be painted again (`tolerance`, summed over RGB; 0: everywhere); how
    many there are (`density`).
    """

    width: float
    length: float = 3.5
    opacity: float = 0.9
    tolerance: float = 0.0
    wobble: float = 0.15
    color_jitter: float = 0.03
    curl: float = 0.25
    density: float = 1.0


OILS = (
    Brush(36, 3.0, 0.95, wobble=0.25),
    Brush(18, 3.2, 0.92, tolerance=0.06),
    Brush(9, 3.5, 0.9, tolerance=0.07),
    Brush(4.5, 4.0, 0.88, tolerance=0.08, curl=0.15),
    Brush(2.4, 4.5, 0.85, tolerance=0.10, curl=0.1, color_jitter=0.02),
)
"""Brushes for a picture with detail."""


def painted(
    target: Array,
    labels: Array,
    brushes: Sequence[Brush],
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    angle: Array | None = None,
    trust: float = 0.55,
    impasto: float = 0.1,
    detail: float = 0.0,
) -> Array:
    """The target (h, w, 3), 0 … 1, as a painting, (h, w, 3).

    No dab crosses the borders of `labels` (h, w). Dabs follow the target's own lines where these are clearer than `trust`
    (0 … 1), elsewhere `angle` (h, w), radians, where it is a number. `impasto` is the light on the ridges of the paint,
    `detail` the share of the target's finest detail drawn in at the end, and whether edges of labels are restated.
    """
    canvas = np.concatenate([blurred(target, 6 * scale), np.zeros((*labels.shape, 1), np.float32)], -1)
    if angle is None:
        angle = np.full(labels.shape, np.nan, np.float32)
    for brush in brushes:
        scaled = replace(brush, width=max(1.6, brush.width * scale))
        layer = planned(canvas, target, angle, scaled, rng, trust=trust)
        lay(canvas, labels, layer, scaled, rng)
    result = relit(canvas, impasto)
    return restated(result, target, labels, detail) if detail else result


@dataclass(frozen=True)
class Dabs:
    """Places (n, 2) as x, y in pixels, angles (n,) in radians, colors (n, 3)."""

    places: Array
    angles: Array
    colors: Array


def planned(canvas: Array, target: Array, angle: Array, brush: Brush, rng: np.random.Generator, *, trust: float) -> Dabs:
    """The dabs of a layer: on a jittered grid, wherever the canvas is not yet like the target."""
    height, width = angle.shape
    reference = blurred(target, brush.width / 3)
    line, clear = flow(target, max(2.0, 0.7 * brush.width))
    pitch = 0.8 * brush.width / brush.density**0.5
    x, y = np.meshgrid(np.arange(0, width, pitch), np.arange(0, height, pitch))
    places = (np.stack([x.ravel(), y.ravel()], -1) + rng.uniform(0, pitch, (x.size, 2))).astype(np.float32)
    places = places[(places < [width, height]).all(1)]
    column, row = places.astype(np.int32).T
    if brush.tolerance > 0:
        error = blurred(np.abs(canvas[..., :3] - reference).sum(-1), brush.width / 4)
        wrong = error[row, column] > brush.tolerance
        places, row, column = places[wrong], row[wrong], column[wrong]
    own = np.where(np.isfinite(angle) & (clear < trust), angle, line)[row, column]
    count = len(places)
    jitter = rng.normal(0, brush.color_jitter, (count, 1)) + rng.normal(0, 0.5 * brush.color_jitter, (count, 3))
    colors = np.clip(reference[row, column] * (1 + jitter), 0, 1).astype(np.float32)
    return Dabs(places, (own + rng.normal(0, brush.wobble, count)).astype(np.float32), colors)


def flow(image: Array, radius: float) -> tuple[Array, Array]:
    """Along which angle (h, w), in radians, the picture changes least within `radius` pixels, and how clearly, 0 … 1.

    The minor axis of the structure tensor of the luma.
    """
    dy, dx = np.gradient(blurred(image @ LUMA, radius / 3))
    xx, xy, yy = (blurred(product, radius) for product in (dx * dx, dx * dy, dy * dy))
    return 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2, np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-7)


def lay(canvas: Array, labels: Array, layer: Dabs, brush: Brush, rng: np.random.Generator) -> None:
    """Lays dabs on a canvas (h, w, 4: color and thickness of paint), each only on pixels of the label at its center."""
    height, width = labels.shape
    long = brush.width * brush.length
    along, across = max(3, round(long / SPACING)), max(3, round(brush.width / SPACING))
    marks = footprints(rng, along, across)
    u = np.linspace(-0.5, 0.5, along, dtype=np.float32)[:, None] * long
    v = np.linspace(-0.5, 0.5, across, dtype=np.float32)[None] * brush.width
    order = rng.permutation(len(layer.places))
    step = max(1, min(len(order) // ROUNDS + 1, (1 << 20) // (along * across)))
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        count = len(chosen)
        bend = rng.normal(0, 2 * brush.curl / long, (count, 1, 1)).astype(np.float32)
        du = u * rng.uniform(0.65, 1.15, (count, 1, 1)).astype(np.float32)
        dv = v + bend * du * du
        cos, sin = np.cos(layer.angles[chosen])[:, None, None], np.sin(layer.angles[chosen])[:, None, None]
        center = layer.places[chosen][:, :, None, None]
        x = np.rint(center[:, 0] + du * cos - dv * sin).astype(np.int32)
        y = np.rint(center[:, 1] + du * sin + dv * cos).astype(np.int32)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        x, y = x.clip(0, width - 1), y.clip(0, height - 1)
        inside &= labels[y, x] == labels[center[:, 1].astype(np.int32), center[:, 0].astype(np.int32)]
        alpha = (marks[rng.integers(len(marks), size=count)] * brush.opacity)[inside][:, None]
        paint = np.concatenate([layer.colors[chosen][np.nonzero(inside)[0]], alpha], 1)
        x, y = x[inside], y[inside]
        canvas[y, x] += (paint - canvas[y, x]) * alpha


def footprints(rng: np.random.Generator, along: int, across: int, count: int = 12) -> Array:
    """Marks of a bristle brush, (count, along, across) of 0 … 1: streaks lengthwise, a round start, a ragged end."""
    bristles = sheet(rng, 256, low=2, slope=0.5)
    u, v = np.linspace(-1, 1, along)[:, None], np.linspace(-1, 1, across)[None]
    marks = []
    for _ in range(count):
        row, column = rng.integers(256, size=2)
        hair = bristles[(row + np.arange(across) * max(1, 40 // across)) % 256, column]
        dry = bristles[(row + np.arange(along) // 3) % 256][:, (column + np.arange(across)) % 256]
        outline = (1 - np.abs(u + 0.10 * hair * (u > 0)) ** 5) * (1 - np.abs(v) ** 4)
        marks.append(np.clip(1.6 * outline, 0, 1) * np.clip(0.86 + 0.20 * hair + 0.10 * dry * (u > 0), 0, 1))
    return np.stack(marks).astype(np.float32)


def relit(canvas: Array, strength: float) -> Array:
    """The canvas's colors with light from the top left on the ridges of the paint."""
    thickness = 0.5 * (blurred(canvas[..., 3], 1) + canvas[..., 3])
    dy, dx = np.gradient(thickness)
    ridges = np.expand_dims(np.clip(dx + dy, -0.4, 0.4), -1)
    return np.clip(canvas[..., :3] * (1 + strength * ridges), 0, 1)


def restated(painting: Array, target: Array, labels: Array, amount: float) -> Array:
    """Crisp edges: the target itself along the borders of labels, and a share of its finest detail everywhere."""
    border = np.zeros((*labels.shape, 1), np.float32)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    for side, change in ((border[:, 1:], across), (border[:, :-1], across), (border[1:], down), (border[:-1], down)):
        side[change] = 0.85
    mixed = painting + amount * (target - blurred(target, 1.5))
    return np.clip(mixed + border * (target - mixed), 0, 1)
