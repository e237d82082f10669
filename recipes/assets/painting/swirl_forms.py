"""The forms of the blue swirls, placed by hand on 1200×800 pixels: ribbons, spirals and drops, and their bands of color."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bristle import Array, Bands, evenly, normals, spline

SHAPE = (800, 1200)
NAVY, ULTRA, COBALT, CERULEAN, TURQUOISE, AQUA, CREAM = (
    np.array([0.03, 0.04, 0.24]),
    np.array([0.06, 0.12, 0.52]),
    np.array([0.08, 0.27, 0.74]),
    np.array([0.15, 0.52, 0.84]),
    np.array([0.21, 0.70, 0.78]),
    np.array([0.55, 0.86, 0.84]),
    np.array([0.96, 0.96, 0.89]),
)
SWEEP: Bands = (
    (0.0, NAVY), (0.10, NAVY), (0.18, ULTRA), (0.34, COBALT), (0.46, CERULEAN), (0.54, AQUA), (0.58, CREAM), (0.63, AQUA),
    (0.72, TURQUOISE), (0.82, COBALT), (0.90, NAVY), (1.0, NAVY),
)  # fmt: skip
COIL: Bands = (
    (0.0, NAVY), (0.14, NAVY), (0.22, COBALT), (0.36, CERULEAN), (0.50, TURQUOISE), (0.60, CREAM), (0.70, AQUA),
    (0.80, CERULEAN), (0.88, NAVY), (1.0, NAVY),
)  # fmt: skip
CALM: Bands = ((0.0, NAVY), (0.1, ULTRA), (0.2, TURQUOISE), (0.55, AQUA), (0.75, TURQUOISE), (0.88, COBALT), (1.0, NAVY))
DEEP: Bands = ((0.0, NAVY), (0.2, ULTRA), (0.5, COBALT), (0.65, CERULEAN), (0.8, ULTRA), (1.0, NAVY))
GLINT: Bands = ((0.0, CERULEAN), (0.5, CREAM), (1.0, AQUA))
CORE: Bands = ((0.0, NAVY), (0.15, COBALT), (0.3, CERULEAN), (0.5, AQUA), (0.7, CERULEAN), (0.85, COBALT), (1.0, NAVY))
"""Bands across a ribbon, from edge to edge."""
HEARTS: tuple[Bands, ...] = (
    ((0.0, CREAM), (0.16, CREAM), (0.30, AQUA), (0.52, TURQUOISE), (0.70, CERULEAN), (0.82, COBALT), (0.90, NAVY), (1.0, NAVY)),
    ((0.0, CREAM), (0.10, AQUA), (0.34, CERULEAN), (0.50, AQUA), (0.56, CERULEAN), (0.74, COBALT), (0.86, ULTRA), (1.0, NAVY)),
    ((0.0, CREAM), (0.26, CREAM), (0.40, AQUA), (0.80, TURQUOISE), (0.90, COBALT), (0.95, NAVY), (1.0, NAVY)),
    ((0.0, AQUA), (0.14, CERULEAN), (0.34, COBALT), (0.46, ULTRA), (0.52, AQUA), (0.60, TURQUOISE),
     (0.74, CERULEAN), (0.9, NAVY), (1.0, NAVY)),
)  # fmt: skip
"""Bands inside a drop, from the middle to the outline."""
HALOS: tuple[Bands, ...] = (
    ((0.0, NAVY), (0.12, ULTRA), (0.25, COBALT), (0.42, CERULEAN), (0.52, AQUA), (0.60, CERULEAN), (0.75, COBALT),
     (0.9, ULTRA), (1.0, NAVY)),
    ((0.0, NAVY), (0.20, NAVY), (0.30, TURQUOISE), (0.55, AQUA), (0.66, TURQUOISE), (0.80, COBALT), (0.92, NAVY), (1.0, NAVY)),
    ((0.0, NAVY), (0.25, ULTRA), (0.50, COBALT), (0.60, CERULEAN), (0.68, CREAM), (0.76, CERULEAN), (0.88, ULTRA), (1.0, NAVY)),
    ((0.0, NAVY), (0.4, NAVY), (0.6, ULTRA), (0.85, NAVY), (1.0, NAVY)),
)  # fmt: skip
"""Bands about a drop, from outside to its outline."""


@dataclass(frozen=True)
class Ribbon:
    """A broad band through points."""

    points: Sequence[tuple[float, float]]
    width: float
    bands: Bands


@dataclass(frozen=True)
class Spiral:
    """A ribbon wound about a center (turns < 0: to the left); at `radius` and the angle π·`leave` it runs on into its tail."""

    center: tuple[float, float]
    radius: float
    turns: float
    leave: float
    tail: Sequence[tuple[float, float]]
    width: float

    def spine(self) -> Array:
        """The line of the ribbon, (160, 2), from the center outwards."""
        t = np.linspace(0, 1, int(36 * abs(self.turns)))[:, None]
        angle = np.pi * self.leave + 2 * np.pi * self.turns * (t - 1)
        reach = self.radius * (0.05 + 0.95 * t**1.1)
        wound = np.asarray(self.center) + reach * np.concatenate([np.cos(angle), np.sin(angle)], 1)
        rest = spline([wound[-6], wound[-1], *self.tail], 60)
        return evenly(np.concatenate([wound[:-6], rest]), 160)


@dataclass(frozen=True)
class Drop:
    """A round head of a radius at the first point, a tail that narrows along the points, a halo `halo` wide about both."""

    points: Sequence[tuple[float, float]]
    radius: float
    halo: float
    heart_bands: Bands
    halo_bands: Bands


def outline(spine: Array, radius: Array) -> Array:
    """The outline of a drop: up one side of the spine, round its first point, and back down the other side."""
    normal = normals(spine)
    angle = np.linspace(0, np.pi, 24)[1:-1, None]
    behind = np.array([-normal[0, 1], normal[0, 0]])
    cap = spine[0] + radius[0] * (np.cos(angle) * normal[0] + np.sin(angle) * behind)
    side = radius[:, None] * normal
    return np.concatenate([(spine + side)[::-1], cap, spine - side])


RIBBONS = (
    Ribbon([(-60, 330), (60, 300), (180, 290), (290, 240), (370, 120), (420, -60)], 120, DEEP),
    Ribbon([(-60, 470), (60, 520), (210, 570), (360, 560), (480, 470), (560, 330), (600, 160), (590, -60)], 150, CALM),
    Ribbon([(-60, 720), (120, 700), (300, 640), (470, 660), (620, 730), (780, 760), (900, 860)], 130, DEEP),
    Ribbon([(740, -60), (690, 90), (720, 240), (790, 380), (740, 520), (640, 600), (560, 700), (540, 860)], 130, SWEEP),
    Ribbon([(1260, 30), (1130, 30), (990, 90), (950, 230), (1000, 360), (1110, 420), (1260, 400)], 130, CALM),
    Ribbon([(1260, 520), (1130, 500), (1060, 580), (1060, 700), (980, 780), (900, 860)], 120, DEEP),
    Ribbon([(830, -60), (900, 60), (930, 200), (910, 350), (980, 450), (1120, 480), (1260, 470)], 80, SWEEP),
)
SPIRALS = (
    Spiral((215, 420), 92, -2.3, 0.5, [(330, 525), (440, 480), (520, 380), (590, 260), (610, 120), (560, -40)], 34),
    Spiral((900, 590), 108, 2.4, 0.5, [(760, 690), (640, 640), (520, 600), (390, 640), (250, 690), (100, 670), (-40, 600)], 38),
    Spiral((1085, 150), 72, -2.1, 1.0, [(1010, 250), (1020, 350), (1100, 410), (1240, 400)], 26),
    Spiral((640, 470), 52, 2.0, 1.5, [(760, 430), (800, 320), (740, 200), (700, 90), (740, -40)], 20),
    Spiral((95, 720), 50, 1.9, 1.6, [(200, 640), (320, 620), (420, 560)], 18),
    Spiral((770, 70), 38, -1.8, 1.3, [(690, 130), (640, 220), (560, 300)], 15),
    Spiral((1140, 640), 52, -2.0, 0.5, [(1190, 690), (1240, 640)], 20),
    Spiral((330, 745), 30, -1.6, 0.6, [(390, 770), (470, 740), (540, 770)], 12),
    Spiral((505, 55), 30, 1.6, 1.0, [(470, 20), (430, -20)], 12),
)
DROPS = (
    Drop([(425, 150), (370, 250), (270, 290), (150, 290), (50, 360)], 84, 40, HEARTS[0], HALOS[0]),
    Drop([(865, 195), (870, 320), (820, 430), (740, 510), (690, 600)], 92, 58, HEARTS[2], HALOS[0]),
    Drop([(95, 110), (160, 190), (260, 180), (310, 90), (300, -10)], 58, 52, HEARTS[1], HALOS[1]),
    Drop([(1000, 420), (1060, 500), (1160, 500), (1230, 440)], 56, 24, HEARTS[2], HALOS[3]),
    Drop([(480, 690), (390, 720), (280, 700), (200, 740)], 40, 44, HEARTS[1], HALOS[2]),
    Drop([(500, 560), (420, 590), (330, 580), (260, 610)], 40, 16, HEARTS[2], HALOS[3]),
    Drop([(690, 740), (610, 760), (540, 710), (470, 640)], 48, 26, HEARTS[3], HALOS[1]),
    Drop([(40, 590), (100, 600), (170, 570), (230, 590)], 36, 30, HEARTS[0], HALOS[2]),
    Drop([(960, 60), (905, 70), (860, 40), (840, -20)], 38, 14, HEARTS[2], HALOS[3]),
    Drop([(1160, 290), (1110, 310), (1050, 290), (1010, 230)], 34, 32, HEARTS[3], HALOS[0]),
    Drop([(640, 330), (690, 290), (700, 220), (670, 160)], 42, 18, HEARTS[0], HALOS[3]),
    Drop([(230, 60), (190, 60), (150, 30), (140, -20)], 22, 18, HEARTS[1], HALOS[1]),
    Drop([(1050, 740), (990, 770), (920, 760), (860, 720)], 36, 34, HEARTS[0], HALOS[1]),
    Drop([(560, 230), (555, 150), (590, 80), (640, 40)], 30, 26, HEARTS[1], HALOS[2]),
    Drop([(340, 400), (370, 450), (430, 450), (470, 400)], 30, 14, HEARTS[2], HALOS[3]),
    Drop([(765, 605), (740, 560), (770, 500), (830, 460)], 24, 18, HEARTS[3], HALOS[1]),
    Drop([(1165, 40), (1190, 80), (1180, 140), (1220, 180)], 28, 14, HEARTS[2], HALOS[3]),
    Drop([(50, 440), (90, 455), (130, 440)], 30, 20, HEARTS[3], HALOS[2]),
)
