"""Transparency: what lies hidden under it is no part of a picture.

A file may hold any color where alpha is 0: black, white, or what was there before it was cut out. So that no filter and no
network sees it, hidden pixels are filled from the visible ones around them. `stylepipe.stage` does so with each picture that a
stage is given; whoever changes alpha does it again. No JAX here: stages are listed without it.
"""

import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array, Image
from stylepipe.errors import StageError


def without_hidden(image: Image) -> Image:
    """The image with its hidden pixels filled; the same one where none is hidden."""
    if image.alpha is None or np.min(image.alpha) > 0:
        return image
    return Image(fill_hidden(np.asarray(image.pixels), np.asarray(image.alpha)), image.alpha)


def fill_hidden(pixels: Float[np.ndarray, "h w 3"], alpha: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    """The picture with the colors of its surroundings where alpha is 0; black where nothing is visible at all.

    Pull-push interpolation (Gortler et al. 1996, "The Lumigraph", section 3.4): means over ever larger cells, each pixel
    counting by its alpha, then back from the largest cells, a finer one's mean counting as far as it is covered. The result
    is smooth and depends on the visible pixels alone. O(h w) time; memory for two planes beside the result.
    """
    hidden = alpha <= 0
    if not hidden.any():
        return pixels
    sums = np.stack([_cell_sums(pixels[..., channel] * alpha) for channel in range(3)])
    cells = _interpolated(sums, _cell_sums(alpha))
    filled = pixels.copy()
    for channel in range(3):
        filled[hidden, channel] = np.clip(_enlarged(cells[channel], alpha.shape)[hidden], 0, 1)  # of rounding
    return filled


def require_visible(image: Image, name: str) -> None:
    """Raises StageError for a picture of which nothing is visible; `name` is what the message calls it."""
    if image.alpha is not None and not np.any(image.alpha):
        raise StageError(
            f"{name} has no visible pixel: its alpha is 0 everywhere.", hint="Give a picture that is not wholly transparent."
        )


def alpha_of(image: Image) -> Float[Array, "h w"] | None:
    """How visible each pixel is; None where all are, whether the image says so or not."""
    return None if image.alpha is None or np.min(image.alpha) == 1 else image.alpha


def _interpolated(sums: Float[np.ndarray, "3 h w"], weights: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "3 h w"]:
    """The colors of cells, given as sums of weighted colors and of weights; cells of little weight have those around them."""
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
