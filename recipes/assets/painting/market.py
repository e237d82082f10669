"""What people put into a street: lanterns, awnings and stalls, banners and boards, a cart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .materials import Stuff
from .mesh import Array, Color, Finish, Mesh, Point, box, copies, join, lathe, patch, tube, upright
from .writing import PITCH, inscription

GILT = Finish(Stuff.PLAIN, (0.55, 0.32, 0.07))
TIMBER = Finish(Stuff.WOOD, (0.16, 0.085, 0.045))
ROPE = Finish(Stuff.PLAIN, (0.03, 0.02, 0.02))
GOODS: tuple[Color, ...] = (
    (0.62, 0.22, 0.03), (0.50, 0.06, 0.03), (0.58, 0.45, 0.08), (0.14, 0.26, 0.07), (0.55, 0.48, 0.36),
)  # fmt: skip


def lantern(size: float, color: Color) -> Mesh:
    """A round paper lantern hanging from the origin, `size` meters across, with caps and a tassel."""
    angle = np.linspace(2 * np.pi, 0, 33)
    polar = np.linspace(0.14, 0.86, 13)[:, None] * np.pi
    radius, height = 0.5 * np.sin(polar) ** 0.8, 0.42 * np.cos(polar) - 0.62 + 0 * angle
    belly = np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], -1)
    uv = np.stack(np.broadcast_arrays(0.5 * angle, np.linspace(0, 1, 13)[:, None]), -1)
    tassel = [(0.03, -1.06), (0.06, -1.16), (0.04, -1.2), (0.10, -1.75), (0.0, -1.72)]
    pieces = [
        patch(belly, Finish(Stuff.LANTERN, color), uv=uv),
        lathe([(0.0, -0.20), (0.24, -0.20), (0.24, -0.27)], GILT, sides=10),
        lathe([(0.22, -0.97), (0.20, -1.06), (0.0, -1.06)], GILT, sides=10),
        tube([(0, 0, 0), (0, -0.2, 0)], 0.018, ROPE),
        lathe(tassel, Finish(Stuff.CLOTH, (0.45, 0.06, 0.02)), sides=8),
    ]
    return join(pieces).moved(scale=size)


def stone_lantern() -> Mesh:
    """A lantern of stone on the ground, two and a half meters high, its chamber lit."""
    stone = Finish(Stuff.PLAIN, (0.07, 0.072, 0.062))
    foot = [(0.12, 1.35), (0.34, 1.28), (0.36, 1.2), (0.16, 1.05), (0.13, 0.45), (0.30, 0.3), (0.42, 0.24), (0.45, 0.0)]
    cap = [
        (0.0, 2.45),
        (0.07, 2.38),
        (0.09, 2.28),
        (0.05, 2.2),
        (0.16, 2.14),
        (0.40, 2.0),
        (0.60, 1.98),
        (0.56, 1.9),
        (0.2, 1.86),
    ]
    corner = box((-0.05, 1.3, -0.05), (0.05, 1.92, 0.05), stone)
    corners = copies(corner, [(x, 0, z) for x in (-0.24, 0.24) for z in (-0.24, 0.24)])
    flame = box((-0.2, 1.36, -0.2), (0.2, 1.88, 0.2), Finish(Stuff.GLOW, (0.9, 0.40, 0.10)))
    return join([lathe(foot, stone, sides=8), lathe(cap, stone, sides=6), flame, corners])


def sagging(start: Point, end: Point, sag: float, count: int = 17) -> Array:
    """Points on a rope that hangs `sag` meters below the straight line."""
    t = np.linspace(0, 1, count)[:, None]
    return np.asarray(start) * (1 - t) + np.asarray(end) * t - np.array([0, 1, 0]) * sag * 4 * t * (1 - t)


def rope(start: Point, end: Point, sag: float = 0.0) -> Mesh:
    """A dark rope."""
    return tube(sagging(start, end, sag), 0.02, ROPE, sides=4)


def awning(width: float, deep: float, drop: float, colors: Sequence[Color]) -> Mesh:
    """A striped cloth with a fringe, stretched from the line y = 0, z = 0 to `deep` meters nearer (−z) and `drop` lower."""
    t = np.linspace(0, 1, 9)[:, None]
    pieces = []
    for i, color in enumerate(colors):
        x = np.linspace(i, i + 1, 7) / len(colors)
        scallop = 0.10 * np.abs(np.sin(4 * np.pi * x))
        y = -drop * t - 0.084 * deep * np.sin(np.pi * t) - scallop * t
        cloth = np.stack(np.broadcast_arrays((x - 0.5) * width, y, -deep * t), -1)
        hem = cloth[-1] - np.stack([0 * x, 0.32 + 0.08 * np.sin(40 * x), 0 * x], -1)
        pieces.append(patch(cloth, Finish(Stuff.CLOTH, color)))
        pieces.append(patch(np.stack([cloth[-1], hem]), Finish(Stuff.CLOTH, (0.8 * color[0], 0.8 * color[1], 0.8 * color[2]))))
    return join(pieces)


def stall(width: float, colors: Sequence[Color], rng: np.random.Generator) -> Mesh:
    """A market stall, its counter toward −z, with heaped fruit and jars under an awning on poles."""
    half = width / 2
    counter = box((-half, 0, -0.5), (half, 0.85, 0.5), Finish(Stuff.BOARDS, TIMBER.tint))
    pieces = [awning(width, 2.4, 0.7, colors).moved((0, 3.0, 1.2)), counter]
    for x in (-half, half):
        pieces += [tube([(x, top, z), (x, 0, z)], 0.05, TIMBER) for top, z in ((2.35, -1.15), (3.0, 1.2))]
    for x in np.arange(-half + 0.35, half - 0.2, 0.72):
        pieces.append(heap(GOODS[rng.integers(len(GOODS))], rng).moved((x, 0.95, -0.35)))
    pieces += [jar(rng.uniform(0.5, 0.9)).moved((rng.uniform(-half, half), 0, rng.uniform(-1.1, -0.7))) for _ in range(4)]
    return join(pieces)


def heap(color: Color, rng: np.random.Generator) -> Mesh:
    """A pyramid of fruit."""
    fruit = lathe([(0.0, 0.11), (0.07, 0.09), (0.11, 0.0), (0.07, -0.09), (0.0, -0.11)], Finish(Stuff.PLAIN, color), sides=8)
    places = [
        (0.2 * (i - 1) + 0.1 * k, 0.15 * k, 0.2 * j + 0.1 * k) for k in range(3) for i in range(3 - k) for j in range(4 - k)
    ]
    fruits = copies(fruit, places)
    shade = rng.uniform(0.8, 1.2, len(places)).repeat(len(fruit))[:, None]
    return replace(fruits, tint=(fruits.tint * shade).astype(np.float32))


def jar(height: float) -> Mesh:
    """A glazed jar."""
    profile = [(0.16, 1.0), (0.13, 0.93), (0.30, 0.72), (0.33, 0.5), (0.22, 0.08), (0.20, 0.0)]
    return lathe(profile, Finish(Stuff.PLAIN, (0.12, 0.07, 0.045)), sides=10).moved(scale=height)


def banner(text: str, size: float, color: Color, rng: np.random.Generator) -> Mesh:
    """A long shop banner hanging from the origin in the plane z = 0, stirred by the wind, with characters on both sides."""
    width, length = 1.5 * size, (PITCH * len(text) + 0.5) * size
    phase = rng.uniform(0, 6)
    pale = Finish(Stuff.PLAIN, (0.62, 0.52, 0.34))

    def hung(points: Array, off: float) -> Array:
        x, y = points[..., 0], points[..., 1]
        stir = 0.10 * width * np.sin(2.4 * y / width + phase) * (y / length) + 0.05 * np.sin(9 * x / width + phase)
        return np.stack([x + 0.4 * stir, -y, stir + off], -1)

    cloth = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 7) * width, np.linspace(0, length, 25)), -1)
    pieces = [patch(hung(cloth, 0.0), Finish(Stuff.CLOTH, color))]
    pieces.append(box((-0.6 * width, -0.05, -0.05), (0.6 * width, 0.05, 0.05), TIMBER))
    strokes = [stroke + np.array([0, 0.35 * size]) for stroke in inscription(text, size)]
    pieces += [patch(hung(stroke, off), pale) for off in (-0.03, 0.03) for stroke in strokes]
    return join(pieces)


def board(text: str, size: float, ground: Finish, mark: Finish) -> Mesh:
    """A tall board with raised characters, facing −z, its top at the origin."""
    half, length, edge = 0.75 * size, (PITCH * len(text) + 0.3) * size, 0.06 * size
    bars = [
        (-half, -edge, half, 0),
        (-half, -length, half, edge - length),
        (-half, -length, edge - half, 0),
        (half - edge, -length, half, 0),
    ]
    pieces = [box((-half, -length, 0), (half, 0, 0.05), ground)]
    pieces += [box((x0, y0, -0.01), (x1, y1, 0), mark) for x0, y0, x1, y1 in bars]
    pieces += [upright(stroke, mark, at=(0, -0.22 * size, -0.012)) for stroke in inscription(text, size)]
    return join(pieces)


def cart(rng: np.random.Generator) -> Mesh:
    """A two-wheeled cart with a bowed canopy and a load of sacks, its shafts toward −z."""
    body, cloth = Finish(Stuff.BOARDS, (0.15, 0.07, 0.035)), Finish(Stuff.CLOTH, (0.50, 0.40, 0.27))
    bow, z = np.linspace(0, np.pi, 13), np.linspace(-1.5, 1.4, 6)[:, None]
    canopy = np.stack(np.broadcast_arrays(0.95 * np.cos(bow), 1.25 + 1.05 * np.sin(bow) ** 0.7, z + 0.12 * np.sin(bow)), -1)
    pieces = [box((-0.9, 0.85, -1.5), (0.9, 1.3, 1.4), body), patch(canopy, cloth)]
    for side in (-1, 1):
        pieces.append(wheel(0.85).moved((side * 1.08, 0.85, 0)))
        pieces.append(tube([(side * 0.6, 1.0, -1.5), (side * 0.5, 0.95, -3.6)], 0.06, TIMBER))
    sack = lathe([(0.0, 0.5), (0.12, 0.45), (0.3, 0.25), (0.28, 0.0)], Finish(Stuff.CLOTH, (0.42, 0.33, 0.2)), sides=8)
    pieces.append(copies(sack, [(rng.uniform(-0.6, 0.6), 1.25, rng.uniform(-1.6, -0.9)) for _ in range(6)]))
    return join(pieces)


def wheel(radius: float) -> Mesh:
    """A spoked cartwheel in the plane x = 0, its hub at the origin."""
    wood = Finish(Stuff.WOOD, (0.11, 0.055, 0.03))
    angle = np.linspace(0, 2 * np.pi, 25)
    rim = np.stack([0 * angle, radius * np.sin(angle), radius * np.cos(angle)], -1)
    spokes = [tube([(0, 0, 0), end], 0.035, wood, sides=5) for end in rim[:-1:2]]
    return join([tube(rim, 0.06, wood), tube([(-0.15, 0, 0), (0.15, 0, 0)], 0.12, wood), *spokes])
