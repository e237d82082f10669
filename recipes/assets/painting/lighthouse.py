"""A lighthouse on a headland at golden hour: a simple, bold picture, upright."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from .brush import OILS, painted
from .life import bird
from .light import Dome, Lamps, Shadow, direction
from .materials import Grain, Stuff
from .mesh import Array, Finish, Mesh, box, copies, join, lathe, patch, tube
from .noise import sample, sheet
from .picture import bloom, blurred, developed, graded
from .raster import Camera
from .render import Lighting, View, render
from .scene import Scene
from .sky import Sky

SHAPE = (1200, 900)
CAMERA = Camera((-6.0, 3.2, 0.0), 7, 13, 50)
SUN, GLOW = direction(-75, 16), direction(-28, 5)
TOWER = (9.0, 46.0)
"""Where the tower stands: x and z, meters."""
WHITE, RED = Finish(Stuff.PLASTER, (0.62, 0.59, 0.54)), Finish(Stuff.PLASTER, (0.42, 0.045, 0.03))
IRON, SLATE = Finish(Stuff.PLAIN, (0.04, 0.045, 0.05)), Finish(Stuff.TILE, (0.10, 0.065, 0.06))


def paint(scale: float = 1.0, seed: int = 31) -> Array:
    """The picture (h, w, 3), 0 … 1."""
    rng = np.random.default_rng(seed)
    shape = (round(SHAPE[0] * scale), round(SHAPE[1] * scale))
    scene, relief, ripple = headland_by_the_sea(rng)
    solid = scene.without("sea")
    sky = Sky.make(np.random.default_rng(9), SUN, GLOW)
    light = Lighting(
        sky=sky,
        sun=np.array([6.4, 3.3, 1.35], np.float32),
        shadow=Shadow.cast(solid.mesh, SUN, 2048),
        dome=Dome.of(solid.mesh, sky.radiance),
        lamps=Lamps(
            np.array([[TOWER[0], 34.5, TOWER[1] - 2], [TOWER[0] + 9, 13.4, TOWER[1] - 2.5]], np.float32),
            np.array([[6.0, 3.9, 1.6], [2.0, 1.0, 0.3]], np.float32),
        ),
        bounce=np.array([0.20, 0.17, 0.16], np.float32),
        mist=0.0012,
        beams=0.004,
        cloud_shift=(0.0, 0.0),
        glow=3.0,
    )
    grain = Grain.make(rng)
    view = render(scene, CAMERA, (2 * shape[0], 2 * shape[1]), light, grain, seed=seed).halved()
    wet = view.part == scene.number("sea")
    near_water = blurred(wet.astype(np.float32), 12 * scale) > 0
    mirror = render(solid, CAMERA, shape, light, grain, seed=seed + 1, mirrored=True, where=near_water)
    water, angle = waves(np.where(wet, view.depth, 1.0), mirror, sky, relief=relief, ripple=ripple)
    radiance = np.where(wet[..., None], water, view.radiance)
    target = developed(bloom(radiance, 0.6, (4 * scale, 16 * scale, 50 * scale)), 0.72)
    target = graded(target, contrast=0.25, saturation=1.1, shadows=(-0.01, 0.002, 0.025), lights=(0.02, 0, -0.03))
    angle = np.where(wet, angle, view.angle)
    return painted(target, view.part, OILS, rng, scale=scale, angle=angle, impasto=0.15, detail=0.45)


def headland_by_the_sea(rng: np.random.Generator) -> tuple[Scene, Array, Array]:
    """The scene, and the sheets of noise that shape its rocks and its waves."""
    relief, ripple = sheet(rng, 512, low=2, high=60, slope=1.9), sheet(rng, 512, low=3, high=48, slope=1.7)
    parts = {"sea": sea(), "headland": headland(relief), "tower": tower(), "cottage": cottage(), "gulls": gulls(rng)}
    return Scene.of(parts), relief, ripple


def land(x: Array, z: Array, relief: Array) -> Array:
    """The height of the headland over the sea, in meters: rough ledges, and a level place for the tower."""
    away = np.hypot((x - TOWER[0] - 6) / 1.35, z - TOWER[1] - 4)
    bulk = 13 * np.clip(1.2 - away / 24, -0.6, 1) + 2.4 * sample(relief, x / 75, z / 75)
    ledges = 0.6 * np.round(bulk / 2.4) * 2.4 + 0.4 * bulk
    rough = sample(relief, x / 40 + 0.3, z / 40) + 0.55 * sample(relief, x / 15, z / 15)
    top = np.clip((9 - np.hypot(x - TOWER[0], z - TOWER[1])) / 5, 0, 1)
    return (ledges + rough * (1 - 0.85 * top)) * (1 - top) + top * 12.2


def headland(relief: Array) -> Mesh:
    """The rocks, dark where they are wet, with grass on top."""
    x, z = np.meshgrid(np.linspace(-32, 70, 190), np.linspace(90, 14, 150))
    mesh = patch(np.stack([x, land(x, z, relief), z], -1), Finish(Stuff.ROCK, (0.17, 0.13, 0.105)))
    height, level = mesh.points[..., 1].mean(1), np.abs(mesh.normals[..., 1].mean(1))
    grass = (np.clip((height - 6.5) / 2, 0, 1) * np.clip((level - 0.75) / 0.15, 0, 1))[:, None]
    wet = np.clip((1.6 - height) / 1.2, 0, 1)[:, None]
    tint = mesh.tint * (1 - 0.6 * wet) + grass * (np.array([0.11, 0.14, 0.045]) - mesh.tint)
    return replace(mesh, tint=tint.astype(np.float32)).where(mesh.points[..., 1].max(1) > -0.3)


def tower() -> Mesh:
    """A white tower with red bands, a gallery, and the lantern under a domed roof."""
    edges = np.linspace(0, 21, 8)
    pieces = [
        lathe([(3.1 - 0.048 * high, high), (3.1 - 0.048 * low, low)], (WHITE, RED)[i % 2], sides=48)
        for i, (low, high) in enumerate(pairwise(edges))
    ]
    dome = [(0.0, 26.6), (0.10, 26.2), (0.14, 25.7), (0.5, 25.6), (1.35, 24.9), (1.9, 24.1), (1.8, 23.9), (0.0, 23.9)]
    pieces.append(lathe([(2.1, 21.0), (3.1, 20.8), (3.1, 20.4), (2.2, 19.6)], IRON, sides=32))
    pieces.append(lathe([(2.0, 21.3), (2.0, 20.9)], WHITE, sides=32))
    pieces.append(lathe([(1.35, 24.0), (1.35, 21.0)], Finish(Stuff.GLOW, (1.0, 0.72, 0.32)), sides=20))
    pieces.append(lathe(dome, RED, sides=32))
    angle = np.linspace(0, 2 * np.pi, 25)
    round_about = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], -1)
    pieces.append(copies(box((-0.05, 20.9, -0.05), (0.05, 22.0, 0.05), IRON), 3.0 * round_about[:-1]))
    pieces.append(copies(box((-0.06, 21.0, -0.06), (0.06, 24.0, 0.06), IRON), 1.42 * round_about[:-1:3]))
    pieces += [tube(3.0 * round_about + [0, height, 0], 0.05, IRON) for height in (21.4, 22.0)]
    for height, turn in ((4.5, -10), (10.0, -25), (15.5, -5)):
        face = 0.05 * height - 3.15
        pieces.append(box((-0.35, height, face), (0.35, height + 1.3, -2.6), IRON).moved(turn=turn))
        pieces.append(box((-0.5, height - 0.12, face - 0.1), (0.5, height, -2.6), WHITE).moved(turn=turn))
    pieces.append(box((-0.6, 0, -3.3), (0.6, 2.2, -2.8), Finish(Stuff.BOARDS, (0.08, 0.12, 0.13))).moved(turn=20))
    return join(pieces).moved((TOWER[0], 12.0, TOWER[1]))


def cottage() -> Mesh:
    """The keeper's house, its windows lit."""
    lit, brick = Finish(Stuff.GLOW, (0.9, 0.48, 0.14)), Finish(Stuff.ASHLAR, (0.25, 0.2, 0.17))
    slopes = np.array([[(x, y, z) for x in (-4.4, 4.4)] for y, z in ((2.9, -3.0), (5.2, 0.0), (2.9, 3.0))])
    pieces = [box((-4, -1.5, -2.6), (4, 3.0, 2.6), WHITE), patch(slopes, SLATE, smooth=False)]
    for x in (-4, 4):
        gable = np.array([[(x, 5.15, 0.0), (x, 5.15, 0.0)], [(x, 3.0, -2.6), (x, 3.0, 2.6)]])
        pieces.append(patch(gable, WHITE, smooth=False))
    pieces += [box((x - 0.5, 1.1, -2.66), (x + 0.5, 2.3, -2.5), lit) for x in (-2.4, 0.4, 2.6)]
    pieces.append(box((1.8, 4.2, -0.5), (2.7, 6.4, 0.5), brick))
    return join(pieces).moved((TOWER[0] + 10.5, 11.6, TOWER[1] + 3), turn=12)


def gulls(rng: np.random.Generator) -> Mesh:
    """A few birds to the left of the tower."""
    flock = []
    for _ in range(11):
        place = (rng.uniform(-20, 3), rng.uniform(16, 32), rng.uniform(28, 45))
        flock.append(bird(1.5, rng.uniform(0, 0.8)).moved(place, turn=rng.uniform(-80, 80)))
    return join(flock)


def sea() -> Mesh:
    """The level of the water, out to the horizon."""
    bearing, distance = np.meshgrid(np.radians(np.linspace(-40, 55, 20)), np.geomspace(1800, 3, 20))
    level = np.stack([CAMERA.eye[0] + distance * np.sin(bearing), 0 * distance, distance * np.cos(bearing)], -1)
    return patch(level, Finish(Stuff.WATER, (0.02, 0.06, 0.08)))


def waves(depth: Array, mirror: View, sky: Sky, *, relief: Array, ripple: Array) -> tuple[Array, Array]:
    """The light of the sea (h, w, 3): rocks and sky mirrored in swell and ripples, foam; and the dabs' angle (h, w)."""
    height_px, width_px = depth.shape
    views, reach = CAMERA.rays(depth.shape), depth.clip(0, 2000)
    x, z = CAMERA.eye[0] + views[..., 0] * reach, CAMERA.eye[2] + views[..., 2] * reach

    def height(x: Array, z: Array) -> Array:
        swell = 0.24 * np.sin(z / 1.3 + x / 9 + 1.6 * sample(ripple, x / 120, z / 60))
        return swell + 0.20 * sample(ripple, x / 60, z / 22) + 0.035 * sample(ripple, x / 14 + 0.2, z / 6)

    here, calm, step = height(x, z), 1 / (1 + reach / 120), 0.05 + reach / 1500
    slope_x, slope_z = (height(x + step, z) - here) / step * calm, (height(x, z + step) - here) / step * calm
    normal = np.stack([-slope_x, np.ones_like(x), -slope_z], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    facing = -(views * normal).sum(-1, keepdims=True)
    bounced = views + 2 * facing * normal
    bounced[..., 1] = np.abs(bounced[..., 1]) + 0.02
    fresnel = 0.03 + 0.97 * np.clip(1 - np.abs(facing), 0, 1) ** 5
    row, column = np.indices(depth.shape)
    row = (row + 0.05 * height_px * slope_z).astype(int).clip(0, height_px - 1)
    column = (column + 0.05 * width_px * slope_x).astype(int).clip(0, width_px - 1)
    solid = np.isfinite(mirror.depth)[row, column, None]
    deep = (
        np.array([0.012, 0.055, 0.085], np.float32) + np.array([0.0, 0.06, 0.06], np.float32) * np.clip(here, 0, 1)[..., None]
    )
    color = deep + fresnel * np.where(solid, mirror.radiance[row, column], sky.radiance(bounced))
    shore = land(x, z, relief) + 0.5 * here + 0.6 * sample(ripple, x / 30, z / 30)
    wash = np.clip((shore + 3.2) / 2.4, 0, 1) * np.clip(0.45 + 0.8 * np.sin(3.2 * shore), 0, 1)
    crest = calm * np.clip(4 * here - 1.6, 0, 1) * np.clip(0.8 * sample(ripple, x / 21, z / 9), 0, 1)
    foam = np.clip(np.clip((shore + 1.3) / 0.5, 0, 1) + wash + 0.5 * crest, 0, 0.85)[..., None]
    return (color + foam * (np.array([0.62, 0.56, 0.55], np.float32) - color)).astype(np.float32), 0.25 * slope_x
