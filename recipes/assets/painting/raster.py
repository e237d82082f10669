"""Which triangle each pixel sees (a visibility buffer), and where on it."""

from dataclasses import dataclass

import numpy as np

from .mesh import Array, Mesh

FRAGMENTS_AT_ONCE = 1 << 21
"""Pixels tested in one go: bounds the memory."""


@dataclass(frozen=True)
class Camera:
    """A pinhole at `eye` (meters), turned right by `yaw` and up by `pitch` degrees, `view` degrees wide."""

    eye: tuple[float, float, float]
    yaw: float
    pitch: float
    view: float

    def axes(self) -> Array:
        """The camera's right, up and forward directions, as rows."""
        yaw, pitch = np.radians(self.yaw), np.radians(self.pitch)
        right = np.array([np.cos(yaw), 0, -np.sin(yaw)])
        forward = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        return np.stack([right, np.cross(forward, right), forward])

    def project(self, points: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
        """Pixel coordinates (…, 2) and depth (…,) of points in space, on a picture of `shape` (height, width)."""
        seen = (points - np.asarray(self.eye)) @ self.axes().T
        depth = seen[..., 2]
        focal = shape[1] / 2 / np.tan(np.radians(self.view) / 2)
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)[..., None]
        return np.array([shape[1], shape[0]]) / 2 + focal * seen[..., :2] * [1, -1] / safe, depth

    def rays(self, shape: tuple[int, int], rows: slice = slice(None)) -> Array:
        """The direction, of unit length, in which each pixel looks, (rows, width, 3)."""
        focal = shape[1] / 2 / np.tan(np.radians(self.view) / 2)
        x = (np.arange(shape[1]) + 0.5 - shape[1] / 2) / focal
        y = (shape[0] / 2 - np.arange(shape[0])[rows] - 0.5) / focal
        across, up, forward = self.axes()
        direction = x[None, :, None] * across + y[:, None, None] * up + forward
        return (direction / np.linalg.norm(direction, axis=-1, keepdims=True)).astype(np.float32)


def look(mesh: Mesh, camera: Camera, shape: tuple[int, int], *, near: float = 0.3) -> Array:
    """The triangle that each pixel sees, (height, width) int32, −1 for none; triangles nearer than `near` are left out."""
    xy, depth = camera.project(mesh.points, shape)
    ahead = np.flatnonzero((depth > near).all(1))
    seen, _ = rasterize(xy[ahead], 1 / depth[ahead], shape)
    return np.where(seen >= 0, ahead[seen].astype(np.int32), np.int32(-1))


def rasterize(xy: Array, nearness: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Triangles (m, 3, 2) in pixels with a nearness (m, 3) that is affine on the picture (1/depth, or −depth if parallel).

    Returns the nearest triangle of each pixel center, −1 for none, and its nearness, −inf for none. Triangles whose
    bounding boxes are of about the same size are tested together.
    """
    height, width = shape
    buffer = _Buffer(np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32))
    low = np.floor(xy.min(1) - 0.5).astype(np.int64).clip(0, [width, height])
    high = np.ceil(xy.max(1) + 0.5).astype(np.int64).clip(0, [width, height])
    columns, rows = np.ceil(np.log2(np.maximum(high - low, 1))).astype(np.int8).T
    visible = np.flatnonzero((high > low).all(1))
    order = visible[np.lexsort((columns[visible], rows[visible]))]
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1) | np.diff(columns[order], prepend=-1))
    for members in np.split(order, starts[1:]) if len(order) else ():
        window = (2 ** int(rows[members[0]]), 2 ** int(columns[members[0]]))
        step = max(1, FRAGMENTS_AT_ONCE // (window[0] * window[1]))
        for start in range(0, len(members), step):
            names = members[start : start + step]
            buffer.test(xy[names], nearness[names], names, low[names], window=window)
    return buffer.winner, buffer.best


@dataclass(frozen=True)
class _Buffer:
    """The nearest triangle of each pixel (h, w) and its nearness (h, w), both overwritten as triangles are tested."""

    winner: Array
    best: Array

    def test(self, xy: Array, nearness: Array, names: Array, low: Array, *, window: tuple[int, int]) -> None:
        """Tests k triangles, each on a window (rows, columns) of pixels from its lowest pixel `low` (k, 2) on."""
        corners = (xy - low[:, None]).astype(np.float32)
        (x0, y0), (x1, y1), (x2, y2) = (corners[:, i].T[:, :, None, None] for i in range(3))
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        fine = np.abs(area) > 1e-9
        area = np.where(fine, area, 1)
        py, px = np.ogrid[: window[0], : window[1]]
        px, py = (px + 0.5).astype(np.float32), (py + 0.5).astype(np.float32)
        w0 = ((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) / area
        w1 = ((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) / area
        w2 = 1 - w0 - w1
        triangle, row, column = np.nonzero((w0 >= 0) & (w1 >= 0) & (w2 >= 0) & fine)
        n0, n1, n2 = nearness.astype(np.float32).T[:, :, None, None]
        near = (w0 * n0 + w1 * n1 + w2 * n2)[triangle, row, column]
        x, y = column + low[triangle, 0], row + low[triangle, 1]
        inside = (x < self.best.shape[1]) & (y < self.best.shape[0])
        triangle, x, y, near = triangle[inside], x[inside], y[inside], near[inside]
        closer = near > self.best[y, x]
        order = np.flatnonzero(closer)[np.argsort(near[closer], kind="stable")]  # the last of equal indices stays: the nearest
        self.best[y[order], x[order]] = near[order]
        self.winner[y[order], x[order]] = names[triangle[order]]


@dataclass(frozen=True)
class Charts:
    """For each triangle its plane, and the affine maps from a point on it to surface coordinates and to the normal."""

    origin: Array
    plane: Array
    uv: Array
    uv_slope: Array
    normal: Array
    normal_slope: Array

    @classmethod
    def of(cls, mesh: Mesh) -> "Charts":
        """The charts of a mesh's triangles."""
        origin = mesh.points[:, 0]
        e1, e2 = mesh.points[:, 1] - origin, mesh.points[:, 2] - origin
        plane = np.cross(e1, e2)
        area = (plane**2).sum(1, keepdims=True)
        dual1, dual2 = np.cross(e2, plane) / area, np.cross(plane, e1) / area  # dual basis: dual_i · e_j = δ_ij

        def slopes(values: Array) -> Array:
            d1, d2 = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
            return dual1[:, :, None] * d1[:, None] + dual2[:, :, None] * d2[:, None]

        fields = (origin, plane / np.sqrt(area), mesh.uv[:, 0], slopes(mesh.uv), mesh.normals[:, 0], slopes(mesh.normals))
        return cls(*(field.astype(np.float32) for field in fields))


@dataclass(frozen=True)
class Surface:
    """What n pixels see: triangle, position, view direction, depth, normal, (u, v), and the gradients of u and v (n, 3, 2)."""

    triangle: Array
    position: Array
    view: Array
    depth: Array
    normal: Array
    uv: Array
    uv_slope: Array


def surface(charts: Charts, triangle: Array, eye: Array, view: Array, farthest: float = 2000.0) -> Surface:
    """Where rays (n, 3) from `eye` meet the planes of their triangles (n,); normals are turned to face the eye."""
    plane, origin = charts.plane[triangle], charts.origin[triangle]
    facing = (plane * view).sum(1)
    facing = np.where(np.abs(facing) < 1e-5, 1e-5, facing)
    depth = (((origin - eye) * plane).sum(1) / facing).clip(0.01, farthest)
    position = eye + view * depth[:, None]
    offset = position - origin
    slope = charts.uv_slope[triangle]
    uv = charts.uv[triangle] + np.einsum("nk,nkj->nj", offset, slope)
    normal = charts.normal[triangle] + np.einsum("nk,nkj->nj", offset, charts.normal_slope[triangle])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    normal *= np.where((plane * view).sum(1) * (plane * normal).sum(1) > 0, -1, 1)[:, None]
    return Surface(triangle, position, view, depth, normal, uv, slope)
