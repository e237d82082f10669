"""The 3×3 convolution with a quarter of the multiplications: Winograd's minimal filtering F(4×4, 3×3).

Four neighboring values y of a correlation with three numbers g, of six neighbors d, are

    y = Aᵀ[(G g) ⊙ (Bᵀ d)]

which is the multiplication of polynomials by their values at 0, ±1, ±2 and infinity. In two dimensions it is done along rows
and along columns: 36 multiplications for 16 values, which take 144 otherwise. With channels, each of the 36 is a product of
matrices (Lavin and Gray 2015, arXiv 1509.09308, section 4.3). Rounding takes about a decimal: results are within some 1e-5 of
the largest.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array

_KERNEL = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
"""G."""

_DATA = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float32,
)
"""Bᵀ."""

_VALUES = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
"""Aᵀ."""

_KERNEL_BOTH, _VALUES_BOTH = (np.kron(along, along).astype(np.float32) for along in (_KERNEL, _VALUES))
"""The transforms along rows and columns at once, (36, 9) and (16, 36)."""


def correlate(x: Float[Array, "_ _ i"], kernel: Float[Array, "3 3 i o"]) -> Float[Array, "_ _ o"]:
    """Returns the valid cross-correlation of x (h + 2, w + 2, in) with the kernel: (h, w, out)."""
    height, width = x.shape[0] - 2, x.shape[1] - 2
    kernels = jnp.matmul(_KERNEL_BOTH, kernel.reshape(9, -1)).reshape(6, 6, *kernel.shape[2:])
    products = jnp.einsum("abyxi,abio->abyxo", _data(x), kernels)
    down, across = products.shape[2:4]
    values = jnp.matmul(_VALUES_BOTH, products.reshape(36, -1)).reshape(4, 4, down, across, -1)
    return values.transpose(2, 0, 3, 1, 4).reshape(4 * down, 4 * across, -1)[:height, :width]


def _data(x: Float[Array, "_ _ i"]) -> Float[Array, "6 6 _ _ i"]:
    """Returns Bᵀ d B for each 6×6 window d, at stride 4, of x (h + 2, w + 2, in): (row, column, down, across, in)."""
    x = jnp.pad(x, ((0, 2 + (2 - len(x)) % 4), (0, 2 + (2 - x.shape[1]) % 4), (0, 0)))
    lines = _sixes(x, axis=0)
    rows = jnp.stack([sum(factor * line for factor, line in zip(row, lines, strict=True) if factor) for row in _DATA])
    # All columns are one sum, since a stack is a branch at every number; rows a stack, since XLA takes a sum anew for each use.
    columns = zip(_DATA.T[..., None, None, None], _sixes(rows, axis=2), strict=True)
    return sum(factors * column[:, None] for factors, column in columns)


def _sixes(x: Float[Array, "..."], *, axis: int) -> list[Float[Array, "..."]]:
    """Returns lines 4 i + j, i < n, of 4 (n + 1) lines along an axis, for each j from 0 to 5."""
    fours = jnp.moveaxis(x.reshape(*x.shape[:axis], -1, 4, *x.shape[axis + 1 :]), axis + 1, 0)
    last = (slice(None),) * axis
    return [four[*last, :-1] for four in fours] + [four[*last, 1:] for four in fours[:2]]
