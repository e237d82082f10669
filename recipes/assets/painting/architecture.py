"""Timber halls, pagodas and gates in the old East-Asian manner: plinth, columns, painted beams, brackets, upswept roofs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .materials import Stuff
from .mesh import Array, Finish, Mesh, box, copies, join, lathe, patch, tube, upright
from .writing import inscription


class Palette(NamedTuple):
    """The finishes of a building."""

    tile: Finish = Finish(Stuff.TILE, (0.05, 0.115, 0.125))
    column: Finish = Finish(Stuff.WOOD, (0.28, 0.045, 0.03))
    ground: Finish = Finish(Stuff.LATTICE, (0.22, 0.055, 0.035))
    upper: Finish = Finish(Stuff.LATTICE, (0.22, 0.055, 0.035))
    soffit: Finish = Finish(Stuff.SOFFIT, (0.16, 0.05, 0.03))
    eave: Finish = Finish(Stuff.SOFFIT, (0.06, 0.075, 0.08))
    ridge: Finish = Finish(Stuff.PLAIN, (0.06, 0.075, 0.08))
    beam: Finish = Finish(Stuff.BEAM, (0.45, 0.45, 0.45))
    gold: Finish = Finish(Stuff.PLAIN, (0.75, 0.42, 0.10))
    blue: Finish = Finish(Stuff.PLAIN, (0.05, 0.17, 0.20))
    green: Finish = Finish(Stuff.PLAIN, (0.06, 0.20, 0.13))
    plinth: Finish = Finish(Stuff.ASHLAR, (0.34, 0.32, 0.29))


@dataclass(frozen=True)
class Proportions:
    """The measures of a tower, in meters; `ridge` is the length of the uppermost ridge over that of its storey."""

    shrink: float = 1.2
    overhang: float = 2.0
    rise: float = 1.5
    crown: float = 3.5
    lift: float = 1.1
    bay: float = 3.2
    plinth: float = 0.6
    ridge: float = 0.45
    balcony: bool = True


def tower(half: tuple[float, float], heights: Sequence[float], palette: Palette, shape: Proportions) -> Mesh:
    """Storeys of the given heights, each under its own eaves and a little smaller than the one below; the last is crowned."""
    w, d = half
    base = shape.plinth
    pieces = [box((-w - 0.8, 0, -d - 0.8), (w + 0.8, base, d + 0.8), palette.plinth)]
    for level, height in enumerate(heights):
        pieces.append(storey((w, d), base, height, palette, wall=palette.upper if level else palette.ground, bay=shape.bay))
        eave = base + height + 0.45
        over = shape.overhang * (1 - 0.06 * level)
        outer = (w + over, d + over)
        if level == len(heights) - 1:
            pieces.append(roof((w * shape.ridge, 0.0), outer, palette, eave=eave, rise=shape.crown, lift=shape.lift))
            break
        w, d = w - shape.shrink, d - shape.shrink
        pieces.append(roof((w, d), outer, palette, eave=eave, rise=shape.rise, lift=shape.lift))
        base = eave + 0.55 * shape.rise
        if shape.balcony:
            pieces.append(railing(w + 0.55, d + 0.55, base + 0.45, palette))
            base += 0.1
    return join(pieces)


def storey(half: tuple[float, float], base: float, height: float, palette: Palette, *, wall: Finish, bay: float) -> Mesh:
    """One floor: a ring of columns, walls set back behind them, a painted beam, and brackets that carry the eaves."""
    w, d = half
    top = base + height
    radius = min(0.24, 0.07 * height)
    profile = [(radius, top), (radius, base + 0.3), (1.5 * radius, base + 0.15), (1.5 * radius, base)]
    return join(
        [
            box((-w + 0.5, base, -d + 0.5), (w - 0.5, top, d - 0.5), wall),
            copies(lathe(profile, palette.column, sides=8), [(x, 0, z) for x, z in perimeter(w - 0.2, d - 0.2, bay)]),
            frame((w - 0.1, d - 0.1), top - 0.62, 0.5, 0.14, palette.beam),
            frame((w + 0.05, d + 0.05), top - 0.1, 0.14, 0.3, palette.column),
            copies(bracket(palette), [(x, top, z) for x, z in perimeter(w, d, bay / 3)]),
        ]
    )


def perimeter(w: float, d: float, spacing: float) -> list[tuple[float, float]]:
    """Points around a rectangle, corners included, about `spacing` apart."""
    across, deep = max(1, round(2 * w / spacing)), max(1, round(2 * d / spacing))
    xs, zs = np.linspace(-w, w, across + 1), np.linspace(-d, d, deep + 1)
    return [(x, z) for x in xs for z in (-d, d)] + [(x, z) for x in (-w, w) for z in zs[1:-1]]


def frame(half: tuple[float, float], base: float, height: float, thick: float, finish: Finish) -> Mesh:
    """Four bars round a rectangle."""
    (w, d), low, high = half, base, base + height
    sides = [box((-w - thick, low, z - thick), (w + thick, high, z + thick), finish) for z in (-d, d)]
    return join(sides + [box((x - thick, low, -d), (x + thick, high, d), finish) for x in (-w, w)])


def bracket(palette: Palette) -> Mesh:
    """A cluster of brackets, stepping outwards to all sides."""
    return join(
        [
            box((-0.16, 0.0, -0.16), (0.16, 0.22, 0.16), palette.gold),
            box((-0.34, 0.22, -0.12), (0.34, 0.42, 0.12), palette.blue),
            box((-0.12, 0.22, -0.52), (0.12, 0.46, 0.52), palette.green),
            box((-0.50, 0.46, -0.16), (0.50, 0.62, 0.16), palette.column),
        ]
    )


def railing(w: float, d: float, base: float, palette: Palette) -> Mesh:
    """A balcony with its rail, round a rectangle."""
    post = box((-0.07, base, -0.07), (0.07, base + 1.05, 0.07), palette.column)
    posts = copies(post, [(x, 0, z) for x, z in perimeter(w, d, 1.4)])
    rails = [frame((w, d), base + y, 0.09, 0.04, palette.column) for y in (0.15, 0.5, 0.92)]
    return join([posts, *rails, frame((w - 0.2, d - 0.2), base - 0.35, 0.35, 0.35, palette.beam)])


def roof(
    inner: tuple[float, float], outer: tuple[float, float], palette: Palette, *, eave: float, rise: float, lift: float
) -> Mesh:
    """A hipped roof with upswept corners, from a ridge or wall line (half-sizes `inner`) down to the eaves (`outer`).

    The slope is steep above and shallow below, as rafters laid in steps make it; `lift` raises the corners, in meters.
    """
    s = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 49))
    corner = np.abs(s) ** 4

    def slope(half: int, down: Sequence[float] | Array, drop: float = 0.0) -> Array:
        """One slope, rows from the ridge (0) to the eave (1); `half` 0 faces −z, 1 faces −x."""
        t = np.asarray(down, float)[:, None]
        width = inner[half] * (1 - t) + outer[half] * t * (1 + 0.05 * corner)
        out = inner[1 - half] * (1 - t) + outer[1 - half] * t * (1 + 0.05 * corner)
        height = eave + rise * (1 - t) ** 1.55 + lift * t**2.5 * corner - drop
        along, away = width * s, -out * np.ones_like(s)
        return np.stack([along, height, away] if half == 0 else [away, height, -along], -1)

    quarter = []
    for half in (0, 1):
        edge = np.concatenate([slope(half, [1.0]), slope(half, [1.0], 0.28)])
        quarter.append(patch(slope(half, np.linspace(0, 1, 11)), palette.tile))
        quarter.append(patch(edge, palette.eave))
        quarter.append(patch(slope(half, np.linspace(1, 0.35, 5), 0.28), palette.soffit))
    slopes = join(quarter)
    spine, girth = hip(slope(0, np.linspace(0, 1, 11))[:, -1] + np.array([0, 0.12, 0]), lift)
    hips = [tube(spine * [x, 1, z], girth, palette.ridge) for x in (-1, 1) for z in (-1, 1)]
    top = eave + rise
    ridge = frame(inner, top, 0.3, 0.15, palette.ridge) if inner[1] else crest(inner[0], top, palette.ridge)
    return join([slopes, slopes.moved(turn=180), *hips, ridge])


def hip(line: Array, lift: float) -> tuple[Array, Array]:
    """A ridge that runs down a corner of the roof, its end curled upwards: its spine and its radius."""
    ahead = (line[-1] - line[-3]) / np.linalg.norm(line[-1] - line[-3])
    beyond = np.linspace(0.2, 1.0, 6)[:, None]
    tip = line[-1] + 0.75 * beyond * ahead + beyond**2 * np.array([0, 0.55 * lift, 0])
    girth = np.concatenate([np.linspace(0.15, 0.19, len(line)), 0.18 * (1 - beyond[:, 0] ** 2) + 0.02])
    return np.concatenate([line, tip]), girth


def crest(half: float, height: float, finish: Finish) -> Mesh:
    """The ridge of a roof, sagging slightly between two curled finials."""
    x = np.linspace(-half, half, 15)
    bar = np.stack([x, height + 0.45 + 0.35 * (np.abs(x) / half) ** 3, 0 * x], -1)
    pieces = [box((-half, height - 0.1, -0.16), (half, height + 0.45, 0.16), finish), tube(bar, 0.2, finish)]
    size = min(1.0, 0.25 + half / 6)
    out, up = size * np.array([(0, 0.1), (0.3, 0.5), (0.42, 1), (0.25, 1.45), (-0.15, 1.6), (-0.4, 1.35), (-0.35, 1.1)]).T
    girth = size * np.array([0.36, 0.34, 0.28, 0.23, 0.17, 0.11, 0.04])
    for side in (-1, 1):
        pieces.append(tube(np.stack([side * (half + out - 0.2), height + 0.3 + up, 0 * up], -1), girth, finish))
    return join(pieces)


def pagoda(half: float, floors: int, height: float, palette: Palette) -> Mesh:
    """A slender tower of many floors, each a little lower than the one below, with a mast of rings."""
    slender = Proportions(shrink=0.35, overhang=1.7, rise=1.0, crown=2.6, lift=0.9, bay=2.2, ridge=0.02, balcony=False)
    body = tower((half, half), [height * 0.93**floor for floor in range(floors)], palette, slender)
    rings = [(0.10 if i % 2 else 0.12 + 0.02 * i, 3.4 - 0.34 * i) for i in range(11)]
    mast = lathe([(0.02, 4.2), *rings, (0.5, -0.2)], palette.gold, sides=8)
    return join([body, mast.moved((0, body.points[..., 1].max() - 1.2, 0))])


def gate(half: float, deep: float, height: float, palette: Palette) -> Mesh:
    """A battered city wall with an arched passage, its name over the arch, a parapet, and a hall of two tiers on top."""
    stone, pale, lean = Finish(Stuff.ASHLAR, (0.29, 0.27, 0.23)), Finish(Stuff.PLASTER, (0.45, 0.40, 0.33)), 1.6

    def face(y: float) -> float:
        """The z of the leaning front at a height."""
        return -deep + lean * y / height

    pieces = [arched_front(half, height, deep, lean, stone)]
    for x in (-half, half):
        flank = [[(x, height, face(height)), (x, height, deep)], [(x, 0, -deep), (x, 0, deep)]]
        pieces.append(patch(np.array(flank), stone, smooth=False))
    top = face(height)
    pieces.append(box((-half - 0.5, height - 0.5, top - 0.6), (half + 0.5, height + 0.15, deep), pale))
    merlon = box((0, height, top - 0.5), (1.2, height + 1.3, top), stone)
    pieces.append(copies(merlon, [(x, 0, 0) for x in np.arange(-half + 0.4, half, 1.9)]))
    low = 10.3
    z = face(low) - 0.45
    pieces.append(box((-3.2, low, z), (3.2, low + 2.6, z + 0.3), Finish(Stuff.PLASTER, (0.62, 0.56, 0.44))))
    pieces += [frame((3.2, 0.1), y, 0.16, 0.05, palette.gold).moved((0, 0, z)) for y in (low - 0.05, low + 2.5)]
    ink = Finish(Stuff.PLAIN, (0.03, 0.02, 0.02))
    for x, character in ((-1.5, "山"), (1.5, "门")):
        pieces += [upright(stroke, ink, at=(x, low + 2.3, z - 0.04)) for stroke in inscription(character, 2.0)]
    grand = Proportions(shrink=2.4, overhang=3.2, rise=2.4, crown=4.8, lift=1.9, bay=3.6, plinth=1.0, ridge=0.6)
    hall = tower((0.62 * half, 0.62 * deep), (4.2, 3.4), palette, grand)
    return join([*pieces, hall.moved((0, height, 1.0))])


def arched_front(half: float, height: float, deep: float, lean: float, stone: Finish) -> Mesh:
    """The front of the gate's wall about an arch 6.8 m wide and 8 m high, the arch's rim, and the vault behind it."""
    radius, spring = 3.4, 4.6
    angle = np.linspace(0, np.pi, 25)
    arc = np.stack([radius * np.cos(angle), spring + radius * np.sin(angle)], -1)
    arch = np.concatenate([[(radius, 0.0)], arc, [(-radius, 0.0)]])
    share = np.linspace(0, 1, len(arch))
    corners = [0, 0.3, 0.7, 1]
    border = np.stack(
        [np.interp(share, corners, [half, half, -half, -half]), np.interp(share, corners, [0, height, height, 0])], -1
    )
    flat = arch + (border - arch) * np.linspace(0, 1, 12)[:, None, None]
    front = np.concatenate([flat, -deep + lean * flat[..., 1:] / height], -1)

    def at(outline: Array, z: float) -> Array:
        return np.concatenate([outline, np.full((len(outline), 1), z)], -1)

    rim = np.stack([at(1.13 * arch, -deep - 0.15), at(arch, -deep - 0.15)])
    vault = np.stack([at(arch, -deep - 0.1), at(arch, deep)])
    return join(
        [
            patch(front, stone, smooth=False, uv=flat * [1, -1]),
            patch(rim, Finish(Stuff.PLASTER, (0.42, 0.36, 0.27)), smooth=False),
            patch(vault, Finish(Stuff.ASHLAR, (0.16, 0.14, 0.13))),
        ]
    )
