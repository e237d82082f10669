"""What surfaces are made of: color patterns, relief and glow as functions of surface coordinates in meters."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .noise import Array, sample, scatter, sheet


class Stuff(IntEnum):
    """The materials that a triangle can be made of."""

    PLAIN = 0
    TILE = 1
    SOFFIT = 2
    WOOD = 3
    BEAM = 4
    LATTICE = 5
    ASHLAR = 6
    PAVING = 7
    PLASTER = 8
    CLOTH = 9
    LANTERN = 10
    LEAF = 11
    GLOW = 12
    ROCK = 13
    WATER = 14
    BOARDS = 15


@dataclass(frozen=True)
class Grain:
    """The noise sheets that all materials share."""

    stain: Array
    fine: Array

    @classmethod
    def make(cls, rng: np.random.Generator) -> "Grain":
        """Sheets drawn at random."""
        return cls(sheet(rng, 512, low=2, slope=1.4), sheet(rng, 512, low=10, slope=0.7))


Pattern = Callable[[Array, Array, Grain], Array]
Relief = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Material:
    """Functions of the surface coordinates (u, v).

    `color` gives factors of the tint (n, 3); `relief` the height in meters, of features `period` apart; `glow` the light
    that the surface gives off. `gloss` is the share of the sun that it mirrors, `through` of that which shines through it.
    """

    color: Pattern
    relief: Relief | None = None
    period: float = 0.3
    glow: Relief | None = None
    gloss: float = 0.03
    through: float = 0.0


def wave(x: Array, period: float) -> Array:
    """A triangle wave 0 … 1 … 0, of 1 in the middle of each period."""
    return 1 - np.abs(2 * (x / period - np.floor(x / period)) - 1)


def line(x: Array, period: float, width: float) -> Array:
    """1 on lines of a width around whole periods, 0 between them, with a soft edge."""
    distance = np.abs(x - np.round(x / period) * period)
    return np.clip((width - distance) / (0.35 * width) + 0.5, 0, 1)


def mix(a: ArrayLike, b: ArrayLike, share: Array) -> Array:
    """From color a to color b, by a share (n,) of b."""
    return np.asarray(a, np.float32) + (np.asarray(b, np.float32) - np.asarray(a, np.float32)) * share[:, None]


def gray(value: Array) -> Array:
    """The same factor for red, green and blue."""
    return np.repeat(value[:, None], 3, 1).astype(np.float32)


def plain(u: Array, v: Array, grain: Grain) -> Array:
    """Slightly stained."""
    return gray(1 + 0.10 * sample(grain.stain, u / 9, v / 9) + 0.05 * sample(grain.fine, u / 3, v / 3))


def tile(u: Array, v: Array, grain: Grain) -> Array:
    """Rows of barrel tiles, dark between them, each of its own shade, weathered in patches."""
    column, row = np.floor(u / 0.36), np.floor(v / 0.42)
    shade = 0.72 + 0.5 * scatter(column, row) + 0.20 * sample(grain.stain, u / 14, v / 14)
    gap = 1 - 0.55 * line(u, 0.36, 0.05) - 0.25 * line(v, 0.42, 0.03)
    moss = np.clip(sample(grain.stain, u / 11 + 0.3, v / 17) - 0.9, 0, 1)
    return mix((1, 1, 1), (0.95, 1.15, 0.55), moss) * (shade * gap)[:, None]


def tile_relief(u: Array, v: Array) -> Array:
    """Half-round ribs down the roof, and a step at each row."""
    across = u / 0.36 - np.floor(u / 0.36) - 0.5
    return 0.10 * np.sqrt(np.maximum(0.25 - across**2, 0)) + 0.03 * (v / 0.42 - np.floor(v / 0.42))


def soffit(u: Array, v: Array, grain: Grain) -> Array:
    """Rafters seen from below."""
    return gray(0.45 + 0.9 * line(u, 0.45, 0.11) + 0.05 * sample(grain.fine, u, v))


def soffit_relief(u: Array, v: Array) -> Array:
    """Rafters stand out."""
    return 0.12 * line(u, 0.45, 0.13) + 0 * v


def wood(u: Array, v: Array, grain: Grain) -> Array:
    """Lacquer, worn along the grain."""
    wear = np.clip(0.7 * sample(grain.stain, u / 3, v / 12) - 0.5, 0, 1)
    return mix((1, 1, 1), (0.55, 0.62, 0.62), wear) * (1 + 0.13 * sample(grain.fine, u / 0.7, v / 6))[:, None]


def beam(u: Array, v: Array, grain: Grain) -> Array:
    """Painted beams: fields of green and blue bounded by gold, with diamonds of white and red."""
    field = u / 1.5 - np.floor(u / 1.5)
    diamond = np.abs(field - 0.5) * 2 + wave(v, 0.5) * -0.5 + 0.5
    blue = scatter(np.floor(u / 1.5)) > 0.5
    color = np.where(blue[:, None], np.array([0.10, 0.28, 0.62], np.float32), np.array([0.08, 0.42, 0.33], np.float32))
    color = np.where((diamond < 0.55)[:, None], np.array([0.85, 0.30, 0.12], np.float32), color)
    color = np.where((np.abs(diamond - 0.62) < 0.07)[:, None], np.array([1.0, 0.86, 0.55], np.float32), color)
    gold = np.maximum(line(u, 1.5, 0.05), line(v, 0.5, 0.03))
    return mix(color, (1.0, 0.74, 0.28), gold) * (0.9 + 0.12 * sample(grain.fine, u, v))[:, None]


def lattice_bars(u: Array, v: Array) -> Array:
    """Where the bars of a window lattice are: frames 1.1 m wide, a panel below, a fretwork above."""
    frame = np.maximum(line(u, 1.1, 0.07), line(v, 2.4, 0.10))
    fret = np.maximum(line(u + 0.137, 0.275, 0.022), line(v, 0.275, 0.022))
    knot = line(u + v, 0.55, 0.03) * (scatter(np.floor(u / 1.1)) > 0.6)
    return np.maximum(frame, np.maximum(fret, knot))


def lattice(u: Array, v: Array, grain: Grain) -> Array:
    """Bars in the tint's color before paper panes."""
    pane = np.array([0.62, 0.50, 0.36], np.float32) * (0.5 + 0.35 * scatter(np.floor(u / 1.1), np.floor(v / 2.4)))[:, None]
    return pane + (1 - pane) * lattice_bars(u, v)[:, None] * (1 + 0.1 * sample(grain.fine, u, v))[:, None]


def lattice_relief(u: Array, v: Array) -> Array:
    """Bars stand before the panes."""
    return 0.03 * lattice_bars(u, v)


def lattice_glow(u: Array, v: Array) -> Array:
    """Some rooms have their lamps lit."""
    room = scatter(np.floor(u / 3.3), np.floor(v / 2.4) + 7)
    return (1 - lattice_bars(u, v)) * np.clip(room - 0.45, 0, 1) * 1.6


class Stone(NamedTuple):
    """The stone at a point: its column and row, the place within it (x, y of 0 … 1), and the meters to its edge."""

    column: Array
    row: Array
    x: Array
    y: Array
    edge: Array

    @classmethod
    def of(cls, u: Array, v: Array, length: float, height: float) -> "Stone":
        """Masonry in running bond, its courses along u."""
        row = np.floor(v / height)
        along = u / length + 0.5 * (row % 2) + 0.25 * scatter(row)
        x, y = along - np.floor(along), v / height - row
        return cls(np.floor(along), row, x, y, np.minimum(np.minimum(x, 1 - x) * length, np.minimum(y, 1 - y) * height))


def ashlar(u: Array, v: Array, grain: Grain) -> Array:
    """Large squared stones, each of its own shade; streaks of weather run down, moss and damp gather below."""
    stone = Stone.of(u, v, 1.7, 0.75)
    weather = 1 + 0.14 * sample(grain.stain, u / 5, v / 60) + 0.10 * sample(grain.fine, u / 2, v / 2)
    value = (0.80 + 0.30 * scatter(stone.column, stone.row)) * (0.55 + 0.45 * np.clip(stone.edge / 0.04, 0, 1)) * weather
    green = np.clip(0.5 * sample(grain.stain, u / 16 + 0.5, v / 16) - 0.15, 0, 0.8)
    warm = 0.5 + 0.5 * scatter(stone.column + 31, stone.row)
    return mix((1.06, 1.0, 0.9), (0.94, 1.0, 1.02), warm) * mix((1, 1, 1), (0.72, 0.90, 0.66), green) * value[:, None]


def ashlar_relief(u: Array, v: Array) -> Array:
    """Rounded stones."""
    stone = Stone.of(u, v, 1.7, 0.75)
    return 0.05 * np.clip(stone.edge / 0.08, 0, 1) + 0.06 * scatter(stone.column, stone.row) * stone.x


def paving(u: Array, v: Array, grain: Grain) -> Array:
    """Worn slabs, smaller stones among them, dark joints."""
    slab = Stone.of(v, u, 1.5, 0.9)
    value = (0.72 + 0.5 * scatter(slab.column, slab.row)) * (0.40 + 0.60 * np.clip(slab.edge / 0.035, 0, 1))
    tone = scatter(slab.column + 5, slab.row + 3)
    value = value * (1 + 0.22 * sample(grain.stain, u / 13, v / 13) + 0.10 * sample(grain.fine, u / 2, v / 2))
    return mix((1.10, 1.0, 0.88), (0.88, 0.98, 1.12), tone) * value[:, None]


def paving_relief(u: Array, v: Array) -> Array:
    """Slabs cushioned by wear and slightly tilted."""
    slab = Stone.of(v, u, 1.5, 0.9)
    tilt = (scatter(slab.column, slab.row) - 0.5) * slab.x + (scatter(slab.row, slab.column) - 0.5) * slab.y
    return 0.025 * np.clip(slab.edge / 0.10, 0, 1) + 0.02 * tilt


def plaster(u: Array, v: Array, grain: Grain) -> Array:
    """Lime wash, stained from below and by rain."""
    stain = sample(grain.stain, u / 6, v / 20) + 0.6 * sample(grain.stain, u / 2, v / 5)
    return mix((1, 1, 1), (0.78, 0.68, 0.55), np.clip(0.3 + 0.3 * stain, 0, 1)) * (1 + 0.04 * sample(grain.fine, u, v))[:, None]


def cloth(u: Array, v: Array, grain: Grain) -> Array:
    """Dyed cloth, faded along its folds."""
    return gray(0.92 + 0.16 * sample(grain.stain, u / 2.5, v / 20) + 0.06 * sample(grain.fine, u / 2, v / 2))


def cloth_relief(u: Array, v: Array) -> Array:
    """Folds that hang along v."""
    return 0.035 * np.sin(u * 9 + 0.8 * np.sin(v * 2)) + 0.02 * np.sin(u * 23 + v)


RIB = np.pi / 16
"""The distance between a lantern's ribs: sixteen on half a meter's radius."""


def lantern(u: Array, v: Array, grain: Grain) -> Array:
    """Paper over ribs."""
    return gray(0.10 - 0.05 * line(u, RIB, 0.015) + 0 * v)


def lantern_glow(u: Array, v: Array) -> Array:
    """Brightest in the belly."""
    return (1 - 0.45 * line(u, RIB, 0.014)) * (0.22 + 0.78 * np.sin(np.pi * np.clip(v, 0, 1)) ** 1.5)


def rock(u: Array, v: Array, grain: Grain) -> Array:
    """Cracked and banded stone."""
    crack = np.abs(sample(grain.stain, u / 17, v / 11))
    band = sample(grain.stain, u / 60, v / 7 + 0.1 * sample(grain.stain, u / 30, v / 30))
    return gray((0.85 + 0.22 * band) * (0.45 + 0.55 * np.clip(crack * 4, 0, 1)) + 0.10 * sample(grain.fine, u / 3, v / 3))


def boards(u: Array, v: Array, grain: Grain) -> Array:
    """Weathered planks."""
    plank = 0.75 + 0.4 * scatter(np.floor(v / 0.22))
    return gray(plank * (1 - 0.6 * line(v, 0.22, 0.015)) * (1 + 0.16 * sample(grain.fine, u / 6, v / 0.8)))


def everywhere(u: Array, v: Array) -> Array:
    """Glows evenly."""
    return np.ones(np.broadcast(u, v).shape, np.float32)


MATERIALS: dict[Stuff, Material] = {
    Stuff.PLAIN: Material(plain),
    Stuff.TILE: Material(tile, tile_relief, 0.36, gloss=0.12),
    Stuff.SOFFIT: Material(soffit, soffit_relief, 0.45),
    Stuff.WOOD: Material(wood, gloss=0.10),
    Stuff.BEAM: Material(beam, gloss=0.05),
    Stuff.LATTICE: Material(lattice, lattice_relief, 0.28, glow=lattice_glow),
    Stuff.ASHLAR: Material(ashlar, ashlar_relief, 0.75),
    Stuff.PAVING: Material(paving, paving_relief, 0.9),
    Stuff.PLASTER: Material(plaster),
    Stuff.CLOTH: Material(cloth, cloth_relief, 0.5, through=0.25),
    Stuff.LANTERN: Material(lantern, glow=lantern_glow),
    Stuff.LEAF: Material(plain, through=0.5),
    Stuff.GLOW: Material(plain, glow=everywhere),
    Stuff.ROCK: Material(rock),
    Stuff.WATER: Material(plain),
    Stuff.BOARDS: Material(boards),
}
