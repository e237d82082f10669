"""The placement of overlapping tiles in a picture."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

Region = tuple[slice, slice]
"""Rows and columns of a picture."""


class Span(NamedTuple):
    """A tile's extent along one axis: it covers [start, stop), with margins, and contributes [first, last)."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def length(self) -> int:
        """The length that it covers."""
        return self.stop - self.start


class Tile(NamedTuple):
    """A tile's extent along both axes."""

    rows: Span
    columns: Span

    def seen(self, factor: int = 1) -> Region:
        """Returns the region of the picture, enlarged by `factor`, that the tile covers."""
        return _region(factor, [(span.start, span.stop) for span in self])

    def counted(self, factor: int = 1) -> Region:
        """Returns the region of the picture, enlarged by `factor`, to which the tile contributes."""
        return _region(factor, [(span.first, span.last) for span in self])

    def inside(self, factor: int = 1) -> Region:
        """Returns the region of the tile itself that contributes."""
        return _region(factor, [(span.first - span.start, span.last - span.start) for span in self])


def _region(factor: int, bounds: Iterable[tuple[int, int]]) -> Region:
    rows, columns = (slice(factor * first, factor * last) for first, last in bounds)
    return rows, columns


def tiles(size: tuple[int, int], tile: int, margin: int, *, step: int = 1) -> Iterator[Tile]:
    """Yields the tiles of a picture of that (height, width), row by row; `spans` places them along each axis."""
    return (Tile(*both) for both in product(*(spans(length, tile, margin, step=step) for length in size)))


def spans(length: int, tile: int, margin: int, *, step: int = 1) -> Iterator[Span]:
    """Yields tiles of one size along an axis, whose contributions partition it.

    The size is at most `tile`, which must be 2·(margin + step) − 1 or more. Each tile covers `margin` pixels more than it
    contributes, or up to the picture's border. None extends beyond the border, where each layer of a network pads on its own:
    the last one is shifted back instead. Tiles start, and their contributions meet, at multiples of `step`, of which `margin`
    is one; their size is congruent to `length` modulo `step`.
    """
    if length <= tile:
        yield Span(0, length, 0, length)
        return
    rest = length % step
    size = tile - (tile - rest) % step
    first = 0
    while first < length:
        start = max(0, min(first - margin, length - size))
        stop = start + size
        last = length if stop == length else stop - rest - margin
        yield Span(start, stop, first, last)
        first = last
