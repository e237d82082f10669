"""What losses take beside the features that they read: memory, measured on the CPU, and operations, counted.

Losses whose statistics are sums over positions (`additive`) take what the gradient keeps of the features that they read. The
others hold features of the styles as their targets, and compare all positions with all of them, or sort them.
"""

from collections.abc import Mapping, Sequence
from math import log2, prod
from typing import Any, NamedTuple

from stylepipe.neural.encoders.vgg_layout import halvings
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.losses.laplacian import Laplacian
from stylepipe.neural.losses.loss import Loss, layers_of
from stylepipe.neural.losses.mrf import Mrf
from stylepipe.neural.losses.nearest_neighbor import NearestNeighbor
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein
from stylepipe.neural.losses.total_variation import TotalVariation

Size = tuple[int, int]
"""(height, width)."""

_SORT = 8
"""Operations that sorting a value takes, for each doubling of their number."""

_COMPARED = 3200
"""Bytes that comparing strips of patches takes, for each pair of a column of the picture and one of the style."""

_SORTED = 16
"""Bytes by value that matching sorted values takes, of as many rows as are worked on together."""

_TOGETHER = 2**22
"""Values that are worked on together, at least a row of them (`transport`)."""


class Beside(NamedTuple):
    """Bytes held as targets, bytes that an evaluation works with, and floating-point operations of one evaluation."""

    held: float = 0
    working: float = 0
    operations: float = 0

    def plus(self, other: "Beside") -> "Beside":
        """Both together."""
        return Beside(*(a + b for a, b in zip(self, other, strict=True)))


def beside(loss: Loss, channels: Mapping[str, int], size: Size, styles: Sequence[Size]) -> Beside:
    """What a loss with resolved layers takes at a picture of that size, for each style of its own size."""
    total = Beside()
    for layer in filter(channels.__contains__, layers_of(loss)):
        at_layer = [(height >> halvings(layer), width >> halvings(layer)) for height, width in (size, *styles)]
        total = total.plus(_at_layer(loss, channels[layer], *at_layer))
    pixels = prod(size)
    match loss:
        case Laplacian(pools=pools):
            total = total.plus(Beside(0, 8 * pixels * len(pools), 30 * pixels * len(pools)))
        case TotalVariation():
            total = total.plus(Beside(0, 48 * pixels, 50 * pixels))
    return total


def _at_layer(loss: Any, c: int, size: Size, *styles: Size) -> Beside:
    """What a loss takes at a layer of c channels, from the positions that the picture and the styles have there."""
    n, others = prod(size), list(map(prod, styles))
    match loss:
        case Mrf() | NearestNeighbor():
            compared = _COMPARED * size[1] * max((width for _, width in styles), default=0)
            operations = 2.0 * n * c * sum(others)
            if isinstance(loss, Mrf):
                return Beside(4 * c * sum(others), compared + 16 * n * c, operations)
            return Beside(4 * n * c * len(styles), compared + 16 * n * c, 8 * n * c * len(styles))
        case Histogram():
            rows = 1 if loss.pool_channels else c
            return Beside(4 * c * sum(others), _sorting(c * n // rows, rows, n * c), _SORT * c * n * log2(n + 1) * len(styles))
        case SlicedWasserstein():
            d = loss.directions or c
            projected = 4 * d * (n + max(others, default=0))
            sorts = _SORT * d * log2(n + 1) * (n * len(styles) + sum(others))
            working = 1.4 * projected + _sorting(max(n, *others, 0), d, n * d)
            return Beside(4 * c * sum(others), working, sorts + 6.0 * d * c * (n + sum(others)))
        case Cooccurrence():
            return Beside(0, (20 * len(loss.shifts) - 4) * n * c, 12.0 * n * c * c * len(loss.shifts))
        case _:
            return Beside(0, 0, 6.0 * n * c * c)


def _sorting(longest: int, rows: int, values: int) -> float:
    """Bytes of matching rows of values, some at a time, and of what comes of it."""
    together = min(rows, max(1, _TOGETHER // max(longest, 1)))
    return float(_SORTED * together * longest + 8 * values)
