"""A sky at golden hour: a gradient, high streaks, heaped clouds lit from the side."""

from dataclasses import dataclass

import numpy as np

from .noise import Array, billows, sample, sheet

ZENITH, MIDDLE, HAZE = np.array([[0.035, 0.11, 0.34], [0.13, 0.30, 0.62], [0.95, 0.62, 0.34]], np.float32)
STREAK, LIT, SHADED = np.array([[1.0, 0.88, 0.74], [1.50, 1.02, 0.58], [0.125, 0.16, 0.27]], np.float32)
BURNING = np.array([0.40, 0.19, 0.05], np.float32)
"""What the shaded side of clouds gains toward the glow. All colors are linear RGB."""


@dataclass(frozen=True)
class Sky:
    """`sun` points to the light, `glow` to the brightest part of the horizon; the rest are the noise sheets of the clouds."""

    sun: Array
    glow: Array
    heaps: Array
    wisps: Array
    drift: Array

    @classmethod
    def make(cls, rng: np.random.Generator, sun: Array, glow: Array) -> "Sky":
        """A sky with clouds drawn at random."""
        heaps, wisps = billows(rng, 1024, 7), sheet(rng, 1024, low=3, slope=1.5)
        return cls(sun, glow, heaps, wisps, sheet(rng, 512, low=2, high=60))

    def towards_glow(self, view: Array) -> Array:
        """How nearly the directions (…, 3) point to the glow, 0 … 1, (…, 1)."""
        return np.clip((view * self.glow).sum(-1, keepdims=True), 0, 1)

    def clear(self, view: Array) -> Array:
        """The cloudless sky in the directions (…, 3)."""
        up, toward = np.clip(view[..., 1:2], 0, 1), self.towards_glow(view)
        blue = MIDDLE + (ZENITH - MIDDLE) * np.clip(up / 0.6, 0, 1) ** 0.8
        warmth = np.exp(-up / (0.06 + 0.10 * toward**2)) * (0.35 + 0.65 * toward**3)
        return blue + (HAZE - blue) * warmth + HAZE * 0.55 * toward**40

    def radiance(self, view: Array) -> Array:
        """The sky with its clouds in the directions (…, 3), linear RGB."""
        view = np.asarray(view, np.float32)
        up, toward = view[..., 1:2], self.towards_glow(view)
        plan = view[..., [0, 2]] / (np.maximum(up, 0) + 0.22)  # the layer of clouds bends down to the horizon
        x, y = plan[..., 0], plan[..., 1]
        streaks = sample(self.wisps, 0.07 * x + 0.02 * y, 0.30 * y - 0.08 * x)[..., None]
        veil = 0.6 * np.clip(0.5 * streaks, 0, 1) * np.clip(3 * up, 0, 1)
        color = self.clear(view)
        color = color + veil * (STREAK * (0.7 + 0.5 * toward) - color)
        density = self._density(plan)
        opaque = np.clip(2.2 * density, 0, 1)
        opaque = (opaque * opaque * (3 - 2 * opaque))[..., None] * (1 - 0.8 * np.clip(1 - up / 0.12, 0, 1))
        warm, cool = LIT * (0.85 + 0.8 * toward**3), SHADED + BURNING * toward**4
        return color + opaque * (cool + (warm - cool) * self._lit(plan, density)[..., None] - color)

    def _density(self, plan: Array) -> Array:
        """How thick the heaped clouds are over places (…, 2); below 0 there are none."""
        u, v = 0.16 * plan[..., 0] + 0.37, 0.22 * plan[..., 1] + 0.11
        bent_u, bent_v = sample(self.drift, 2 * u, 2 * v), sample(self.drift, 2 * u + 0.5, 2 * v)
        u, v = u + 0.012 * bent_u, v + 0.012 * bent_v
        return 0.42 * sample(self.heaps, u, v) + 0.9 * sample(self.drift, 0.6 * u + 0.2, 0.6 * v + 0.6)

    def _lit(self, plan: Array, density: Array) -> Array:
        """The share of light on the clouds, 0 … 1.3: less behind and within thick ones, more on lumps that face the sun."""
        away = -self.sun[[0, 2]] / np.linalg.norm(self.sun[[0, 2]])
        before = sum(
            weight * np.maximum(self._density(plan - away * reach), 0)
            for reach, weight in ((0.06, 0.4), (0.15, 0.35), (0.35, 0.25))
        )
        lump = self._density(plan + 0.05 * away) - self._density(plan - 0.05 * away)
        share = np.exp(-1.9 * np.maximum(before - 0.1, 0) - 0.4 * np.maximum(density - 0.3, 0))
        return np.clip(share + 0.55 * lump * (0.35 + share), 0, 1.3)
