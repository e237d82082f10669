"""Filters of neighborhoods, tile by tile: beside the picture and its result, what they take does not grow with it."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.tiling import tiles

_TILE = 1024


def tiled(
    local: Callable[..., Float[Array, "_ _ *c"]],
    pixels: Float[Array, "h w *c"],
    *others: Float[Array, "h w *_"],
    reach: int,
    tile: int = _TILE,
) -> Float[np.ndarray, "h w *c"]:
    """local(pixels, *others), of tiles of `tile` pixels a side or, where `local` reaches far, somewhat more.

    `local` makes of pictures of one size another one like the first, each value from those at most `reach` pixels away in x and
    in y. What it makes of the pictures' border, it makes of that border in a tile.
    """
    side = max(tile, 4 * (reach + 1))  # so that at least half of a tile counts
    pictures = [np.asarray(picture) for picture in (pixels, *others)]  # cut on the host: JAX compiles each cut
    result = np.empty_like(pictures[0])
    for place in tiles(result.shape[:2], side, reach):
        found = np.asarray(local(*(jnp.asarray(picture[place.seen()]) for picture in pictures)))
        result[place.counted()] = found[place.inside()]
    return result
