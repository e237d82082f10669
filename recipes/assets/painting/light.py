"""Light in a scene: the sun with its shadows, the dome of the sky, lamps, and the air between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .mesh import Array, Mesh
from .raster import rasterize


def direction(azimuth: float, elevation: float) -> Array:
    """The unit vector toward a point of the sky; azimuth in degrees from straight ahead (z) to the right (x)."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], np.float32)


@dataclass(frozen=True)
class Shadow:
    """What a distant light sees: the height of the nearest surface below it, over a square of the plane across its rays."""

    axes: Array
    corner: Array
    texel: float
    height: Array

    @classmethod
    def cast(cls, mesh: Mesh, toward: Array, size: int) -> "Shadow":
        """The shadow map, size×size, of a mesh lit from the direction `toward`."""
        helper = np.array([0, 0, 1.0]) if abs(toward[1]) > 0.9 else np.array([0, 1.0, 0])
        right = np.cross(helper, toward)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(toward, right), toward]).astype(np.float32)
        seen = mesh.points @ axes.T.astype(float)
        corner = seen[..., :2].reshape(-1, 2).min(0)
        texel = float((seen[..., :2].reshape(-1, 2).max(0) - corner).max() / (size - 2))
        _, height = rasterize((seen[..., :2] - corner) / texel + 1, seen[..., 2], (size, size))
        return cls(axes, corner.astype(np.float32), texel, height)

    def lit(self, position: Array, normal: Array, rng: np.random.Generator, *, blur: float = 0.0, taps: int = 1) -> Array:
        """The share of the light, 0 … 1, that reaches points (n, 3): the mean of `taps` looks, scattered by `blur` meters."""
        raised = position + normal * (1.5 * self.texel + 0.02)
        across = (raised @ self.axes[:2].T - self.corner) / self.texel + 1
        height = raised @ self.axes[2]
        total = np.zeros(len(position), np.float32)
        for _ in range(taps):
            jitter = rng.standard_normal(across.shape, np.float32) * (0.35 + blur / self.texel)
            x, y = np.floor(across + jitter).astype(np.int32).clip(0, self.height.shape[0] - 1).T
            total += self.height[y, x] < height + 0.5 * self.texel
        return total / taps


@dataclass(frozen=True)
class Dome:
    """Skylight from a fixed set of directions, each with its shadow map: soft ambient shadows and the sky's colors."""

    directions: Array
    colors: Array
    shadows: Sequence[Shadow]

    @classmethod
    def of(cls, mesh: Mesh, radiance: Callable[[Array], Array], *, count: int = 16, size: int = 384) -> "Dome":
        """Directions spread evenly over the upper hemisphere by a golden spiral, colored by the sky's `radiance`.

        Triangles below a twentieth of a square meter cast no such shadow.
        """
        masses = mesh.larger(0.05)
        index = np.arange(count) + 0.5
        elevation = np.degrees(np.arcsin(0.96 * index / count + 0.04))
        directions = np.stack([direction(137.508 * i, e) for i, e in zip(index, elevation, strict=True)])
        colors = (radiance(directions) * 2 / count).astype(np.float32)
        return cls(directions, colors, [Shadow.cast(masses, toward, size) for toward in directions])

    def light(self, position: Array, normal: Array, rng: np.random.Generator) -> Array:
        """The irradiance/π that reaches surfaces at points (n, 3) with normals (n, 3)."""
        total = np.zeros_like(position)
        for toward, color, shadow in zip(self.directions, self.colors, self.shadows, strict=True):
            cosine = np.maximum(normal @ toward, 0)
            total += (cosine * shadow.lit(position, normal, rng, blur=shadow.texel))[:, None] * color
        return total


@dataclass(frozen=True)
class Lamps:
    """Small lamps at places (k, 3), of colors (k, 3), linear RGB at a meter's distance."""

    places: Array
    colors: Array

    def light(self, position: Array, normal: Array) -> Array:
        """Their light at points (n, 3), up to 12 m away: by the inverse square, wrapping softly round forms; no shadows."""
        total = np.zeros_like(position)
        for place, color in zip(self.places, self.colors, strict=True):
            offset = place - position
            square = (offset**2).sum(1)
            near = np.flatnonzero(square < 144)
            cosine = (offset[near] * normal[near]).sum(1) / np.sqrt(square[near] + 1e-6)
            total[near] += (np.maximum(0.3 + 0.7 * cosine, 0) / (square[near] + 0.25))[:, None] * color
        return total


def shafts(
    eye: Array, views: Array, depth: Array, shadow: Shadow, rng: np.random.Generator, *, reach: float, steps: int = 24
) -> Array:
    """The share of each ray, up to `reach` meters, that runs through sunlit air: beams of light in dust and mist, (n,)."""
    length = np.minimum(depth, reach)
    total = np.zeros(len(depth), np.float32)
    none = np.zeros_like(views)
    for step in range(steps):
        at = (step + rng.random(len(depth), np.float32)) / steps
        total += shadow.lit(eye + views * (at * length)[:, None], none, rng)
    return total / steps * (1 - np.exp(-length / (0.4 * reach)))
