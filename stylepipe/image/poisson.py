"""Gradient-domain blending: the Poisson equation on a region of any shape (Pérez, Gangnet and Blake 2003)."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from stylepipe.artifacts import Array
from stylepipe.image.arrays import Plane

TOLERANCE = 2e-4
ITERATIONS = 100
DAMPING = 0.8  # of Jacobi's iteration, the multigrid cycle's smoother
SMALLEST = 64  # coarser grids keep this size, their rest outside, so that they all run the same compiled code

OtherPlane = Float[Array, "_ _"]
Scalar = Float[Array, ""]


def poisson_blend(
    background: Float[Array, "h w c"], image: Float[Array, "h w c"], inside: Bool[Array, "h w"]
) -> Float[Array, "h w c"]:
    """Returns a picture with the gradients of `image` inside and the values of `background` elsewhere; not clamped.

    For each pixel p inside, Σ (u_p − u_q) = Σ (image_p − image_q) over its up to four neighbors q in the picture, where u is
    the background outside: equation 7 of the paper, guided by the gradients of the image. With nothing outside there is no
    border to meet, and the result is `image`.

    The unknown is u − image, which is harmonic inside, and found by conjugate gradients preconditioned with a multigrid cycle.
    They stop when the cycle's own estimate of the remaining error is below 0.0002, after at most 100 iterations (10 are
    usual); the result is then within 0.001 of the exact one, a quarter of a level of 8 bits.
    """
    grids = [_finest(inside)]
    for _ in range((max(inside.shape) - 1).bit_length()):
        grids.append(_coarser(grids[-1]))
    steps = jnp.moveaxis(background - image, -1, 0)
    membranes = [_solve(grids, _sums_from_outside(step, inside)) for step in steps]
    return jnp.where(inside[..., None], image + jnp.stack(membranes, axis=-1), background)


class _Grid(NamedTuple):
    """The matrix A of the equation at one resolution: (A u)_p = fixed_p · u_p + Σ_q weight_pq · (u_p − u_q).

    `rows[i]` weighs the pairs of pixels in rows i − 1 and i, `columns[:, j]` those in columns j − 1 and j; `fixed` is the
    weight of a pixel's ties to values outside. Pixels that are outside themselves have no weights.
    """

    rows: Float[Array, "h+1 w"]
    columns: Float[Array, "h w+1"]
    fixed: Float[Array, "h w"]

    @property
    def diagonal(self) -> Plane:
        """The diagonal of the matrix."""
        return self.fixed + self.rows[1:] + self.rows[:-1] + self.columns[:, 1:] + self.columns[:, :-1]


@jax.jit
def _finest(inside: Bool[Array, "h w"]) -> _Grid:
    """Builds the matrix: every pair of neighbors has weight 1, unless both are outside."""
    region = jnp.pad(inside, 1).astype(jnp.float32)
    rows = (region[1:] * region[:-1])[:, 1:-1]
    columns = (region[:, 1:] * region[:, :-1])[1:-1]
    return _Grid(rows, columns, _sums_from_outside(jnp.ones(inside.shape), inside))


@jax.jit
def _coarser(grid: _Grid) -> _Grid:
    """Coarsens the matrix to cells of 2×2 pixels: weights are summed over borders, then halved for the distance of 2."""
    beyond = _beyond(grid.fixed)
    rows, columns = jnp.pad(grid.rows, beyond)[::2], jnp.pad(grid.columns, beyond)[:, ::2]
    return _Grid((rows[:, ::2] + rows[:, 1::2]) / 2, (columns[::2] + columns[1::2]) / 2, _cell_sums(grid.fixed))


@jax.jit
def _sums_from_outside(values: Plane, inside: Bool[Array, "h w"]) -> Plane:
    """Sums the values of the outside neighbors of each inside pixel."""
    outside = jnp.pad(jnp.where(inside, 0, values), 1)
    neighbors = outside[2:, 1:-1] + outside[:-2, 1:-1] + outside[1:-1, 2:] + outside[1:-1, :-2]
    return jnp.where(inside, neighbors, 0)


def _solve(grids: Sequence[_Grid], target: Plane) -> Plane:
    """Solves A u = target, with u = 0 outside, by conjugate gradients preconditioned with `_cycle`."""
    solution, residual = jnp.zeros_like(target), target
    error = direction = _cycle(grids, residual)
    for _ in range(ITERATIONS):
        if jnp.max(jnp.abs(error)) < TOLERANCE:
            break
        power = jnp.vdot(residual, error)
        solution, residual = _moved(grids[0], solution, residual, direction, power)
        error = _cycle(grids, residual)
        direction = error + jnp.vdot(residual, error) / power * direction
    return solution + error


@jax.jit
def _moved(grid: _Grid, solution: Plane, residual: Plane, direction: Plane, power: Scalar) -> tuple[Plane, Plane]:
    """Steps along a direction to the least energy; returns the solution and its residual."""
    change = _product(grid, direction)
    length = power / jnp.vdot(direction, change)
    return solution + length * direction, residual - length * change


def _cycle(grids: Sequence[_Grid], residual: Plane) -> Plane:
    """Approximates the solution for a residual by one symmetric multigrid V-cycle."""
    grid, *coarser = grids
    if not coarser:
        return _jacobi(grid, residual)
    smooth, rest = _smoothed(grid, residual)
    return _corrected(grid, residual, smooth, _cycle(coarser, rest))


@jax.jit
def _smoothed(grid: _Grid, residual: Plane) -> tuple[Plane, OtherPlane]:
    """Runs a damped Jacobi iteration from 0; returns it and the residual summed over cells."""
    smooth = DAMPING * _jacobi(grid, residual)
    return smooth, _cell_sums(residual - _product(grid, smooth))


@jax.jit
def _corrected(grid: _Grid, residual: Plane, smooth: Plane, coarse: OtherPlane) -> Plane:
    """Adds the coarse grid's solution, constant on each cell, and runs another Jacobi iteration."""
    height, width = smooth.shape
    spread = jnp.repeat(jnp.repeat(coarse, 2, axis=0), 2, axis=1)[:height, :width]
    estimate = smooth + jnp.where(grid.diagonal > 0, spread, 0)
    return estimate + DAMPING * _jacobi(grid, residual - _product(grid, estimate))


@jax.jit
def _jacobi(grid: _Grid, residual: Plane) -> Plane:
    """Returns the residual over the diagonal, 0 outside."""
    return jnp.where(grid.diagonal > 0, residual / jnp.where(grid.diagonal > 0, grid.diagonal, 1), 0)


def _product(grid: _Grid, plane: Plane) -> Plane:
    around = jnp.pad(plane, 1)
    up = grid.rows[:-1] * around[:-2, 1:-1]
    down = grid.rows[1:] * around[2:, 1:-1]
    left = grid.columns[:, :-1] * around[1:-1, :-2]
    right = grid.columns[:, 1:] * around[1:-1, 2:]
    return grid.diagonal * plane - (up + down + left + right)


def _cell_sums(plane: Plane) -> OtherPlane:
    whole = jnp.pad(plane, _beyond(plane))
    return whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]


def _beyond(plane: Plane) -> list[tuple[int, int]]:
    """Returns the padding behind each axis that makes its length even."""
    return [(0, max(length + length % 2, 2 * SMALLEST) - length) for length in plane.shape]
