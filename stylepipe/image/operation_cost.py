"""Cost models of picture operations: bytes in addition to the inputs, measured on the CPU, and seconds of one core.

docs/benchmarks.md describes the measurements; a slow test compares the stages' estimates with real processes.
"""

from math import prod
from typing import NamedTuple

from stylepipe.image.sizes import Size

PROGRAM = 60_000_000
"""Bytes of compiling a small program, and of the program."""

FLOPS = 3e10
"""Floating-point operations per second of a typical core, in convolutions and matrix products."""

_RESAMPLED = 3e-9
"""Seconds for each channel of a new pixel and each old pixel that contributes to it."""

TILE = 1024
"""Default side of the tiles of `tiled` in pixels."""


class Cost(NamedTuple):
    """Bytes beside the inputs, and seconds of one core."""

    memory: int
    work: float

    def and_then(self, other: "Cost") -> "Cost":
        """Returns the cost of this operation followed by another one on its result."""
        return Cost(self.memory + other.memory, self.work + other.work)


def by_pixel(size: Size, *, memory: int, work: float) -> Cost:
    """Returns the cost of an operation with constant bytes and seconds per pixel."""
    return Cost(PROGRAM + memory * prod(size), work * prod(size))


def in_tiles(size: Size, *, reach: int, memory: int, work: float, results: int = 1, tile: int = TILE) -> Cost:
    """Returns the cost of `tiled` from bytes and seconds per pixel of a tile, plus full-size pictures."""
    side = max(tile, 4 * (reach + 1))
    tile_pixels = prod(min(side, length) for length in size)
    overlap = prod(1.0 if length <= side else side / (side - 2 * reach) for length in size)
    return Cost(PROGRAM + 12 * results * prod(size) + memory * tile_pixels, work * overlap * prod(size))


def resampling(old: Size, new: Size, *, alpha: bool = False) -> Cost:
    """Returns the cost of resizing a picture of 3 channels, premultiplied if it has transparency."""
    if old == new:
        return Cost(24 * prod(new), 0.0)
    between = new[0] * old[1]
    taps = [6 * max(1.0, before / after) for before, after in zip(old, new, strict=True)]
    work = 3 * _RESAMPLED * (taps[0] * between + taps[1] * prod(new))
    memory = PROGRAM + 12 * (prod(old) + 2 * between + prod(new)) + alpha * (12 * prod(old) + 56 * prod(new))
    return Cost(memory, (1.5 if alpha else 1) * work)
