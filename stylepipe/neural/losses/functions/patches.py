"""Nearest-patch search: for each patch of one picture's features, the patch of another's with the highest correlation."""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

Map = Float[Array, "_ _ _"]
Index = Int[Array, "h w"]

_ROWS, _EXAMPLE_ROWS = 8, 16
"""Rows of patches compared at a time."""


@partial(jax.jit, static_argnames="size")
def nearest(features: Map, examples: Map, candidates: Bool[Array, "_ _"], *, size: int) -> tuple[Index, Index]:
    """Returns the row and column, in `examples`, of the nearest candidate of each size × size patch of `features`.

    Nearest is the one of the largest normalized cross-correlation Σ P Q / (|P| |Q|), that of a Q of zeros being 0; of equal
    ones, the first. A patch stands where its first row and column are. The correlation of two patches is the sum of products of
    positions, each of which is part of size² such sums: O(n m (c + 2 size)) time for n and m positions, and, as some rows
    are compared at a time, memory for about 200 times the product of both widths.
    """
    height = features.shape[0] - size + 1
    inverse = _inverse_norms(examples, size)
    (starts, tall), (example_starts, example_tall) = _strips(height, _ROWS), _strips(len(candidates), _EXAMPLE_ROWS)

    def strip(start: Int[Array, ""]) -> tuple[Index, Index]:
        some = lax.dynamic_slice_in_dim(features, start, tall + size - 1)

        def against(start: Int[Array, ""]) -> tuple[Float[Array, "h w"], Index, Index]:
            others = lax.dynamic_slice_in_dim(examples, start, example_tall + size - 1)
            products = jnp.einsum("yxc,YXc->yxYX", some, others)
            sums = _along_diagonal(_along_diagonal(products, (0, 2), size), (1, 3), size)
            there = partial(lax.dynamic_slice_in_dim, start_index=start, slice_size=example_tall)
            scores = jnp.where(there(candidates), sums * there(inverse), -jnp.inf)
            by_row = scores.max(3)  # maxima alone are found faster than where they are
            row = by_row.argmax(2)
            column = jnp.take_along_axis(scores, row[..., None, None], 2)[:, :, 0].argmax(2)
            return by_row.max(2), start + row, column

        score, row, column = lax.map(against, example_starts)
        best = score.argmax(0)[None]
        return jnp.take_along_axis(row, best, 0)[0], jnp.take_along_axis(column, best, 0)[0]

    # The last strip begins before the one above it ends, so that all are as tall.
    of = np.arange(height) // tall
    row, column = (strips[of, np.arange(height) - starts[of]] for strips in lax.map(strip, starts))
    return row, column


def _strips(height: int, tall: int) -> tuple[Int[np.ndarray, " strips"], int]:
    """Returns the first rows of strips that cover all rows, and the height of each strip."""
    tall = min(tall, height)
    return np.minimum(np.arange(0, height, tall), height - tall), tall


def _along_diagonal(products: Float[Array, "y x Y X"], axes: tuple[int, int], size: int) -> Float[Array, "_ _ _ _"]:
    """Sums each product with the `size` − 1 that follow it, along both axes at once."""

    def shifted(d: int) -> Float[Array, "_ _ _ _"]:
        part = products
        for axis in axes:
            part = lax.slice_in_dim(part, d, d + products.shape[axis] - size + 1, axis=axis)
        return part

    return reduce(jnp.add, map(shifted, range(size)))


def _inverse_norms(features: Map, size: int) -> Float[Array, "_ _"]:
    """Returns 1 / |P| of each patch, 0 for a patch of zeros."""
    squares = sum_patches(jnp.sum(features**2, 2), size)
    return jnp.where(squares > 0, lax.rsqrt(jnp.where(squares > 0, squares, 1)), 0)


def sum_patches(values: Float[Array, "_ _"], size: int) -> Float[Array, "_ _"]:
    """Returns the sum over each patch."""
    return lax.reduce_window(values, 0.0, lax.add, (size, size), (1, 1), "VALID")
