"""Shapes in space as triangles. Metres; x to the right, y up, z away from the painter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

Array = np.ndarray
Color = tuple[float, float, float]
Point = Sequence[float] | Array


class Finish(NamedTuple):
    """What a surface is made of: a material (see materials.Stuff) and its color, linear RGB."""

    material: int
    tint: Color


@dataclass(frozen=True)
class Mesh:
    """m triangles: corners and normals (m, 3, 3), surface coordinates in meters (m, 3, 2), material (m,), color (m, 3)."""

    points: Array
    normals: Array
    uv: Array
    material: Array
    tint: Array

    def __len__(self) -> int:
        return len(self.points)

    def moved(self, offset: Point = (0, 0, 0), *, turn: float = 0.0, scale: float | Point = 1.0) -> "Mesh":
        """The mesh scaled, then turned about the vertical by `turn` degrees (x toward z), then shifted."""
        size = np.broadcast_to(np.asarray(scale, float), 3)
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        points = self.points * size @ rotation + np.asarray(offset, float)
        return replace(self, points=points, normals=self.normals / size @ rotation)

    def where(self, keep: Array) -> "Mesh":
        """Only the triangles marked in `keep`."""
        return Mesh(self.points[keep], self.normals[keep], self.uv[keep], self.material[keep], self.tint[keep])

    def larger(self, area: float) -> "Mesh":
        """Only the triangles of more than `area` square meters."""
        return self.where(np.linalg.norm(_crossed(self.points), axis=1) > 2 * area)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All triangles of several meshes, in order."""
    fields = ("points", "normals", "uv", "material", "tint")
    return Mesh(*(np.concatenate([getattr(mesh, field) for mesh in meshes]) for field in fields))


def copies(mesh: Mesh, places: Sequence[Point] | Array) -> Mesh:
    """The same shape at many places."""
    offsets = np.repeat(np.asarray(places, float), len(mesh), 0)
    repeated = join([mesh] * len(places))
    return replace(repeated, points=repeated.points + offsets[:, None])


def patch(grid: Array, finish: Finish, *, smooth: bool = True, uv: Array | None = None) -> Mesh:
    """A curved sheet through a grid of points (rows, columns, 3).

    Surface coordinates are lengths along the columns' direction (u) and the rows' (v), in meters, unless `uv`
    (rows, columns, 2) is given.
    """
    grid = np.asarray(grid, float)
    if uv is None:
        uv = np.stack([_lengths(grid, 1), _lengths(grid, 0)], -1)
    normal = np.cross(np.gradient(grid, axis=1), np.gradient(grid, axis=0))
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    points, normals = _split(grid), _split(normal)
    crossed = _crossed(points)
    area = np.linalg.norm(crossed, axis=-1, keepdims=True)
    if not smooth:
        normals = np.repeat((crossed / np.maximum(area, 1e-12))[:, None], 3, axis=1)
    count = len(points)
    material, tint = np.full(count, finish.material, np.int16), np.tile(np.asarray(finish.tint, np.float32), (count, 1))
    return Mesh(points, normals, _split(np.asarray(uv, float)), material, tint).where(area[:, 0] > 1e-10)


def upright(drawing: Array, finish: Finish, *, at: Point = (0, 0, 0)) -> Mesh:
    """A grid (rows, columns, 2) drawn with x to the right and y downwards, set up in the plane z = 0 and shifted."""
    x, y = drawing[..., 0], drawing[..., 1]
    return patch(np.stack([x, -y, np.zeros_like(x)], -1) + np.asarray(at, float), finish)


def box(low: Point, high: Point, finish: Finish) -> Mesh:
    """A block between two corners; v runs down its sides."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    sides = [
        [(x0, y1, z0), (x1, y1, z0), (x0, y0, z0), (x1, y0, z0)],
        [(x1, y1, z1), (x0, y1, z1), (x1, y0, z1), (x0, y0, z1)],
        [(x0, y1, z1), (x0, y1, z0), (x0, y0, z1), (x0, y0, z0)],
        [(x1, y1, z0), (x1, y1, z1), (x1, y0, z0), (x1, y0, z1)],
        [(x0, y1, z1), (x1, y1, z1), (x0, y1, z0), (x1, y1, z0)],
        [(x0, y0, z0), (x1, y0, z0), (x0, y0, z1), (x1, y0, z1)],
    ]
    return join([patch(np.reshape(side, (2, 2, 3)), finish, smooth=False) for side in sides])


def lathe(profile: Sequence[tuple[float, float]], finish: Finish, *, sides: int = 12) -> Mesh:
    """A profile of (radius, height) points, from the top down, turned about the vertical axis."""
    angle = np.linspace(2 * np.pi, 0, sides + 1)
    radius, height = (np.asarray(column, float)[:, None] for column in zip(*profile, strict=True))
    return patch(np.stack([radius * np.cos(angle), height + 0 * angle, radius * np.sin(angle)], -1), finish)


def tube(spine: Sequence[Point] | Array, radius: float | Array, finish: Finish, *, sides: int = 6) -> Mesh:
    """A round bar along a line of points (n, 3), of one radius or a radius at each point; u runs along it."""
    spine = np.asarray(spine, float)
    ahead = np.gradient(spine, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(ahead[:, 1:2]) > 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    across = np.cross(ahead, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[:, None, None]
    ring = np.cos(angle) * across + np.sin(angle) * np.cross(across, ahead)
    return patch(spine + ring * np.broadcast_to(radius, len(spine))[:, None], finish)


def _split(grid: Array) -> Array:
    """The two triangles of every cell of a grid, (2·cells, 3, …)."""
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    width = grid.shape[-1]
    return np.concatenate([np.stack([a, b, c], 2).reshape(-1, 3, width), np.stack([b, d, c], 2).reshape(-1, 3, width)])


def _crossed(points: Array) -> Array:
    """The cross product of two sides of each triangle: normal to it, and twice its area long."""
    return np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])


def _lengths(grid: Array, axis: int) -> Array:
    """Lengths along one axis of the grid, averaged over the other, so that textures stay square to the sheet."""
    step = np.linalg.norm(np.diff(grid, axis=axis), axis=-1).mean(1 - axis)
    length = np.concatenate([[0.0], np.cumsum(step)])
    return np.broadcast_to(length[None] if axis == 1 else length[:, None], grid.shape[:2])
