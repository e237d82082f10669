"""The cost of applying an image-transformation network. No JAX here."""

from math import prod

from stylepipe.image.operation_cost import FLOPS, PROGRAM, Cost
from stylepipe.image.sizes import Size
from stylepipe.neural.networks.transformation_layout import Transformation, operations

WHOLE = 2**21
"""The largest number of pixels that is processed without tiles: slightly more than 1920×1080."""

TILE = 512

_MAP = 16
"""Bytes of the maps at the picture's size per pixel and channel."""

UNIT = 4
"""The downsampling factor of the blocks' maps."""


def cost(network: Transformation, size: Size, *, whole: int = WHOLE, tile: int = TILE) -> Cost:
    """Estimates the cost of `feedforward.stylized` for a picture of this (height, width)."""
    pixels, c = prod(size), network.channels
    work = operations(network) * pixels / FLOPS
    if pixels <= whole:
        return Cost(PROGRAM + (24 + _MAP * c) * pixels, work)
    blocks = 4 * c * 4 * 6 // UNIT**2  # bytes by pixel: of maps with four times the channels, several in the middle
    return Cost(PROGRAM + (36 + blocks) * pixels + 2 * _MAP * c * tile**2, 3 * work)
