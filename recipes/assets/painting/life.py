"""Living things: people in long robes, birds, trees."""

from collections.abc import Sequence

import numpy as np

from .materials import Stuff
from .mesh import Array, Color, Finish, Mesh, box, join, lathe, patch, tube

SKIN, HAIR = Finish(Stuff.PLAIN, (0.36, 0.21, 0.13)), Finish(Stuff.PLAIN, (0.02, 0.016, 0.014))
STRAW, SHAFT = Finish(Stuff.BOARDS, (0.36, 0.25, 0.11)), Finish(Stuff.WOOD, (0.1, 0.05, 0.03))
VERMILION = Finish(Stuff.CLOTH, (0.40, 0.045, 0.03))


def person(rng: np.random.Generator, robe: Color, sash: Color, hat: str) -> Mesh:
    """A standing figure in a long robe with wide sleeves, facing −z; `hat` is bun, straw or parasol."""
    silk, belt = Finish(Stuff.CLOTH, robe), Finish(Stuff.CLOTH, sash)

    def turned(profile: Sequence[tuple[float, float]], finish: Finish, flat: float = 1.0, back: float = 0.0) -> Mesh:
        return lathe(profile, finish, sides=14).moved((0, 0, back), scale=(1, 1, flat))

    pieces = [
        turned([(0.15, 1.02), (0.18, 0.9), (0.22, 0.6), (0.27, 0.25), (0.33, 0.0)], silk, 0.8),
        turned([(0.055, 1.48), (0.10, 1.45), (0.185, 1.38), (0.19, 1.25), (0.15, 1.05)], silk, 0.65),
        turned([(0.155, 1.13), (0.165, 1.05), (0.165, 0.98)], belt, 0.75),
        turned([(0.0, 1.70), (0.06, 1.68), (0.08, 1.60), (0.06, 1.51), (0.04, 1.42)], SKIN, 1.0, -0.02),
        turned([(0.0, 1.735), (0.07, 1.71), (0.098, 1.65), (0.095, 1.58), (0.05, 1.51), (0.0, 1.50)], HAIR, 1.0, 0.022),
        box((-0.05, 0.45, 0.12), (0.05, 1.05, 0.145), belt),
    ]
    for side in (-1, 1):
        reach = rng.uniform(0.02, 0.20)
        cuff = (side * (0.23 - 0.6 * reach), 0.93, -0.12 - reach)
        arm = [(side * 0.16, 1.38, 0), (side * 0.23, 1.2, 0.01), (side * 0.23, 1.02, -0.06 - 0.5 * reach), cuff]
        pieces.append(tube(arm, np.array([0.06, 0.075, 0.095, 0.14]), silk, sides=8))
    if hat == "bun":
        pieces.append(turned([(0.0, 1.82), (0.04, 1.80), (0.045, 1.76), (0.03, 1.71)], HAIR, 1.0, 0.03))
    elif hat == "straw":
        pieces.append(turned([(0.0, 1.84), (0.12, 1.76), (0.30, 1.64)], STRAW))
    else:
        pieces.append(parasol().moved((0.16, -0.25, -0.05)))
    return join(pieces).moved(scale=rng.uniform(0.94, 1.06))


def parasol() -> Mesh:
    """A red parasol of oiled paper, held above the head."""
    ribs = np.linspace(2 * np.pi, 0, 25)
    radius = np.array([0.0, 0.3, 0.62])[:, None]
    height = np.array([2.42, 2.30, 2.08])[:, None] + 0.03 * np.cos(12 * ribs) * (radius > 0.4)
    paper = patch(np.stack([radius * np.cos(ribs), height, radius * np.sin(ribs)], -1), VERMILION)
    return join([paper, tube([(0, 2.45, 0), (0, 1.0, -0.02)], 0.015, SHAFT)])


def bird(span: float, flap: float) -> Mesh:
    """A bird in flight, its wings raised by `flap` radians."""
    white = Finish(Stuff.PLAIN, (0.55, 0.52, 0.48))
    pieces = [tube([(0, 0, -0.28), (0, 0.02, 0), (0, 0, 0.34)], np.array([0.01, 0.09, 0.01]), white)]
    t = np.linspace(0, 1, 5)
    lift, chord = np.sin(flap) * (1.4 * t - 0.7 * t**2), 0.16 * (1 - 0.8 * t)
    for side in (-1, 1):
        edges = [np.stack([side * t * np.cos(flap), lift, 0.1 * t**2 + edge], -1) for edge in (-chord, chord)]
        pieces.append(patch(np.stack(edges, 1), white))
    return join(pieces).moved(scale=span / 2)


def branch(
    start: Array, heading: Array, rng: np.random.Generator, *, length: float, thick: float, bark: Finish, depth: int
) -> tuple[list[Mesh], list[Array]]:
    """A gnarled branch with `depth` orders of twigs, and the places where leaves grow."""
    heading = heading / np.linalg.norm(heading)
    t = np.linspace(0, 1, 7)[:, None]
    bends = np.cumsum(rng.normal(0, 0.22, (7, 3)), 0) * t
    spine = start + length * t * (heading + 0.5 * bends)
    pieces = [tube(spine, thick * np.linspace(1, 0.45, 7), bark, sides=7)]
    tips = [spine[-1], spine[-2]] if depth <= 1 else []
    for at in (3, 4, 5, 6, 6) if depth else ():
        aside = heading + rng.normal(0, 0.75, 3)
        shorter = length * rng.uniform(0.5, 0.72)
        twigs, ends = branch(spine[at], aside, rng, length=shorter, thick=0.5 * thick, bark=bark, depth=depth - 1)
        pieces += twigs
        tips += ends
    return pieces, tips


def leaves(places: Array, tints: Sequence[Color], rng: np.random.Generator, *, spread: float, count: int, size: float) -> Mesh:
    """Single leaves scattered around places (k, 3)."""
    center = places[rng.integers(len(places), size=count)] + rng.normal(0, spread, (count, 3))
    long, wide = (_unit(rng.normal(size=(count, 3))) for _ in range(2))
    normal = _unit(np.cross(long, wide) + np.array([0, 0.6, 0]))
    long, wide = long * size * rng.uniform(0.6, 1.3, (count, 1)), wide * size * rng.uniform(0.3, 0.6, (count, 1))
    halves = [center - long, center + wide, center + long, center - long, center + long, center - wide]
    points = np.stack(halves, 1).reshape(-1, 3, 3)
    tint = np.asarray(tints)[rng.integers(len(tints), size=count)] * rng.uniform(0.6, 1.25, (count, 1))
    normals = np.repeat(normal.repeat(2, 0)[:, None], 3, 1)
    material = np.full(len(points), Stuff.LEAF, np.int16)
    return Mesh(points, normals, points[..., :2], material, tint.repeat(2, 0).astype(np.float32))


def tree(height: float, tints: Sequence[Color], rng: np.random.Generator, *, count: int = 6000) -> Mesh:
    """A tree standing at the origin."""
    bark = Finish(Stuff.ROCK, (0.10, 0.065, 0.045))
    heading = np.array([rng.normal(0, 0.15), 1.0, rng.normal(0, 0.15)])
    wood, tips = branch(np.zeros(3), heading, rng, length=0.55 * height, thick=0.035 * height, bark=bark, depth=3)
    return join([*wood, leaves(np.stack(tips), tints, rng, spread=0.06 * height, count=count, size=0.026 * height)])


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
