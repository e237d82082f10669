"""Semantic maps: what lies where in the lighthouse, and a doodle of another coast in the same colors."""

import numpy as np

from . import lighthouse
from .noise import sample, sheet
from .picture import Array
from .raster import look
from .scene import SKY

COLORS = {
    "sky": np.array([0.60, 0.80, 1.00], np.float32),
    "sea": np.array([0.00, 0.20, 0.60], np.float32),
    "rock": np.array([0.60, 0.40, 0.20], np.float32),
    "building": np.array([0.80, 0.00, 0.00], np.float32),
}
"""The color of each label, the same in both maps."""
LABELS = {"sea": "sea", "headland": "rock", "tower": "building", "cottage": "building"}
"""The label of each part of the lighthouse's scene; the gulls are left out, and what is behind them counts."""
SHAPE = (768, 1024)
HORIZON = 500

Outline = tuple[tuple[float, float], ...]
TOWER: Outline = ((60, 0), (70, 18), (86, 25), (90, 19), (124, 19), (126, 35), (146, 35), (156, 24), (330, 36))
"""Half its width by height, in pixels from the top."""
CAPE: Outline = ((0, 345), (60, 300), (150, 288), (240, 300), (330, 340), (390, 430), (420, 560), (440, 640))
"""The height of its edge from left to right, in pixels."""
ARCH: Outline = ((300, 50), (340, 95), (480, 125), (600, 160))
GATE: Outline = ((395, 0), (410, 26), (450, 45), (600, 62))
STACK: Outline = ((380, 5), (410, 17), (590, 36))


def style_map(scale: float = 1.0, seed: int = 31) -> Array:
    """What lies where in the lighthouse (h, w, 3), by color."""
    shape = round(lighthouse.SHAPE[0] * scale), round(lighthouse.SHAPE[1] * scale)
    scene, _, _ = lighthouse.headland_by_the_sea(np.random.default_rng(seed))
    scene = scene.without("gulls")
    triangle = look(scene.mesh, lighthouse.CAMERA, shape)
    part = np.where(triangle >= 0, scene.part[triangle], SKY)
    picture = np.broadcast_to(COLORS["sky"], (*shape, 3)).copy()
    for name, label in LABELS.items():
        picture[part == scene.number(name)] = COLORS[label]
    return picture


def silhouette(scale: float = 1.0, seed: int = 31) -> Array:
    """Where the lighthouse's rock and buildings are (h, w): 1 there, 0 in sky and sea."""
    labels = style_map(scale, seed)
    solid = [(labels == COLORS[label]).all(-1) for label in ("rock", "building")]
    return np.float32(np.logical_or(*solid))


def target_map(scale: float = 1.0, seed: int = 3) -> Array:
    """A cape with a tower, an arch and a stack in the sea (h, w, 3), by color."""
    shape = round(SHAPE[0] * scale), round(SHAPE[1] * scale)
    y, x = (np.indices(shape, np.float32) + 0.5) / scale
    noise = sheet(np.random.default_rng(seed), 256, low=3, high=16, slope=1.2)
    rough_x, rough_y = x + 8 * sample(noise, x / 900, y / 900), y + 8 * sample(noise, x / 900 + 0.5, y / 900)
    heights, edge = np.array(CAPE).T[1], np.array(CAPE).T[0]
    cape = (rough_y > np.interp(rough_x, edge, heights, right=1e9)) & (rough_y < 640 - 0.12 * rough_x)
    arch = upright(rough_x, rough_y, 730, ARCH) & ~upright(rough_x, rough_y, 745, GATE)
    picture = np.where((y > HORIZON)[..., None], COLORS["sea"], COLORS["sky"])
    picture[cape | arch | upright(rough_x, rough_y, 940, STACK)] = COLORS["rock"]
    picture[upright(x, y, 165, TOWER)] = COLORS["building"]
    return picture


def upright(x: Array, y: Array, axis: float, outline: Outline) -> Array:
    """Where a symmetrical shape about a vertical axis is (h, w), by half its width at some heights."""
    heights, halves = np.array(outline).T
    return np.abs(x - axis) < np.interp(y, heights, halves, left=0, right=0)
