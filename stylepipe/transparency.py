"""Transparency: pixels under full transparency are not part of the picture.

A file may hold any color where alpha is 0: black, white, or the original background. Hidden pixels are filled from the visible
ones around them, so that no filter or network sees them. `stylepipe.stage` fills each picture passed to a stage; code that
changes alpha fills it again. This module does not import JAX, so that stages can be listed without it.
"""

import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array, Image
from stylepipe.errors import StageError


def without_hidden(image: Image) -> Image:
    """Returns the image with its hidden pixels filled; the same object where none is hidden."""
    if image.alpha is None or np.min(image.alpha) > 0:
        return image
    return Image(fill_hidden(np.asarray(image.pixels), np.asarray(image.alpha)), image.alpha)


def fill_hidden(pixels: Float[np.ndarray, "h w 3"], alpha: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    """Returns the picture with surrounding colors where alpha is 0; black where nothing is visible.

    Pull-push interpolation (Gortler et al. 1996, "The Lumigraph", section 3.4): means over increasingly large cells, weighted
    by alpha, then from coarse to fine, each cell's mean weighted by its coverage. The result is smooth and depends on visible
    pixels alone. O(h w) time; memory for two planes beside the result.
    """
    hidden = alpha <= 0
    if not hidden.any():
        return pixels
    sums = np.stack([_cell_sums(pixels[..., channel] * alpha) for channel in range(3)])
    cells = _interpolated(sums, _cell_sums(alpha))
    filled = pixels.copy()
    for channel in range(3):
        filled[hidden, channel] = np.clip(_enlarged(cells[channel], alpha.shape)[hidden], 0, 1)  # rounding errors
    return filled


def require_visible(image: Image, name: str) -> None:
    """Raises StageError for a picture without a visible pixel; `name` is its name in the message."""
    if image.alpha is not None and not np.any(image.alpha):
        raise StageError(
            f"{name} has no visible pixel: its alpha is 0 everywhere.", hint="Use a picture that is not fully transparent."
        )


def alpha_of(image: Image) -> Float[Array, "h w"] | None:
    """Returns the alpha channel; None where all pixels are visible, with or without one."""
    return None if image.alpha is None or np.min(image.alpha) == 1 else image.alpha


def _interpolated(sums: Float[np.ndarray, "3 h w"], weights: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "3 h w"]:
    """Returns the colors of cells from sums of weighted colors and of weights; low-weight cells take their neighbors' color."""
    means = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
    if weights.size == 1:
        return means
    covered = np.minimum(weights, 1)
    surroundings = _interpolated(_cell_sums(covered * means), _cell_sums(covered))
    return covered * means + (1 - covered) * _enlarged(surroundings, weights.shape)


def _cell_sums(values: Float[np.ndarray, "*planes h w"]) -> Float[np.ndarray, "*planes _ _"]:
    """Over cells of 2×2 values; at an odd size the last ones are smaller."""
    rows = values[..., ::2, :].copy()
    rows[..., : values.shape[-2] // 2, :] += values[..., 1::2, :]
    cells = rows[..., ::2].copy()
    cells[..., : values.shape[-1] // 2] += rows[..., 1::2]
    return cells


def _enlarged(values: Float[np.ndarray, "*planes _ _"], size: tuple[int, ...]) -> Float[np.ndarray, "*planes h w"]:
    """From cells to the pixels in them, by linear interpolation between the cells' centers."""
    height, width = size
    return _with_columns(_with_columns(values.swapaxes(-1, -2), height).swapaxes(-1, -2), width)


def _with_columns(values: Float[np.ndarray, "*rows _"], count: int) -> Float[np.ndarray, "*rows count"]:
    """Each column becomes two, which count it by 3/4 and the next one on their side by 1/4."""
    before = np.concatenate([values[..., :1], values[..., :-1]], axis=-1)
    after = np.concatenate([values[..., 1:], values[..., -1:]], axis=-1)
    columns = np.empty((*values.shape[:-1], count), values.dtype)
    columns[..., ::2] = 0.75 * values + 0.25 * before
    columns[..., 1::2] = (0.75 * values + 0.25 * after)[..., : count // 2]
    return columns
