"""An ancient city street at golden hour, and the mask of its sky and its foremost pillar."""

import numpy as np

from .brush import OILS, painted
from .light import Dome, Shadow, direction
from .masks import hanging_together
from .materials import Grain, paving
from .noise import sample
from .picture import Array, bloom, developed, graded, halved, smeared
from .raster import Camera
from .render import Lighting, render
from .scene import SKY, Scene
from .sky import Sky
from .street import street

SHAPE = (1080, 1920)
CAMERA = Camera((0.6, 2.1, 0.0), 11, 9, 70)
SUN, GLOW = direction(-138, 27), direction(-2, 9)
KEPT = ("mountains", "birds", "branch", "pillar")
"""What the mask keeps as it is, besides the sky."""


def paint(scale: float = 1.0, seed: int = 7) -> tuple[Array, Array]:
    """The picture (h, w, 3) and its mask (h, w), 0 … 1: 1 where a style may go, 0 for the sky, the pillar and the like."""
    shape = (round(SHAPE[0] * scale), round(SHAPE[1] * scale))
    rng = np.random.default_rng(seed)
    scene, lamps = street(rng)
    solid = scene.without("ground", "mountains").mesh
    sky = Sky.make(np.random.default_rng(5), SUN, GLOW)
    light = Lighting(
        sky=sky,
        sun=np.array([6.2, 3.7, 1.7], np.float32),
        shadow=Shadow.cast(solid, SUN, 3072),
        dome=Dome.of(solid, sky.radiance),
        lamps=lamps,
        bounce=np.array([0.52, 0.37, 0.25], np.float32),
        mist=0.0022,
        beams=0.009,
        cloud_shift=(0.86, 0.62),
        glow=1.25,
    )
    grain = Grain.make(rng)
    fine = render(scene, CAMERA, (2 * shape[0], 2 * shape[1]), light, grain, seed=seed)
    view = fine.halved()
    wet = view.part == scene.number("ground")
    mirror = render(scene.without("ground"), CAMERA, shape, light, grain, seed=seed + 1, mirrored=True, where=wet)
    radiance = wetted(view.radiance, mirror.radiance, wet, view.depth, grain)
    target = developed(bloom(radiance, 0.5, (4 * scale, 14 * scale, 40 * scale)), 0.75)
    target = graded(target, contrast=0.25, saturation=1.08, shadows=(-0.012, 0, 0.022), lights=(0.02, 0, -0.03))
    picture = painted(target, view.part, OILS, rng, scale=scale, angle=view.angle, impasto=0.1, detail=0.5)
    return picture, halved(1 - kept(fine.part, scene).astype(np.float32))


def kept(part: Array, scene: Scene) -> Array:
    """Where the mask keeps the picture as it is (h, w): the open sky with what is in it, and the pillar.

    Sky that only glints through between roofs and leaves does not count.
    """
    whole = np.isin(part, [SKY, *(scene.number(name) for name in KEPT)])
    top = np.zeros_like(whole)
    top[0] = True
    return hanging_together(whole, top)


def wetted(radiance: Array, mirror: Array, wet: Array, depth: Array, grain: Grain) -> Array:
    """The street with what it mirrors: more at grazing angles and in puddles, drawn out vertically by the rough stones."""
    views = CAMERA.rays(wet.shape)
    reach = np.where(wet, depth, 0)
    x, z = CAMERA.eye[0] + views[..., 0] * reach, CAMERA.eye[2] + views[..., 2] * reach
    fresnel = 0.05 + 0.95 * np.clip(1 + views[..., 1], 0, 1) ** 5.5
    stain = 0.60 + 0.75 * sample(grain.stain, x / 26, z / 40) + 0.10 * sample(grain.fine, x / 5, z / 5)
    slab = np.clip(paving(x.ravel(), z.ravel(), grain).mean(1).reshape(wet.shape), 0, 1.2)
    puddle = ((0.35 + 0.75 * slab) * np.clip(stain, 0.10, 1) * wet)[..., None]
    smear, share = mirror * wet[..., None], wet[..., None].astype(np.float32)
    for rows in (2, 6):
        smear, share = (smeared(image, rows * wet.shape[0] / SHAPE[0], 0) for image in (smear, share))
    share_mirrored = np.clip(1.1 * fresnel, 0, 0.85)[..., None] * puddle
    return radiance * (1 - 0.45 * puddle) + share_mirrored * smear / np.maximum(share, 1e-3)
