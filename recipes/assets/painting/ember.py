"""A style of embers: a field at sunset in short, thick dabs of ochre, vermilion, gold and umber."""

import numpy as np

from .brush import Brush, painted
from .noise import Array, sample, sheet

SHAPE = (750, 1000)
UMBER, RUST, VERMILION, ORANGE, OCHRE, GOLD, STRAW, CREAM, PLUM = (
    np.array([0.20, 0.10, 0.07]),
    np.array([0.48, 0.17, 0.07]),
    np.array([0.80, 0.22, 0.09]),
    np.array([0.90, 0.42, 0.11]),
    np.array([0.78, 0.53, 0.16]),
    np.array([0.96, 0.70, 0.17]),
    np.array([0.98, 0.83, 0.43]),
    np.array([1.00, 0.95, 0.77]),
    np.array([0.33, 0.12, 0.17]),
)
SUN = (640.0, 250.0)
HORIZON = 330.0
POPLARS = ((165, 40, 470, 52), (250, 130, 440, 36), (80, 170, 452, 34), (905, 205, 400, 22), (945, 175, 410, 25))
"""Each tree's axis, top, base and half width, in pixels."""
BRUSHES = (
    Brush(30, 2.4, 1.0, wobble=0.10, color_jitter=0.08),
    Brush(17, 2.8, 1.0, wobble=0.14, color_jitter=0.13, tolerance=0.02, density=0.9),
    Brush(10, 3.2, 1.0, wobble=0.16, color_jitter=0.16, tolerance=0.10, density=0.55),
    Brush(6, 3.4, 1.0, wobble=0.18, color_jitter=0.16, tolerance=0.17, density=0.5),
)


def paint(scale: float = 1.0, seed: int = 23) -> Array:
    """The picture (h, w, 3), 0 … 1."""
    rng = np.random.default_rng(seed)
    shape = (round(SHAPE[0] * scale), round(SHAPE[1] * scale))
    y, x = (np.indices(shape, np.float32) + 0.5) / scale
    noise = sheet(rng, 512, low=2, slope=1.3)
    color, angle = sky(x, y, noise)
    labels = np.zeros(shape, np.int32)
    for number, layer in enumerate((hills, field, poplars), start=1):
        inside, own_color, own_angle = layer(x, y, noise)
        color = np.where(inside[..., None], own_color, color)
        angle = np.where(inside, own_angle, angle)
        labels = np.where(inside, number, labels)
    target, angle = color.astype(np.float32), angle.astype(np.float32)
    return painted(target, labels, BRUSHES, rng, scale=scale, angle=angle, trust=2.0, impasto=0.8)


def mixed(value: Array, *colors: Array) -> Array:
    """Colors at equal steps over 0 … 1."""
    at = np.linspace(0, 1, len(colors))
    stack = np.stack(colors)
    return np.stack([np.interp(value, at, stack[:, channel]) for channel in range(3)], -1)


def sky(x: Array, y: Array, noise: Array) -> tuple[Array, Array]:
    """Rings of light about the sun, broken by clouds; dabs run round the sun."""
    dx, dy = x - SUN[0], (y - SUN[1]) * 1.15
    distance = np.hypot(dx, dy)
    wave = 0.05 * np.sin(distance / 19) * np.exp(-distance / 260)
    ring = (distance / 640) ** 0.85 + 0.07 * sample(noise, x / 700, y / 500) + wave
    color = mixed(ring.clip(0, 1), CREAM, STRAW, GOLD, GOLD, ORANGE, VERMILION, RUST, PLUM)
    cloud = np.clip(1.5 * sample(noise, x / 1300 + 0.4, y / 300 + 0.2) - 0.3, 0, 1) * np.clip((distance - 80) / 120, 0, 1)
    shaded = mixed(np.clip(1.1 - ring, 0, 1), PLUM, PLUM, RUST, VERMILION, ORANGE)
    color = color + 0.85 * cloud[..., None] * (shaded - color)
    disc = np.clip((50 - distance) / 3, 0, 1)[..., None]
    rim = np.clip((11 - np.abs(distance - 56)) / 3, 0, 1)[..., None]
    color = color + rim * (ORANGE - color)
    return color + disc * (CREAM - color), np.arctan2(dy, dx) + np.pi / 2 + 0.2 * sample(noise, x / 600, y / 600)


def hills(x: Array, y: Array, noise: Array) -> tuple[Array, Array, Array]:
    """A low range against the light: where it is, its colors, its dabs along the slope."""
    crest = HORIZON - 16 - 14 * np.sin(x / 190 + 1.2) - 9 * np.sin(x / 71)
    glow = np.exp(-(((x - SUN[0]) / 170) ** 2))
    tone = np.clip(0.25 + 0.5 * glow + 0.15 * sample(noise, x / 160, y / 90), 0, 1)
    color = mixed(tone, PLUM, UMBER, RUST, VERMILION, ORANGE)
    slope = np.arctan(-14 / 190 * np.cos(x / 190 + 1.2) - 9 / 71 * np.cos(x / 71))
    return y > crest, color, slope


def field(x: Array, y: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Furrows that run to the sun's foot, and wheat that stands up in front."""
    depth = np.maximum(y - HORIZON + 14, 4)
    across = (x - SUN[0]) / depth
    furrow = 0.5 + 0.5 * np.sin(across * 6.5 + 0.9 * sample(noise, x / 1400, y / 1400))
    glow = np.exp(-(((x - SUN[0]) / (90 + 0.7 * depth)) ** 2))
    tone = np.clip(0.06 + 0.70 * furrow**1.3 + 0.38 * glow - 0.12 + 0.10 * sample(noise, x / 200, y / 120), 0, 1)
    color = mixed(tone, PLUM, UMBER, RUST, OCHRE, GOLD, STRAW)
    poppies = np.clip((sample(noise, x / 260 + 0.7, y / 170 + 0.1) - 1.35) * 5, 0, 1)[..., None]
    color = color + poppies * (VERMILION - color)
    row = np.arctan2(depth, x - SUN[0])
    stalk = np.pi / 2 + 0.35 * sample(noise, x / 700, y / 700)
    near = np.clip((y - 520) / 120, 0, 1)
    return y > HORIZON + 5 * np.sin(x / 240), color, row * (1 - near) + stalk * near


def poplars(x: Array, y: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Dark trees like flames, their dabs winding upwards."""
    inside = np.zeros(x.shape, bool)
    side = np.zeros(x.shape, np.float32)
    for foot, top, base, half in POPLARS:
        t = ((y - top) / (base - top)).clip(0, 1)
        axis = foot + 9 * np.sin(y / 37 + foot) * (1 - t)
        reach = (x - axis) / (half * np.sin(np.pi * (0.93 * t) ** 0.8).clip(0) ** 0.75 + 0.1)
        tree = (np.abs(reach) < 1 + 0.18 * sample(noise, x / 90, y / 90)) & (y > top) & (y < base)
        side = np.where(tree, reach, side)
        inside |= tree
    tone = 0.30 + 0.38 * side + 0.17 * np.sin(y / 15 + 2.5 * side) + 0.15 * sample(noise, x / 70, y / 70)
    color = mixed(np.clip(tone, 0, 1), 0.7 * UMBER, UMBER, PLUM, RUST, VERMILION)
    return inside, color, np.pi / 2 + 0.55 * np.sin(y / 24 + 2 * side)
