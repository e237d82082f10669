"""Applies neighborhood filters tile by tile: temporary memory does not grow with the picture."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.operation_cost import TILE
from stylepipe.image.tiling import tiles


def tiled(
    local: Callable[..., Float[Array, "_ _ *c"]],
    pixels: Float[Array, "h w *c"],
    *others: Float[Array, "h w *_"],
    reach: int,
    tile: int = TILE,
) -> Float[np.ndarray, "h w *c"]:
    """Computes local(pixels, *others) in tiles of `tile` pixels a side, or somewhat more for a large `reach`.

    `local` maps pictures of one size to a picture like the first; each value depends on those at most `reach` pixels away in x
    and y. Tiles do not extend beyond the pictures' border, where `local` pads as it does for a whole picture.
    """
    side = max(tile, 4 * (reach + 1))  # at least half of a tile contributes
    pictures = [np.asarray(picture) for picture in (pixels, *others)]  # cut on the host: JAX compiles each cut
    result = np.empty_like(pictures[0])
    for place in tiles(result.shape[:2], side, reach):
        values = np.asarray(local(*(jnp.asarray(picture[place.seen()]) for picture in pictures)))
        result[place.counted()] = values[place.inside()]
    return result
