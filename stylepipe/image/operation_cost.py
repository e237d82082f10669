"""What operations on pictures take: bytes beside their inputs, measured on the CPU, and seconds of one core.

docs/benchmarks.md says how they were measured; a slow test compares the stages' estimates with what processes take.
"""

from math import prod
from typing import NamedTuple

Size = tuple[int, int]
"""(height, width)."""

PROGRAM = 60_000_000
"""Bytes that compiling a small program takes, and the program."""

FLOPS = 3e10
"""Floating-point operations that a core of a usual processor does in a second, in convolutions and products of matrices."""

_RESAMPLED = 3e-9
"""Seconds for each channel of a new value and each old one that it is made of."""

_TILE = 1024
"""The side of tiles in pixels, as in `tiled`."""


class Cost(NamedTuple):
    """Bytes beside the inputs, and seconds of one core."""

    memory: int
    work: float

    def and_then(self, other: "Cost") -> "Cost":
        """The cost of both, one after the other, of which the second needs what the first has made."""
        return Cost(self.memory + other.memory, self.work + other.work)


def by_pixel(size: Size, *, memory: int, work: float) -> Cost:
    """What takes so many bytes and seconds for each pixel."""
    return Cost(PROGRAM + memory * prod(size), work * prod(size))


def in_tiles(size: Size, *, reach: int, memory: int, work: float, results: int = 1, tile: int = _TILE) -> Cost:
    """What `tiled` takes, of so many bytes and seconds for each pixel of a tile, beside pictures of the whole size."""
    side = max(tile, 4 * (reach + 1))
    seen = prod(min(side, length) for length in size)
    overlap = prod(1.0 if length <= side else side / (side - 2 * reach) for length in size)
    return Cost(PROGRAM + 12 * results * prod(size) + memory * seen, work * overlap * prod(size))


def resampling(old: Size, new: Size, *, alpha: bool = False) -> Cost:
    """What bringing a picture of 3 channels to another size takes; with transparency, colors are weighed by it."""
    if old == new:
        return Cost(24 * prod(new), 0.0)
    between = new[0] * old[1]
    taps = [6 * max(1.0, before / after) for before, after in zip(old, new, strict=True)]
    work = 3 * _RESAMPLED * (taps[0] * between + taps[1] * prod(new))
    memory = PROGRAM + 12 * (prod(old) + 2 * between + prod(new)) + alpha * (12 * prod(old) + 56 * prod(new))
    return Cost(memory, (1.5 if alpha else 1) * work)
