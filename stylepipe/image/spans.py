"""Where tiles lie along an axis of a picture."""

from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """A tile's extent along one axis: it sees [start, stop), and counts in [first, last)."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def seen(self) -> slice:
        """What it sees of the picture."""
        return slice(self.start, self.stop)

    def kept(self, factor: int) -> slice:
        """Where it counts, in a picture enlarged by `factor`."""
        return slice(factor * self.first, factor * self.last)

    def inside(self, factor: int) -> slice:
        """The same in the enlarged tile."""
        return slice(factor * (self.first - self.start), factor * (self.last - self.start))


def spans(length: int, tile: int, margin: int, *, step: int = 1) -> Iterator[Span]:
    """Tiles of one size along an axis, which count all of it once.

    The size is at most `tile`, and that must be 2·(margin + step) − 1 or more.
    Each sees `margin` pixels further than it counts, or up to the picture's border. None reaches beyond the border, where each
    layer of a network pads on its own: the last one is shifted back instead. Tiles start, and change over, at multiples of
    `step`, of which `margin` is one; their size leaves the same rest by it as `length`.
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
