"""A texture of wet pebbles, which continues over its edges: something to grow more of."""

import numpy as np

from .brush import Brush, painted
from .noise import Array, sample, sheet
from .picture import graded

SIZE = 512
STONES = (
    (0.30, 0.29, 0.27),
    (0.42, 0.40, 0.37),
    (0.20, 0.22, 0.25),
    (0.45, 0.36, 0.26),
    (0.33, 0.19, 0.13),
    (0.60, 0.57, 0.51),
    (0.25, 0.30, 0.28),
    (0.16, 0.15, 0.15),
    (0.38, 0.30, 0.27),
)
LIGHT = np.array([-0.523, -0.482, 0.703], np.float32)
"""The unit vector to the light: x to the right, y down, z toward the viewer."""
BRUSHES = (
    Brush(9, 2.6, 0.85, color_jitter=0.05),
    Brush(4, 3.0, 0.85, tolerance=0.06, color_jitter=0.04),
    Brush(2.2, 3.0, 0.8, tolerance=0.09),
)


def paint(scale: float = 1.0, seed: int = 41) -> Array:
    """The picture (h, w, 3), 0 … 1."""
    rng = np.random.default_rng(seed)
    size = round(SIZE * scale)
    height, stone, tints = heap(rng, size, scale)
    grain, bands = sheet(rng, 512, low=4, slope=0.8), sheet(rng, 256, low=2, high=12, slope=1.0)
    y, x = (np.indices((size, size), np.float32) + 0.5) / size
    turn = rng.uniform(0, np.pi, len(tints))[stone]
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    banded = (rng.random(len(tints)) < 0.35)[stone]
    veined = (rng.random(len(tints)) < 0.2)[stone]
    vein = veined * np.clip(2.2 - 26 * np.abs(sample(bands, along * 1.5 + turn, across * 0.7 + 0.1 * turn)), 0, 1)
    shade = 1 + 0.16 * sample(grain, x, y) + 0.22 * banded * np.sin(70 * across + 2.5 * sample(bands, x, y))
    albedo = tints[stone] * shade[..., None]
    albedo = albedo + 0.8 * vein[..., None] * (np.array([0.75, 0.72, 0.66]) - albedo)
    color = albedo * lit(height, scale)[..., None] * [1.04, 1.0, 0.95] + gleam(height)[..., None] * [0.85, 0.93, 1.0]
    target = graded(np.clip(color, 0, 1.4) ** (1 / 1.7), contrast=0.35, saturation=1.25, shadows=(-0.01, 0, 0.02))
    edge = size // 4
    around = np.pad(target, ((edge, edge), (edge, edge), (0, 0)), mode="wrap")
    whole = painted(around, np.pad(stone, edge, mode="wrap"), BRUSHES, rng, scale=scale, impasto=0.15, detail=0.6)
    return whole[edge : edge + size, edge : edge + size]


def heap(rng: np.random.Generator, size: int, scale: float) -> tuple[Array, Array, Array]:
    """Stones thrown down, large ones first: height in pixels (size, size), the stone on top, and each stone's color."""
    height = np.zeros((size, size), np.float32) - 6 * scale
    top = np.zeros((size, size), np.int32)
    placed: list[tuple[float, float, float]] = []
    tints = [np.array([0.10, 0.09, 0.08])]
    for radius, tries in ((44, 40), (34, 90), (27, 200), (18, 500), (11, 1200), (6.5, 2500)):
        for _ in range(tries):
            x, y, r = rng.uniform(0, SIZE), rng.uniform(0, SIZE), radius * rng.uniform(0.8, 1.2)
            if all(_apart(x, y, px, py) > 0.86 * (r + pr) for px, py, pr in placed):
                placed.append((x, y, r))
                tints.append(np.asarray(STONES[rng.integers(len(STONES))]) * rng.uniform(0.75, 1.2))
                _lay(height, top, len(placed), np.array([x, y, r]) * scale, rng)
    return height, top, np.stack(tints)


def _apart(x: float, y: float, px: float, py: float) -> float:
    dx, dy = abs(x - px), abs(y - py)
    return float(np.hypot(min(dx, SIZE - dx), min(dy, SIZE - dy)))


def _lay(height: Array, top: Array, name: int, place: Array, rng: np.random.Generator) -> None:
    """Adds one rounded, slightly lopsided stone wherever it is the highest; edges wrap round."""
    x, y, r = place
    reach = int(1.5 * r) + 2
    rows, columns = np.arange(int(y) - reach, int(y) + reach + 1), np.arange(int(x) - reach, int(x) + reach + 1)
    dy, dx = np.meshgrid(rows + 0.5 - y, columns + 0.5 - x, indexing="ij")
    turn, squash = rng.uniform(0, np.pi), rng.uniform(0.68, 0.98)
    u, v = (np.cos(turn) * dx + np.sin(turn) * dy) / r, (np.cos(turn) * dy - np.sin(turn) * dx) / (r * squash)
    angle = np.arctan2(v, u)
    outline = 1.08 + sum(rng.normal(0, 0.05) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
    power = rng.uniform(2.1, 2.9)
    inside = 1 - (np.abs(u / outline) ** power + np.abs(v / outline) ** power)
    dome = np.sqrt(np.maximum(inside, 0)) * r * rng.uniform(0.5, 0.7) + rng.uniform(0, 0.12) * r
    window = np.ix_(rows % height.shape[0], columns % height.shape[1])
    higher = (inside > 0) & (dome > height[window])
    height[window] = np.where(higher, dome, height[window])
    top[window] = np.where(higher, name, top[window])


def _normal(height: Array) -> Array:
    dx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / 2
    dy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / 2
    normal = np.stack([-dx, -dy, np.ones_like(dx)], -1)
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def lit(height: Array, scale: float) -> Array:
    """Light from the top left with cast shadows, and open sky: less of it between the stones."""
    direct = np.maximum(_normal(height) @ LIGHT, 0)
    shadow = np.ones_like(height)
    for step in range(1, int(26 * scale) + 1):
        shift = np.roll(height, (round(-step * LIGHT[1] / 0.7), round(-step * LIGHT[0] / 0.7)), (0, 1))
        shadow = np.minimum(shadow, 1 - np.clip((shift - height - step) / 2, 0, 1))
    openness = np.ones_like(height)
    for radius in (3, 7, 14):
        reach = max(1, round(radius * scale))
        circle = [(round(reach * np.sin(a)), round(reach * np.cos(a))) for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)]
        around = sum(np.roll(height, shift, (0, 1)) for shift in circle) / len(circle)
        openness *= np.clip(1 - 0.045 * np.maximum(around - height, 0) / scale, 0.35, 1)
    return 0.10 + 0.50 * openness**2 + 1.25 * direct * shadow * openness


def gleam(height: Array) -> Array:
    """The wet shine."""
    half = LIGHT + np.array([0, 0, 1])
    return 0.55 * np.maximum(_normal(height) @ (half / np.linalg.norm(half)), 0) ** 60
