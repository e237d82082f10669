"""Applies style networks to pictures of any size: in one pass, or in tiles with the same result.

Instance normalization uses statistics of the whole picture at each layer. A large picture is therefore processed in one pass
per layer, which accumulates that layer's statistics over tiles. Each pass recomputes the layers before it, at most three, so
that no map at the picture's size is held in memory. The maps of the residual blocks, at a quarter of the sides, are.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array, Weights
from stylepipe.image.tiling import Region, tiles
from stylepipe.neural.networks.feedforward_cost import TILE, UNIT, WHOLE
from stylepipe.neural.networks.normalization import LayerStatistics, Statistics
from stylepipe.neural.networks.transformation import (
    DECODER,
    ENCODER,
    Tensors,
    blocks,
    colors,
    convolution,
    mixed,
    normalized,
    stored_statistics,
    transform,
)
from stylepipe.neural.networks.transformation_layout import Transformation, describe
from stylepipe.neural.xla.compile_options import program

Map = Float[np.ndarray, "_ _ _"]

_MARGIN = 2
"""The margin of tiles for the layers before or after the blocks, in pixels of the blocks' maps."""


def stylized(
    weights: Weights, pixels: Float[Array, "h w 3"], shares: Sequence[float], *, whole: int = WHOLE, tile: int = TILE
) -> Float[np.ndarray, "h w 3"]:
    """Returns the picture in a mix of the network's styles, in [0, 1].

    `shares`, one per style, sum to 1. Sides that are not multiples of 4 are padded by reflection and cropped. Pictures of more
    than `whole` pixels are processed in tiles of at most `tile` × `tile`, with the same result up to rounding.
    """
    network = describe(weights)
    held = {name: jnp.asarray(tensor, jnp.float32) for name, tensor in weights.tensors.items()}
    tensors = mixed(held, jnp.asarray(shares, jnp.float32))
    height, width, _ = np.shape(pixels)
    rest = [(0, max(-length % UNIT, 2 * UNIT - length)) for length in (height, width)]
    picture = np.pad(np.asarray(pixels), (*rest, (0, 0)), mode="reflect")
    layer_statistics = stored_statistics(weights, network)
    if picture.shape[0] * picture.shape[1] <= whole:
        result = _whole(tensors, picture, layer_statistics, network=network)
    else:
        result = _in_tiles(tensors, picture, layer_statistics, network, tile // UNIT)
    return np.clip(np.asarray(result)[:height, :width], 0, 1)


@program(static_argnames="network")
def _whole(
    tensors: Tensors, picture: Float[Array, "h w 3"], layer_statistics: LayerStatistics, *, network: Transformation
) -> Float[Array, "h w 3"]:
    return transform(tensors, picture, network=network, layer_statistics=layer_statistics)[0]


# --- in tiles -----------------------------------------------------------------------------------------------------------


def _in_tiles(tensors: Tensors, picture: Map, layer_statistics: LayerStatistics, network: Transformation, tile: int) -> Map:
    """Processes the picture in tiles; `tile` is in pixels of the blocks' maps."""
    height, width, _ = picture.shape
    channels = network.layers[ENCODER[-1]][-1]
    small = np.empty((height // UNIT, width // UNIT, channels), np.float32)
    encoder = _through(tensors, picture, ENCODER, layer_statistics, result=small, network=network, tile=tile)
    small = np.asarray(_middle(tensors, small, encoder, network=network))
    result = np.empty((height, width, 3), np.float32)
    decoder = _through(tensors, small, DECODER, layer_statistics, result=result, network=network, tile=tile)
    for rows in (slice(first, first + tile) for first in range(0, height, tile)):
        result[rows] = colors(normalized(tensors, DECODER[-1], jnp.asarray(result[rows]), decoder))
    return result


@program(static_argnames="network")
def _middle(
    tensors: Tensors, x: Float[Array, "h w c"], layer_statistics: LayerStatistics, *, network: Transformation
) -> Float[Array, "h w c"]:
    """Normalizes the encoder's last convolution and applies the residual blocks."""
    x = jax.nn.relu(normalized(tensors, ENCODER[-1], x, layer_statistics))
    return blocks(tensors, x, network=network, collected=dict(layer_statistics))


def _through(
    tensors: Tensors,
    source: Map,
    names: tuple[str, ...],
    layer_statistics: LayerStatistics,
    *,
    result: Map,
    network: Transformation,
    tile: int,
) -> LayerStatistics:
    """Writes the last layer's convolution into `result`; returns the statistics of all layers."""
    tiles = partial(_tiles, tensors, source, network=network, tile=tile)
    for number, name in enumerate(names[:-1], 1):
        if name not in layer_statistics:
            layer_statistics = {
                **layer_statistics,
                name: _statistics(part for _, part in tiles(names[:number], layer_statistics)),
            }
    last = _statistics(_kept(tiles(names, layer_statistics), result))
    return {names[-1]: last, **layer_statistics}


def _tiles(
    tensors: Tensors,
    source: Map,
    names: tuple[str, ...],
    layer_statistics: LayerStatistics,
    *,
    network: Transformation,
    tile: int,
) -> Iterator[tuple[Region, Map]]:
    """Yields the last layer's convolution tile by tile: its place in the result and its values."""
    unit = UNIT if names[0] == ENCODER[0] else 1  # the source's pixels by one of the blocks' maps
    height, width, _ = source.shape
    for place in tiles((height // unit, width // unit), tile, _MARGIN):
        values = np.asarray(_convolved(tensors, source[place.seen(unit)], layer_statistics, network=network, names=names))
        factor = len(values) // place.rows.length
        yield place.counted(factor), values[place.inside(factor)]


@program(static_argnames=("network", "names"))
def _convolved(
    tensors: Tensors,
    x: Float[Array, "h w _"],
    layer_statistics: LayerStatistics,
    *,
    network: Transformation,
    names: tuple[str, ...],
) -> Float[Array, "new_h new_w _"]:
    for name in names[:-1]:
        x = jax.nn.relu(normalized(tensors, name, convolution(tensors, name, x, network=network), layer_statistics))
    return convolution(tensors, names[-1], x, network=network)


def _kept(tiles: Iterable[tuple[Region, Map]], result: Map) -> Iterator[Map]:
    """Copies each tile into the result and yields it."""
    for place, part in tiles:
        result[place] = part
        yield part


def _statistics(parts: Iterable[np.ndarray]) -> Statistics:
    """Computes the statistics of a map from its parts, with sums in double precision."""
    count, first, second = 0, 0.0, 0.0
    for part in parts:
        values = part.reshape(-1, part.shape[-1]).astype(np.float64)
        count, first, second = count + len(values), first + values.sum(0), second + np.square(values).sum(0)
    mean = first / count
    return Statistics(jnp.float32(mean), jnp.float32(second / count - np.square(mean)))
