"""L-BFGS without a line search: one evaluation a step (Liu and Nocedal 1989).

The vector work is two passes over the memory, where the two-loop recursion takes four times its length: the memory's inner
products are kept, and the recursion is done on them (the compact form of Byrd, Nocedal and Schnabel 1994, theorem 2.2).
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float, Int
from pydantic import Field

from stylepipe.neural.optimizers.base import Evaluate, Pixels
from stylepipe.neural.spec import Spec

Vector = Float[Array, " n"]

_FIRST = 0.01
"""The root mean square of the first step, when nothing is known of the loss but its gradient."""

_SHRINK = 0.25
"""What is left of a step that was rejected."""

_PATIENCE = 4
"""After so many rejections in a row the memory is dropped: it points in no useful direction."""


class Lbfgs(Spec):
    """L-BFGS whose full step is taken as it is; a step that does not lower the loss is taken back and tried at a quarter.

    That costs an evaluation, as any step does, and it is rare (a few in 200): a line search proper spends about two
    evaluations on every step. A loss that is not finite counts as one that was not lowered.
    """

    kind: Literal["lbfgs"] = "lbfgs"
    memory: int = Field(default=10, ge=1, le=100, description="Steps remembered; each takes the memory of two pictures.")


class State(NamedTuple):
    """The best picture so far with its loss and gradient, the picture to try next, and the memory.

    The rows of `memory` are the last m steps, then the changes of the gradient over them; `products` are the inner products of
    the rows. `newest` is the row of the newest step; a step never taken has the product 0 with its change.
    """

    loss: Float[Array, ""]
    terms: Float[Array, " terms"]
    pixels: Pixels
    gradient: Pixels
    trial: Pixels
    memory: Float[Array, "2*m n"]
    products: Float[Array, "2*m 2*m"]
    newest: Int[Array, ""]
    rejections: Int[Array, ""]


def start(spec: Lbfgs, pixels: Pixels, terms: int) -> State:
    """An infinite loss, so that the first evaluation is accepted, and an empty memory."""
    m = spec.memory
    return State(
        loss=jnp.float32(jnp.inf),
        terms=jnp.zeros(terms),
        pixels=pixels,
        gradient=jnp.zeros_like(pixels),
        trial=jnp.copy(pixels),
        memory=jnp.zeros((2 * m, pixels.size)),
        products=jnp.zeros((2 * m, 2 * m)),
        newest=jnp.int32(m - 1),
        rejections=jnp.int32(0),
    )


def step(spec: Lbfgs, evaluate: Evaluate, state: State, *, clamp: bool) -> State:
    """Evaluates the trial, accepts or rejects it, and finds the next one."""
    found = evaluate(state.trial)
    first = jnp.isposinf(state.loss)
    accepted = first | (found.loss <= state.loss)
    moved = state.trial - state.pixels
    # A pixel held at its bound did not move: what its gradient did there says nothing about the curvature.
    changed = jnp.where(moved == 0, 0, found.gradient - state.gradient)

    pixels = jnp.where(accepted, state.trial, state.pixels)
    gradient = jnp.where(accepted, found.gradient, state.gradient)
    rejections = jnp.where(accepted, 0, state.rejections + 1)
    memory, products, newest, towards_higher = _remember(
        state, moved.ravel(), changed.ravel(), gradient.ravel(), learn=accepted & ~first
    )
    products = jnp.where(rejections < _PATIENCE, products, 0)
    known = jnp.trace(products, spec.memory) > 0
    newton = _newton(products, newest, towards_higher, memory, gradient)

    length = jnp.where(first, _FIRST, _rms(moved) * jnp.where(accepted, 1, _SHRINK))
    steepest = gradient * (length / jnp.maximum(_rms(gradient), 1e-30))
    ahead = pixels - jnp.where(known, newton, steepest)
    trial = jnp.where(accepted | ~known, jnp.clip(ahead, 0, 1) if clamp else ahead, pixels + _SHRINK * moved)
    return State(
        loss=jnp.where(accepted, found.loss, state.loss),
        terms=jnp.where(accepted, found.terms, state.terms),
        pixels=pixels,
        gradient=gradient,
        trial=trial,
        memory=memory,
        products=products,
        newest=newest,
        rejections=rejections,
    )


def result(spec: Lbfgs, state: State) -> Pixels:
    """The best picture so far."""
    return state.pixels


def enlarged(spec: Lbfgs, state: State, pixels: Pixels) -> State:
    """A new start: the memory of one size says little of another."""
    return start(spec, pixels, len(state.terms))


def _remember(
    state: State, moved: Vector, changed: Vector, gradient: Vector, *, learn: Bool[Array, ""]
) -> tuple[Float[Array, "2*m n"], Float[Array, "2*m 2*m"], Int[Array, ""], Float[Array, " 2*m"]]:
    """The memory with the newest pair in the place of the oldest, its products, and its products with the gradient.

    The pair is left out if `learn` is false, or if the loss is not convex along it (s·y not above 0).
    """
    m = len(state.memory) // 2
    learn &= jnp.dot(moved, changed) > 1e-7 * jnp.linalg.norm(moved) * jnp.linalg.norm(changed)
    newest = jnp.where(learn, (state.newest + 1) % m, state.newest)
    memory = state.memory
    for row, vector in ((newest, moved), (m + newest, changed)):
        memory = memory.at[row].set(jnp.where(learn, vector, memory[row]))
    found = jnp.matmul(memory, jnp.stack([memory[newest], memory[m + newest], gradient], 1), precision="highest")
    products = state.products
    for row, values in ((newest, found[:, 0]), (m + newest, found[:, 1])):
        products = products.at[row].set(values).at[:, row].set(values)
    return memory, products, newest, found[:, 2]


def _newton(
    products: Float[Array, "2*m 2*m"],
    newest: Int[Array, ""],
    slopes: Float[Array, " 2*m"],
    memory: Float[Array, "2*m n"],
    gradient: Pixels,
) -> Pixels:
    """The gradient times the inverse Hessian that the memory stands for; `slopes` are the memory's products with the gradient.

    With S and Y the steps and changes as columns, oldest first, R the upper triangle of SᵀY, D its diagonal, and γ = s·y / y·y
    of the newest pair: γ g + S R⁻ᵀ((D + γ YᵀY) R⁻¹ Sᵀg − γ Yᵀg) − γ Y R⁻¹ Sᵀg.
    """
    m = len(memory) // 2
    age = (newest + 1 + jnp.arange(m)) % m
    order = jnp.concatenate([age, m + age])
    products, slopes = products[order][:, order], slopes[order]
    curvature = jnp.diagonal(products, m)
    taken = curvature > 0
    both = taken[:, None] & taken
    triangle = jnp.where(both, jnp.triu(products[:m, m:]), 0) + jnp.diag(jnp.where(taken, 0.0, 1.0))
    squares = jnp.where(both, products[m:, m:], 0)
    gamma = curvature[-1] / jnp.maximum(squares[-1, -1], 1e-38)

    u = solve_triangular(triangle, jnp.where(taken, slopes[:m], 0))
    rest = curvature * u + gamma * (squares @ u) - gamma * jnp.where(taken, slopes[m:], 0)
    factors = jnp.concatenate([solve_triangular(triangle, rest, trans=1), -gamma * u])
    return gamma * gradient + (jnp.zeros(2 * m).at[order].set(factors) @ memory).reshape(gradient.shape)


def _rms(values: Pixels) -> Float[Array, ""]:
    return jnp.sqrt(jnp.mean(values**2))
