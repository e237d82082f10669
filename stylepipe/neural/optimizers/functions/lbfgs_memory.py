"""The L-BFGS memory and its inverse Hessian approximation, with two passes over the memory per step.

The two-loop recursion takes four sequential passes over each stored vector. Here the inner products of the stored vectors are
kept, and the recursion runs on these small matrices (Byrd, Nocedal and Schnabel 1994, theorem 2.2).

bfloat16 halves the memory. Inner products are computed in float32 from the rounded vectors, so that the small matrices are
exact for these.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float, Int, UInt16

from stylepipe.neural.optimizers.optimizer import HistoryPrecision, Pixels

Rows = Float[Array, "rows n"] | UInt16[Array, "rows n"]
"""Vectors in float32, or the bits of bfloat16: on the CPU, XLA would widen a whole bfloat16 array to read one row."""


class Memory(NamedTuple):
    """The last m steps s and gradient changes y.

    `rows` are the steps, then the changes, each a ring buffer whose last entry is at index `newest`; `products` are the inner
    products of the rows, and `gradient_products` those with the newest gradient. Unused entries are zero.
    """

    rows: Rows
    products: Float[Array, "rows rows"]
    gradient_products: Float[Array, " rows"]
    newest: Int[Array, ""]

    @property
    def length(self) -> int:
        """The capacity m."""
        return len(self.rows) // 2

    @property
    def taken(self) -> Bool[Array, ""]:
        """Whether any pair is stored."""
        return jnp.trace(self.products, self.length) > 0


def empty(length: int, size: int, precision: HistoryPrecision = "float32") -> Memory:
    """Returns an empty memory for vectors of this size."""
    rows = 2 * length
    kept = jnp.zeros((rows, size), jnp.float32 if precision == "float32" else jnp.uint16)
    return Memory(kept, jnp.zeros((rows, rows)), jnp.zeros(rows), jnp.int32(length - 1))


def remember(memory: Memory, moved: Pixels, changed: Pixels, gradient: Pixels, *, learn: Bool[Array, ""]) -> Memory:
    """Stores a step s and its gradient change y in place of the oldest pair, and the products with the new gradient.

    Pairs with s·y ≤ 0, up to rounding, are skipped, and so are all where `learn` is false.
    """
    m = memory.length
    rows, products = memory.rows, memory.products
    pair = [_kept(vector.ravel(), rows) for vector in (moved, changed)]
    step, change = map(_read, pair)
    learn &= jnp.dot(step, change) > 1e-7 * jnp.linalg.norm(step) * jnp.linalg.norm(change)
    place = (memory.newest + 1) % m
    for i, vector in zip((place, m + place), pair, strict=True):
        # In place: `at[i].set` copies all rows, and so does reading a row without the barrier.
        oldest = jax.lax.optimization_barrier(jax.lax.dynamic_slice_in_dim(rows, i, 1))
        rows = jax.lax.dynamic_update_slice_in_dim(rows, jnp.where(learn, vector[None], oldest).astype(rows.dtype), i, 0)
    columns = _products(rows, [step, change, gradient.ravel()])
    for i, column in ((place, 0), (m + place, 1)):
        products = products.at[i].set(columns[:, column]).at[:, i].set(columns[:, column])
    products = jnp.where(learn, products, memory.products)
    return Memory(rows, products, columns[:, 2], jnp.where(learn, place, memory.newest))


def forget(memory: Memory, *, when: Bool[Array, ""]) -> Memory:
    """Clears the memory if `when` is true."""
    return memory._replace(products=jnp.where(when, 0, memory.products))


def newton(memory: Memory, gradient: Pixels) -> Pixels:
    """Returns the inverse Hessian approximation times the newest gradient; zeros if the memory is empty.

    With S and Y the steps and changes as columns, oldest first, R the upper triangle of SᵀY, D its diagonal, and γ = s·y / y·y
    of the newest pair: γ g + S R⁻ᵀ((D + γ YᵀY) R⁻¹ Sᵀg − γ Yᵀg) − γ Y R⁻¹ Sᵀg.
    """
    m = memory.length
    ring = (memory.newest + 1 + jnp.arange(m)) % m
    order = jnp.concatenate([ring, m + ring])
    curvature = jnp.diagonal(memory.products, m)[ring]
    taken = curvature > 0
    both = jnp.tile(taken, 2)
    products = jnp.where(both[:, None] & both, memory.products[order][:, order], 0)
    along_steps, along_changes = jnp.split(jnp.where(both, memory.gradient_products[order], 0), 2)
    triangle = jnp.triu(products[:m, m:]) + jnp.diag(jnp.where(taken, 0.0, 1.0))
    squares = products[m:, m:]
    gamma = curvature[-1] / jnp.maximum(squares[-1, -1], 1e-38)

    u = solve_triangular(triangle, along_steps)
    rest = curvature * u + gamma * (squares @ u) - gamma * along_changes
    factors = jnp.concatenate([solve_triangular(triangle, rest, trans=1), -gamma * u])
    combined = _combined(jnp.zeros(2 * m).at[order].set(factors), memory.rows)
    return gamma * gradient + combined.reshape(gradient.shape)


# --- rows ---------------------------------------------------------------------------------------------------------------


def _kept(vector: Float[Array, " n"], rows: Rows) -> Array:
    """Rounds a vector to the rows' precision: bfloat16 is the upper half of float32, rounded to nearest, ties to even."""
    if rows.dtype == jnp.float32:
        return vector
    bits = jax.lax.bitcast_convert_type(vector, jnp.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(jnp.uint16)


def _read(row: Array) -> Float[Array, " n"]:
    """Returns a row in float32."""
    return row if row.dtype == jnp.float32 else jax.lax.bitcast_convert_type(row.astype(jnp.uint32) << 16, jnp.float32)


def _products(rows: Rows, vectors: Sequence[Float[Array, " n"]]) -> Float[Array, "rows vectors"]:
    """Returns the inner products of all rows with the vectors."""
    if rows.dtype == jnp.float32:
        return jnp.matmul(rows, jnp.stack(vectors, 1))
    stacked = jnp.stack(vectors)
    return jax.lax.map(lambda row: jnp.matmul(stacked, _read(row)), rows)


def _combined(factors: Float[Array, " rows"], rows: Rows) -> Float[Array, " n"]:
    """Returns the linear combination of all rows."""
    if rows.dtype == jnp.float32:
        return jnp.matmul(factors, rows)
    return jax.lax.fori_loop(0, len(rows), lambda i, sum_: sum_ + factors[i] * _read(rows[i]), jnp.zeros(rows.shape[1]))
