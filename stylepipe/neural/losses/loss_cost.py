"""Estimates of the memory and operations of losses, in addition to the features that they read.

Memory was measured on the CPU; operations are counted. Additive losses need only what the gradient keeps of the features that
they read. The others hold features of the styles as targets, and compare all pairs of positions, or sort them.
"""

from collections.abc import Sequence
from math import log2, prod
from typing import Any, NamedTuple

from stylepipe.image.sizes import Size
from stylepipe.neural.encoders.encoder import Encoder, Shapes
from stylepipe.neural.losses.cooccurrence import Cooccurrence
from stylepipe.neural.losses.histogram import Histogram
from stylepipe.neural.losses.laplacian import Laplacian
from stylepipe.neural.losses.loss import Loss, layers_of
from stylepipe.neural.losses.mrf import Mrf
from stylepipe.neural.losses.nearest_neighbor import NearestNeighbor
from stylepipe.neural.losses.sliced_wasserstein import SlicedWasserstein
from stylepipe.neural.losses.total_variation import TotalVariation

_SORT = 8
"""Operations per value and doubling of the number of values when sorting."""

_COMPARED = 3200
"""Bytes per pair of picture and style columns when comparing strips of patches."""

_SORTED = 16
"""Bytes per value when matching sorted values, for the rows that are processed together."""

_TOGETHER = 2**22
"""Values that are processed together, at least one row (`transport`)."""


class LossCost(NamedTuple):
    """Bytes of targets, temporary bytes of an evaluation, and floating-point operations of an evaluation."""

    held: float = 0
    working: float = 0
    operations: float = 0

    def plus(self, other: "LossCost") -> "LossCost":
        """Returns the sum of both."""
        return LossCost(*(a + b for a, b in zip(self, other, strict=True)))


def loss_cost(loss: Loss, encoder: Encoder, network: Shapes, size: Size, styles: Sequence[Size]) -> LossCost:
    """Estimates the cost of a loss with resolved layers for the sizes of the picture and the styles.

    `network` are the shapes of the encoder's tensors.
    """
    total, channels = LossCost(), encoder.channels(network)
    for layer in filter(channels.__contains__, layers_of(loss)):
        at_layer = [encoder.size_at(layer, each) for each in (size, *styles)]
        total = total.plus(_at_layer(loss, channels[layer], *at_layer))
    pixels = prod(size)
    match loss:
        case Laplacian(pools=pools):
            total = total.plus(LossCost(0, 8 * pixels * len(pools), 30 * pixels * len(pools)))
        case TotalVariation():
            total = total.plus(LossCost(0, 48 * pixels, 50 * pixels))
    return total


def _at_layer(loss: Any, c: int, size: Size, *styles: Size) -> LossCost:
    """Estimates the cost at a layer of c channels, from the layer's sizes for the picture and the styles."""
    n, others = prod(size), list(map(prod, styles))
    match loss:
        case Mrf() | NearestNeighbor():
            compared = _COMPARED * size[1] * max((width for _, width in styles), default=0)
            operations = 2.0 * n * c * sum(others)
            if isinstance(loss, Mrf):
                return LossCost(4 * c * sum(others), compared + 16 * n * c, operations)
            return LossCost(4 * n * c * len(styles), compared + 16 * n * c, 8 * n * c * len(styles))
        case Histogram():
            rows = 1 if loss.pool_channels else c
            return LossCost(
                4 * c * sum(others), _sorting(c * n // rows, rows, n * c), _SORT * c * n * log2(n + 1) * len(styles)
            )
        case SlicedWasserstein():
            d = loss.directions or c
            projected = 4 * d * (n + max(others, default=0))
            sorts = _SORT * d * log2(n + 1) * (n * len(styles) + sum(others))
            working = 1.4 * projected + _sorting(max(n, *others, 0), d, n * d)
            return LossCost(4 * c * sum(others), working, sorts + 6.0 * d * c * (n + sum(others)))
        case Cooccurrence():
            return LossCost(0, (20 * len(loss.shifts) - 4) * n * c, 12.0 * n * c * c * len(loss.shifts))
        case _:
            return LossCost(0, 0, 6.0 * n * c * c)


def _sorting(longest: int, rows: int, values: int) -> float:
    """Estimates the bytes for matching rows of values in batches, and for the result."""
    together = min(rows, max(1, _TOGETHER // max(longest, 1)))
    return float(_SORTED * together * longest + 8 * values)
