"""A sky at golden hour: a gradient, heaped clouds lit from the side, high streaks."""

from dataclasses import dataclass

import numpy as np

from .noise import Array, billows, sample, sheet


@dataclass(frozen=True)
class Sky:
    """Colours (linear RGB) and shapes of a sky; `sun` points to the light, `glow` to the brightest part of the horizon."""

    sun: Array
    glow: Array
    heaps: Array
    wisps: Array
    drift: Array
    zenith: tuple[float, float, float] = (0.035, 0.11, 0.34)
    middle: tuple[float, float, float] = (0.13, 0.30, 0.62)
    haze: tuple[float, float, float] = (0.95, 0.62, 0.34)
    cover: float = 0.0

    @classmethod
    def make(cls, rng: np.random.Generator, sun: Array, glow: Array, **colours) -> "Sky":
        """A sky with clouds drawn at random."""
        return cls(
            sun, glow, billows(rng, 1024, 7), sheet(rng, 1024, low=3, slope=1.5), sheet(rng, 512, low=2, high=60), **colours
        )

    def clear(self, view: Array) -> Array:
        """The cloudless sky in the directions (…, 3)."""
        up = np.clip(view[..., 1:2], 0, 1)
        towards = np.clip((view * self.glow).sum(-1, keepdims=True), 0, 1)
        blue = np.asarray(self.middle) + (np.asarray(self.zenith) - self.middle) * np.clip(up / 0.6, 0, 1) ** 0.8
        warmth = np.exp(-up / (0.06 + 0.10 * towards**2)) * (0.35 + 0.65 * towards**3)
        return blue + (np.asarray(self.haze) - blue) * warmth + np.asarray(self.haze) * 0.55 * towards**40

    def _plan(self, view: Array) -> Array:
        """Coordinates on the layer of clouds, which is bent down towards the horizon."""
        return view[..., [0, 2]] / (np.maximum(view[..., 1:2], 0) + 0.22)

    def _density(self, plan: Array) -> Array:
        """How thick the heaped clouds are; below 0 there are none."""
        u, v = plan[..., 0] * 0.16 + 0.37, plan[..., 1] * 0.22 + 0.11
        u, v = u + 0.012 * sample(self.drift, u * 2, v * 2), v + 0.012 * sample(self.drift, u * 2 + 0.5, v * 2)
        coarse = sample(self.drift, u * 0.6 + 0.2, v * 0.6 + 0.6)
        return 0.42 * sample(self.heaps, u, v) + 0.9 * coarse + self.cover

    def radiance(self, view: Array) -> Array:
        """The sky with its clouds in the directions (…, 3), linear RGB."""
        view = np.asarray(view, np.float32)
        colour = self.clear(view)
        plan = self._plan(view)
        towards = np.clip((view * self.glow).sum(-1, keepdims=True), 0, 1)
        streak = sample(self.wisps, plan[..., 0] * 0.07 + plan[..., 1] * 0.02, plan[..., 1] * 0.30 - plan[..., 0] * 0.08)
        veil = (0.6 * np.clip(streak * 0.5, 0, 1) * np.clip(view[..., 1] * 3, 0, 1))[..., None]
        colour = colour + veil * (np.array([1.0, 0.88, 0.74]) * (0.7 + 0.5 * towards) - colour)
        density = self._density(plan)
        side = -self.sun[[0, 2]] / np.linalg.norm(self.sun[[0, 2]])
        shade = sum(
            np.maximum(self._density(plan - side * reach), 0) * weight
            for reach, weight in ((0.06, 0.4), (0.15, 0.35), (0.35, 0.25))
        )
        opaque = np.clip(density * 2.2, 0, 1)
        opaque = (opaque * opaque * (3 - 2 * opaque))[..., None]
        lump = self._density(plan + side * 0.05) - self._density(plan - side * 0.05)
        lit = np.exp(-1.9 * np.maximum(shade - 0.1, 0) - 0.4 * np.maximum(density - 0.3, 0))
        lit = np.clip(lit + 0.55 * lump * (0.35 + lit), 0, 1.3)[..., None]
        warm = np.array([1.50, 1.02, 0.58]) * (0.85 + 0.8 * towards**3)
        cool = np.array([0.125, 0.16, 0.27]) + np.array([0.40, 0.19, 0.05]) * towards**4
        cloud = cool + (warm - cool) * lit
        near_horizon = np.clip(1 - view[..., 1:2] / 0.12, 0, 1)
        return colour + opaque * (1 - 0.8 * near_horizon) * (cloud - colour)
