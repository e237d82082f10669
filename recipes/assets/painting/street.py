"""An ancient city street: where everything stands. It runs ahead (z); the painter stands on its left under a porch."""

from dataclasses import replace

import numpy as np

from .architecture import Palette, Proportions, gate, pagoda, roof, tower
from .life import bird, branch, leaves, person, tree
from .light import Lamps
from .market import banner, board, cart, lantern, rope, sagging, stall, stone_lantern
from .materials import Stuff
from .mesh import Color, Finish, Mesh, box, join, lathe, patch
from .noise import sample, sheet
from .scene import Scene

RED: Color = (1.0, 0.085, 0.02)
DIM_RED: Color = (0.62, 0.035, 0.010)
GOLD: Color = (1.0, 0.40, 0.085)
OCHRE: Color = (0.55, 0.33, 0.06)
CREAM: Color = (0.52, 0.45, 0.32)
RUST: Color = (0.42, 0.10, 0.04)
TEAL: Color = (0.08, 0.20, 0.22)
AUTUMN: tuple[Color, ...] = ((0.50, 0.26, 0.03), (0.55, 0.36, 0.05), (0.36, 0.30, 0.05), (0.45, 0.16, 0.03))
MAPLE: tuple[Color, ...] = ((0.24, 0.06, 0.01), (0.32, 0.13, 0.02), (0.12, 0.05, 0.01))
GREEN: tuple[Color, ...] = ((0.10, 0.17, 0.04), (0.16, 0.22, 0.05), (0.22, 0.24, 0.06))
SILKS: tuple[Color, ...] = (
    (0.30, 0.05, 0.04), (0.08, 0.12, 0.22), (0.36, 0.31, 0.23), (0.055, 0.075, 0.11), (0.09, 0.16, 0.13), (0.34, 0.20, 0.07),
)  # fmt: skip


def street(rng: np.random.Generator) -> tuple[Scene, Lamps]:
    """All parts of the street, and the lamps that light it."""
    crowd, ropes, stalls, plants, hills = rng.spawn(5)
    lanterns, lamps = lanterns_and_lamps(ropes)
    near = (-0.38, 5.0, 5.0)
    parts = {
        "ground": ground(),
        "mountains": mountains(hills),
        **buildings(),
        "pillar": pillar(),
        "people": people(crowd),
        "cart": cart(crowd).moved((4.4, 0, 25), turn=62),
        "birds": join([soaring(crowd) for _ in range(15)]),
        "lanterns": lanterns,
        "near lantern": join([lantern(0.62, DIM_RED).moved(near), rope((-0.38, 8.0, 5.0), near)]),
        "market": market(stalls),
        "trees": trees(plants),
        "branch": overhanging_branch(),
    }
    return Scene.of(parts), lamps


def ground() -> Mesh:
    """The paved street; its surface coordinates are meters to the right and away."""
    x, z = np.meshgrid(np.linspace(-45, 75, 50), np.concatenate([np.linspace(-3, 20, 40), np.linspace(21, 260, 40)])[::-1])
    return patch(np.stack([x, 0 * x, z], -1), Finish(Stuff.PAVING, (0.115, 0.11, 0.115)), uv=np.stack([x, z], -1))


def mountains(rng: np.random.Generator) -> Mesh:
    """Three ranges, far off, each higher than the one before it."""
    relief = sheet(rng, 256, low=2, slope=1.1)
    bearing = np.radians(np.linspace(-60, 75, 160))
    pieces = []
    for distance, height in ((420.0, 42.0), (700.0, 95.0), (1100.0, 170.0)):
        summit = height * np.maximum(1 + 0.32 * sample(relief, 0.35 * bearing + distance, 0 * bearing + distance / 700), 0)
        share = np.array([1.0, 0.55, 0.0])[:, None]
        reach = distance * (0.9 + 0.1 * share)
        slope = np.stack([reach * np.sin(bearing), summit * share, reach * np.cos(bearing)], -1)
        pieces.append(patch(slope, Finish(Stuff.ROCK, (0.10, 0.13, 0.12))))
    return join(pieces)


def buildings() -> dict[str, Mesh]:
    """The gate and pagoda at the end, halls on both sides, and one behind the painter that only casts its shadow."""
    red = Palette()
    blue = red._replace(tile=Finish(Stuff.TILE, (0.07, 0.10, 0.14)), column=Finish(Stuff.WOOD, (0.24, 0.045, 0.035)))
    green = red._replace(tile=Finish(Stuff.TILE, (0.06, 0.13, 0.10)), column=Finish(Stuff.WOOD, (0.28, 0.06, 0.03)))
    brown = red._replace(
        tile=Finish(Stuff.TILE, (0.07, 0.10, 0.13)),
        column=Finish(Stuff.WOOD, (0.13, 0.06, 0.03)),
        ground=Finish(Stuff.LATTICE, (0.12, 0.06, 0.035)),
        upper=Finish(Stuff.PLASTER, (0.42, 0.36, 0.27)),
    )
    dark = red._replace(
        tile=Finish(Stuff.TILE, (0.05, 0.06, 0.07)),
        column=Finish(Stuff.WOOD, (0.16, 0.03, 0.02)),
        ground=Finish(Stuff.LATTICE, (0.10, 0.03, 0.02)),
        upper=Finish(Stuff.LATTICE, (0.10, 0.03, 0.02)),
        soffit=Finish(Stuff.SOFFIT, (0.07, 0.03, 0.02)),
    )
    plain = Proportions()
    main = Proportions(shrink=1.0, overhang=2.4, rise=1.8, crown=4.2, lift=1.5)
    porch = green._replace(ground=Finish(Stuff.WOOD, (0.27, 0.06, 0.04)))
    near = Proportions(shrink=0.6, overhang=2.6, rise=1.6, crown=3.6, lift=1.7)
    low = Proportions(overhang=1.9, crown=2.8)
    wall = box((26, 0, 60), (95, 4.5, 61), Finish(Stuff.PLASTER, (0.34, 0.12, 0.08)))
    coping = roof((35, 0.0), (35.5, 1.2), green, eave=4.5, rise=0.9, lift=0.3).moved((60, 0, 60.5))
    house = tower((7, 6), (4.5, 3.5), red, plain)
    return {
        "gate": gate(18, 6, 13.5, blue).moved((-1, 0, 88)),
        "pagoda": pagoda(5.4, 7, 4.9, blue).moved((17, 2, 108)),
        "hero": tower((7.2, 7), (4.4, 3.5, 3.0), red, main).moved((18.2, 0, 37)),
        "porch": tower((2.6, 2.2), (3.6,), porch, Proportions(overhang=1.3, crown=2.4, lift=1.0)).moved((15.5, 0, 28.2)),
        "right far": tower((7, 6), (4.4, 3.4), brown, plain).moved((17.5, 0, 55)),
        "right farther": tower((6, 6), (4.0, 3.0), red, low).moved((16.5, 0, 70)),
        "right near": tower((6, 5), (5.0, 4.2), dark, near).moved((20, 0, 9.5)),
        "left near": tower((5, 5), (4.0, 3.2), dark, replace(plain, shrink=0.5, crown=2.6)).moved((-11.5, 0, 15)),
        "left middle": tower((5, 6), (4.2, 2.8), brown, low).moved((-12.3, 0, 35)),
        "left far": tower((5, 6), (4.4, 3.2), red, low).moved((-13, 0, 58)),
        "behind": box((-16, 0, -26), (-4.2, 8.5, 3.0), Finish(Stuff.PLASTER, (0.1, 0.06, 0.05))),
        "wall": join([wall, coping]),
        "far houses": join([house.moved((x, 0, z)) for x, z in ((-1, 175), (36, 88), (52, 84), (66, 92))]),
        "far hall": tower((12, 9), (7, 5, 5), green, plain).moved((60, 3, 120)),
    }


def pillar() -> Mesh:
    """The porch's pillar close by, with a board: peace under heaven."""
    shaft = lathe([(0.20, 6.0), (0.21, 3.0), (0.225, 0.9)], Finish(Stuff.WOOD, (0.075, 0.028, 0.026)), sides=40)
    lacquer, gilt = Finish(Stuff.WOOD, (0.05, 0.018, 0.015)), Finish(Stuff.PLAIN, (0.42, 0.24, 0.06))
    couplet = board("天下太平", 0.2, lacquer, gilt).moved((0, 3.12, -0.27), turn=-11)
    return join([shaft, couplet]).moved((-0.38, 0, 2.9))


def people(rng: np.random.Generator) -> Mesh:
    """A few figures placed by hand near by, a loose crowd beyond."""
    placed = [(-0.75, 10.0, 195.0, "parasol", 3), (6.3, 15.5, -70.0, "straw", 4), (7.0, 15.9, 100.0, "bun", 1)]
    placed += [(1.6, 19.0, 170.0, "bun", 0), (2.3, 19.4, 190.0, "bun", 3)]
    hats = ("bun", "straw", "bun", "parasol", "bun")
    for i, z in enumerate(np.linspace(25, 82, 26)):
        x = rng.choice((-4.5, -2.5, 0.0, 5.5, 6.5)) + rng.normal(0, 0.8)
        placed.append((x, z + rng.normal(0, 1), rng.uniform(0, 360), hats[i % 5], int(rng.integers(6))))
    return join(
        [person(rng, SILKS[silk], SILKS[(silk + 2) % 6], hat).moved((x, 0, z), turn=turn) for x, z, turn, hat, silk in placed]
    )


def soaring(rng: np.random.Generator) -> Mesh:
    """One bird of the flock above the gate."""
    place = (rng.uniform(-16, 16), rng.uniform(27, 40), rng.uniform(70, 95))
    return bird(1.5, rng.uniform(-0.2, 0.8)).moved(place, turn=rng.uniform(-60, 60))


def lanterns_and_lamps(rng: np.random.Generator) -> tuple[Mesh, Lamps]:
    """Lanterns on ropes across the street and in strings before the houses, stone lanterns, and the light of all of them."""
    pieces, places, colors = [], [np.array([-0.38, 4.3, 5.0])], [2.0 * np.array(RED)]

    def hang(place: np.ndarray, size: float, color: Color) -> None:
        pieces.append(lantern(size, color).moved(place, turn=rng.uniform(0, 90)))
        places.append(place - np.array([0, 0.62 * size, 0]))
        colors.append(2.2 * size**2 * np.array(color))

    for start, end, sag in (
        ((-7, 7.2, 27), (10, 6.6, 30), 1.5),
        ((-7, 6.5, 38), (10, 7.6, 41), 1.3),
        ((-7, 7.0, 48), (11, 7.6, 50), 1.6),
        ((-7.5, 7.6, 66), (11, 7.6, 66), 1.8),
    ):
        pieces.append(rope(start, end, sag))
        for i, place in enumerate(sagging(start, end, sag, 10)[1:-1]):
            hang(place, rng.uniform(0.6, 0.85), RED if i % 3 else GOLD)
    for x, z, top, color in ((9.4, 12.2, 5.3, GOLD), (12.6, 25.6, 3.6, RED), (-6.6, 19.0, 4.6, RED), (-6.4, 9.8, 4.2, RED)):
        pieces.append(rope((x, top + 0.8, z), (x, top - 3, z)))
        for i in range(3):
            hang(np.array([x, top - 0.92 * i, z]), 0.7, color)
    for x, z in ((8.7, 10.6), (8.9, 32), (-4.9, 26)):
        pieces.append(stone_lantern().moved((x, 0, z)))
        places.append(np.array([x, 1.75, z]))
        colors.append(1.2 * np.array(GOLD))
    return join(pieces), Lamps(np.stack(places).astype(np.float32), np.stack(colors).astype(np.float32))


def market(rng: np.random.Generator) -> Mesh:
    """Stalls along both sides, and the shops' banners: tea, rice, peace under heaven."""
    pieces = []
    for x, z, width, stripes in (
        (9.0, 16.0, 4.6, (OCHRE, CREAM)),
        (8.6, 25.5, 4.0, (RUST, CREAM)),
        (9.5, 53.0, 4.0, (RUST, OCHRE)),
        (-6.2, 21.0, 4.0, (TEAL, CREAM)),
        (-6.2, 30.0, 4.4, (OCHRE, RUST)),
        (-6.4, 44.0, 4.0, (CREAM, TEAL)),
    ):
        pieces.append(stall(width, stripes * 3, rng).moved((x, 0, z), turn=90 if x > 0 else -90))
    for text, size, color, place, turn in (
        ("茶", 1.0, (0.05, 0.14, 0.12), (-5.5, 5.2, 17.5), 8),
        ("天下太平", 0.8, RUST, (-6.0, 6.0, 33), 0),
        ("天下太平", 0.85, (0.08, 0.12, 0.28), (9.9, 6.4, 27), -6),
        ("米", 0.9, OCHRE, (9.6, 5.2, 50), 0),
    ):
        pieces.append(banner(text, size, color, rng).moved(place, turn=turn))
    return join(pieces)


def trees(rng: np.random.Generator) -> Mesh:
    """Autumn trees by the gate, a green wood behind the wall on the right."""
    autumn = [tree(height, AUTUMN, rng).moved((x, 0, z)) for height, x, z in ((9, 9.5, 78), (8, -8.5, 76), (6, 9.6, 45))]
    wood = [tree(13, GREEN, rng, count=14000).moved((x, 0, z)) for x, z in ((30, 46), (36, 52), (45, 58), (34, 64))]
    return join(autumn + wood)


def overhanging_branch() -> Mesh:
    """A maple's branch along the top of the picture; its seed was chosen by eye."""
    rng = np.random.default_rng(105)
    bark = Finish(Stuff.ROCK, (0.03, 0.02, 0.02))
    wood, tips = branch(
        np.array([-2.1, 4.75, 5.6]), np.array([1.0, 0.16, 0.05]), rng, length=1.5, thick=0.045, bark=bark, depth=3
    )
    return join([*wood, leaves(np.stack(tips), MAPLE, rng, spread=0.07, count=1300, size=0.03)])
