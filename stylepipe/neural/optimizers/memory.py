"""What L-BFGS remembers, and the inverse Hessian that it stands for, at two passes over the memory for each step.

The two-loop recursion takes four passes over each remembered vector, one after another. Here the inner products of what is
remembered are kept, and the recursion is done on those small matrices (Byrd, Nocedal and Schnabel 1994, theorem 2.2).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float, Int

from stylepipe.neural.optimizers.base import Pixels


class Memory(NamedTuple):
    """The last m steps and the changes of the gradient over them.

    `rows` are the steps, then the changes, each in a ring whose `newest` place is the same for both; `products` are the inner
    products of the rows, and `slopes` those with the newest gradient. A place not taken holds zeros.
    """

    rows: Float[Array, "rows n"]
    products: Float[Array, "rows rows"]
    slopes: Float[Array, " rows"]
    newest: Int[Array, ""]

    @property
    def length(self) -> int:
        """m."""
        return len(self.rows) // 2

    @property
    def taken(self) -> Bool[Array, ""]:
        """Whether anything is remembered."""
        return jnp.trace(self.products, self.length) > 0


def empty(length: int, size: int) -> Memory:
    """Nothing remembered of vectors of that size."""
    rows = 2 * length
    return Memory(jnp.zeros((rows, size)), jnp.zeros((rows, rows)), jnp.zeros(rows), jnp.int32(length - 1))


def remember(memory: Memory, moved: Pixels, changed: Pixels, gradient: Pixels, *, learn: Bool[Array, ""]) -> Memory:
    """The memory with a step, and the change of the gradient over it, in the place of the oldest; and with a new gradient.

    A pair of no worth, which `learn` says, or the loss not being convex along it (s·y not above 0), leaves its place free for
    the next one.
    """
    m = memory.length
    pair = moved.ravel(), changed.ravel()
    learn &= jnp.dot(*pair) > 1e-7 * jnp.linalg.norm(pair[0]) * jnp.linalg.norm(pair[1])
    place = (memory.newest + 1) % m
    rows, products = memory.rows, memory.products
    pair = [jnp.where(learn, vector, 0) for vector in pair]
    for i, vector in zip((place, m + place), pair, strict=True):
        rows = jax.lax.dynamic_update_index_in_dim(rows, vector, i, 0)  # in place, where `at[i].set` copies all rows
    found = jnp.matmul(rows, jnp.stack([*pair, gradient.ravel()], 1), precision="highest")
    for i, column in ((place, 0), (m + place, 1)):
        products = products.at[i].set(found[:, column]).at[:, i].set(found[:, column])
    return Memory(rows, products, found[:, 2], jnp.where(learn, place, memory.newest))


def forget(memory: Memory, *, when: Bool[Array, ""]) -> Memory:
    """The memory, with nothing in it if so."""
    return memory._replace(products=jnp.where(when, 0, memory.products))


def newton(memory: Memory, gradient: Pixels) -> Pixels:
    """The inverse Hessian times the gradient that was given last; zeros if nothing is remembered.

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
    along_steps, along_changes = jnp.split(jnp.where(both, memory.slopes[order], 0), 2)
    triangle = jnp.triu(products[:m, m:]) + jnp.diag(jnp.where(taken, 0.0, 1.0))
    squares = products[m:, m:]
    gamma = curvature[-1] / jnp.maximum(squares[-1, -1], 1e-38)

    u = solve_triangular(triangle, along_steps)
    rest = curvature * u + gamma * (squares @ u) - gamma * along_changes
    factors = jnp.concatenate([solve_triangular(triangle, rest, trans=1), -gamma * u])
    combined = jnp.matmul(jnp.zeros(2 * m).at[order].set(factors), memory.rows, precision="highest")
    return gamma * gradient + combined.reshape(gradient.shape)
