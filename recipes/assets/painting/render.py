"""The underpainting: a scene seen by a camera, lit and colored, as linear light."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from .light import Dome, Lamps, Shadow, shafts
from .materials import MATERIALS, Grain, Relief, Stuff
from .mesh import Array, Mesh
from .noise import sample
from .picture import halved
from .raster import Camera, Charts, Surface, look, surface
from .scene import SKY, Scene
from .sky import Sky

ROWS_AT_ONCE = 48
"""Rows of the picture shaded in one go: bounds the memory."""
WINDOW_LIGHT = np.array([1.0, 0.52, 0.16], np.float32)
AIR = np.array([0.30, 0.40, 0.62], np.float32)
"""The color that distance lends, besides that of the sky."""


@dataclass(frozen=True)
class Lighting:
    """All light of a scene. Colors are linear RGB.

    `bounce` is what the ground throws back; `mist` the part of the light that a meter of air takes, `beams` the part of
    the sun's that it scatters; `cloud_shift` moves the clouds' shadows; `glow` is the strength of lanterns.
    """

    sky: Sky
    sun: Array
    shadow: Shadow
    dome: Dome
    lamps: Lamps
    bounce: Array
    mist: float
    beams: float
    cloud_shift: tuple[float, float]
    glow: float

    def sunlight(self, position: Array, normal: Array, rng: np.random.Generator) -> Array:
        """The share of the sun that reaches points (n, 3): past other surfaces, and through the clouds (0.25 … 1)."""
        across = position @ self.shadow.axes[:2].T / 150 + np.array(self.cloud_shift, np.float32)
        clouds = np.clip(0.8 + 0.9 * sample(self.sky.drift, across[:, 0], across[:, 1]), 0.25, 1)
        return clouds * self.shadow.lit(position, normal, rng, blur=0.05, taps=4)


@dataclass(frozen=True)
class View:
    """Radiance (h, w, 3); the part of the scene (h, w); depth in meters (h, w); the brush's direction (h, w), radians.

    Where there is only sky, the depth is infinite and the direction not a number.
    """

    radiance: Array
    part: Array
    depth: Array
    angle: Array

    def halved(self) -> "View":
        """The view at half the size: radiance averaged, the rest taken from every second pixel."""
        return View(halved(self.radiance), self.part[::2, ::2], self.depth[::2, ::2], self.angle[::2, ::2])


def render(
    scene: Scene,
    camera: Camera,
    shape: tuple[int, int],
    light: Lighting,
    grain: Grain,
    *,
    seed: int,
    mirrored: bool = False,
    where: Array | None = None,
) -> View:
    """The view of a scene, or of its mirror image in the plane y = 0 (what still water shows), on the pixels `where`."""
    mesh = scene.mesh
    seen = replace(mesh, points=mesh.points * [1, -1, 1]) if mirrored else mesh
    triangle = look(seen, camera, shape)
    if where is not None:
        triangle = np.where(where, triangle, -1)
    charts = Charts.of(mesh)
    flip = np.array([1, -1 if mirrored else 1, 1], np.float32)
    eye = np.asarray(camera.eye, np.float32) * flip
    pixel = 2 * np.tan(np.radians(camera.view) / 2) / shape[1]
    radiance = np.zeros((*shape, 3), np.float32)
    depth = np.full(shape, np.inf, np.float32)
    angle = np.full(shape, np.nan, np.float32)

    def shade_rows(top: int) -> None:
        rows = slice(top, min(top + ROWS_AT_ONCE, shape[0]))
        rng = np.random.default_rng((seed, top))
        views = camera.rays(shape, rows) * flip
        radiance[rows] = light.sky.radiance(views)
        solid = triangle[rows] >= 0
        if solid.any():
            found = surface(charts, triangle[rows][solid], eye, views[solid])
            radiance[rows][solid] = through_air(shade(mesh, found, light, grain, rng, pixel=pixel), found, eye, light, rng)
            depth[rows][solid] = found.depth
            angle[rows][solid] = brush_angle(found, camera)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(shade_rows, range(0, shape[0], ROWS_AT_ONCE)))
    return View(radiance, np.where(triangle >= 0, scene.part[triangle], SKY), depth, angle)


def shade(mesh: Mesh, seen: Surface, light: Lighting, grain: Grain, rng: np.random.Generator, *, pixel: float) -> Array:
    """The light (n, 3) that surfaces send to the eye: sun, sky, lamps and light thrown back by the ground; their own glow.

    `pixel` is the angle of a pixel: relief that is finer than pixels is left out.
    """
    (u, v), stuff, tint = seen.uv.T, mesh.material[seen.triangle], mesh.tint[seen.triangle]
    albedo, normal, glow = tint.copy(), seen.normal.copy(), np.zeros_like(tint)
    gloss, through = np.zeros((2, len(u)), np.float32)
    footprint = seen.depth * pixel / np.maximum(np.abs((seen.normal * seen.view).sum(1)), 0.08)
    for kind in np.unique(stuff):
        of = np.flatnonzero(stuff == kind)
        material = MATERIALS[Stuff(kind)]
        albedo[of] *= material.color(u[of], v[of], grain)
        gloss[of], through[of] = material.gloss, material.through
        if material.relief is not None:
            fade = np.clip(1.3 - 2.2 * footprint[of] / material.period, 0, 1)
            normal[of] -= fade[:, None] * slopes(material.relief, u[of], v[of], seen.uv_slope[of])
        if material.glow is not None:
            lit = WINDOW_LIGHT if kind == Stuff.LATTICE else tint[of] * light.glow
            glow[of] = material.glow(u[of], v[of])[:, None] * lit
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    facing = normal @ light.sky.sun
    open_sun = light.sunlight(seen.position, seen.normal, rng)
    sun = open_sun * np.maximum(facing, through * np.abs(facing))
    upward = (0.5 - 0.5 * normal[:, 1]) * np.exp(-np.maximum(seen.position[:, 1], 0) / 14)
    total = sun[:, None] * light.sun + upward[:, None] * light.bounce
    total += light.dome.light(seen.position, normal, rng) + light.lamps.light(seen.position, normal)
    halfway = light.sky.sun - seen.view
    halfway /= np.linalg.norm(halfway, axis=1, keepdims=True)
    shine = 3 * gloss * np.maximum((normal * halfway).sum(1), 0) ** 40 * (sun > 0)
    return albedo * total + shine[:, None] * light.sun + glow


def slopes(relief: Relief, u: Array, v: Array, uv_slope: Array, step: float = 0.012) -> Array:
    """The gradient in space (n, 3) of a relief over surface coordinates."""
    at = relief(u, v)
    du, dv = (relief(u + step, v) - at) / step, (relief(u, v + step) - at) / step
    return du[:, None] * uv_slope[:, :, 0] + dv[:, None] * uv_slope[:, :, 1]


def through_air(color: Array, seen: Surface, eye: Array, light: Lighting, rng: np.random.Generator) -> Array:
    """Aerial perspective: distance fades colors into the sky behind them, and beams of sun light up the dust."""
    low = np.exp(-np.maximum(seen.position[:, 1], 0) / 60)
    clear = np.exp(-seen.depth * light.mist * (0.4 + 0.6 * low))[:, None]
    level = seen.view * np.array([1, 0.35, 1], np.float32) + np.array([0, 0.10, 0], np.float32)
    horizon = light.sky.clear(level / np.linalg.norm(level, axis=1, keepdims=True))
    beam = shafts(eye, seen.view, seen.depth, light.shadow, rng, reach=90)[:, None]
    return color * clear + (0.51 * horizon + 0.34 * AIR) * (1 - clear) + beam * light.sun * light.beams


def brush_angle(seen: Surface, camera: Camera) -> Array:
    """The direction on the picture, in radians, of the surface's u axis: how a painter's hand would follow the form."""
    axes = camera.axes().astype(np.float32).T
    (right, up, ahead), (view_right, view_up, view_ahead) = (seen.uv_slope[:, :, 0] @ axes).T, (seen.view @ axes).T
    return np.arctan2(ahead * view_up / view_ahead - up, right - ahead * view_right / view_ahead)
