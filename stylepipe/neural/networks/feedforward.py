"""Networks of styles on pictures of any size: in one pass, or in tiles that leave no trace.

Instance normalization looks at the whole picture at each of its layers, and a tile must be normalized as that. So a large
picture is gone through once for each layer: what the layer convolves each tile to is summed up, and then known. Each of
these passes computes the layers before it anew, three at most: at the size of the picture no map is ever held whole. The maps
of the blocks between are, for they have a quarter of its sides.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array, Weights
from stylepipe.image.operation_cost import FLOPS, PROGRAM, Cost
from stylepipe.image.tiling import Place, tiles
from stylepipe.neural.networks.normalization import Known, Statistics
from stylepipe.neural.networks.transformation import (
    DECODER,
    ENCODER,
    Tensors,
    Transformation,
    blocks,
    colors,
    convolution,
    describe,
    known,
    mixed,
    normalized,
    operations,
    transform,
)
from stylepipe.neural.xla.compile_options import program

Map = Float[np.ndarray, "_ _ _"]

_WHOLE = 2**21
"""The most pixels of a picture that is taken whole: a little more than 1920×1080."""

_TILE = 512

_MAP = 16
"""Bytes that the maps at the picture's size take by pixel and channel."""

_UNIT = 4
"""The picture's pixels by one of the blocks' maps, along each side."""

_MARGIN = 2
"""What the layers before the blocks, or after them, see beyond what counts, in pixels of the blocks' maps."""


def stylized(
    weights: Weights, pixels: Float[Array, "h w 3"], shares: Sequence[float], *, whole: int = _WHOLE, tile: int = _TILE
) -> Float[np.ndarray, "h w 3"]:
    """The picture in a mix of the network's styles, in [0, 1].

    `shares`, one for each style, sum to 1. Sides that are no multiples of 4 are continued by reflection, and cut back. Pictures
    of more than `whole` pixels are taken in tiles of at most `tile` × `tile`, which gives the same but for rounding.
    """
    network = describe(weights)
    held = {name: jnp.asarray(tensor, jnp.float32) for name, tensor in weights.tensors.items()}
    tensors = mixed(held, jnp.asarray(shares, jnp.float32))
    height, width, _ = np.shape(pixels)
    rest = [(0, max(-length % _UNIT, 2 * _UNIT - length)) for length in (height, width)]
    picture = np.pad(np.asarray(pixels), (*rest, (0, 0)), mode="reflect")
    at_hand = known(weights, network)
    if picture.shape[0] * picture.shape[1] <= whole:
        result = _whole(tensors, picture, at_hand, network=network)
    else:
        result = _in_tiles(tensors, picture, at_hand, network, tile // _UNIT)
    return np.clip(np.asarray(result)[:height, :width], 0, 1)


@program(static_argnames="network")
def _whole(tensors: Tensors, picture: Float[Array, "h w 3"], known: Known, *, network: Transformation) -> Float[Array, "h w 3"]:
    return transform(tensors, picture, network=network, known=known)[0]


def cost(network: Transformation, size: tuple[int, int], *, whole: int = _WHOLE, tile: int = _TILE) -> Cost:
    """What `stylized` takes for a picture of that (height, width)."""
    pixels, c = prod(size), network.channels
    work = operations(network) * pixels / FLOPS
    if pixels <= whole:
        return Cost(PROGRAM + (24 + _MAP * c) * pixels, work)
    blocks = 4 * c * 4 * 6 // _UNIT**2  # bytes by pixel: of maps with four times the channels, several in the middle
    return Cost(PROGRAM + (36 + blocks) * pixels + 2 * _MAP * c * tile**2, 3 * work)


# --- in tiles -----------------------------------------------------------------------------------------------------------


def _in_tiles(tensors: Tensors, picture: Map, known: Known, network: Transformation, tile: int) -> Map:
    """`tile` in pixels of the blocks' maps."""
    height, width, _ = picture.shape
    channels = network.layers[ENCODER[-1]][-1]
    small = np.empty((height // _UNIT, width // _UNIT, channels), np.float32)
    found = _through(tensors, picture, ENCODER, known, result=small, network=network, tile=tile)
    small = np.asarray(_middle(tensors, small, found, network=network))
    result = np.empty((height, width, 3), np.float32)
    found = _through(tensors, small, DECODER, known, result=result, network=network, tile=tile)
    for rows in (slice(first, first + tile) for first in range(0, height, tile)):
        result[rows] = colors(normalized(tensors, DECODER[-1], jnp.asarray(result[rows]), found))
    return result


@program(static_argnames="network")
def _middle(tensors: Tensors, x: Float[Array, "h w c"], known: Known, *, network: Transformation) -> Float[Array, "h w c"]:
    """From what the last layer before the blocks convolves to, what the first one after them gets."""
    x = jax.nn.relu(normalized(tensors, ENCODER[-1], x, known))
    return blocks(tensors, x, network=network, found=dict(known))


def _through(
    tensors: Tensors,
    source: Map,
    names: tuple[str, ...],
    known: Known,
    *,
    result: Map,
    network: Transformation,
    tile: int,
) -> Known:
    """Puts what the last of these layers convolves to into `result`; returns their statistics."""
    tiles = partial(_tiles, tensors, source, network=network, tile=tile)
    for number, name in enumerate(names[:-1], 1):
        if name not in known:
            known = {**known, name: _statistics(part for _, part in tiles(names[:number], known))}
    last = _statistics(_kept(tiles(names, known), result))
    return {names[-1]: last, **known}


def _tiles(
    tensors: Tensors, source: Map, names: tuple[str, ...], known: Known, *, network: Transformation, tile: int
) -> Iterator[tuple[Place, Map]]:
    """What the last of these layers convolves to: where each tile counts, and what is there."""
    unit = _UNIT if names[0] == ENCODER[0] else 1  # the source's pixels by one of the blocks' maps
    height, width, _ = source.shape
    for place in tiles((height // unit, width // unit), tile, _MARGIN):
        found = np.asarray(_convolved(tensors, source[place.seen(unit)], known, network=network, names=names))
        factor = len(found) // place.rows.length
        yield place.counted(factor), found[place.inside(factor)]


@program(static_argnames=("network", "names"))
def _convolved(
    tensors: Tensors, x: Float[Array, "h w _"], known: Known, *, network: Transformation, names: tuple[str, ...]
) -> Float[Array, "new_h new_w _"]:
    for name in names[:-1]:
        x = jax.nn.relu(normalized(tensors, name, convolution(tensors, name, x, network=network), known))
    return convolution(tensors, names[-1], x, network=network)


def _kept(tiles: Iterable[tuple[Place, Map]], result: Map) -> Iterator[Map]:
    """The tiles, each put into the result."""
    for place, part in tiles:
        result[place] = part
        yield part


def _statistics(parts: Iterable[np.ndarray]) -> Statistics:
    """Those of a map that is given in parts. Sums in double precision lose nothing that single precision has."""
    count, first, second = 0, 0.0, 0.0
    for part in parts:
        values = part.reshape(-1, part.shape[-1]).astype(np.float64)
        count, first, second = count + len(values), first + values.sum(0), second + np.square(values).sum(0)
    mean = first / count
    return Statistics(jnp.float32(mean), jnp.float32(second / count - np.square(mean)))
