"""The optimization loop of one scale, until the last iteration or convergence. Programs are compiled once per shape.

On the CPU the loop runs on the host, because a step inside `lax.fori_loop` is 3.4 times as slow there (jax-ml/jax issue 12868).
On other devices, which would wait for the host after each step, one program runs several steps.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from stylepipe.errors import StageError
from stylepipe.neural.optimizers.optimizer import Evaluation, Optimizer, Pixels, State
from stylepipe.neural.style_transfer.early_stop import EarlyStop
from stylepipe.neural.style_transfer.loss_set import require_deterministic, require_tiles
from stylepipe.neural.style_transfer.objective import Constants, Objective, Value
from stylepipe.neural.style_transfer.tiled_objective import TiledObjective
from stylepipe.neural.trees import filled, named
from stylepipe.neural.xla.compile_options import program


class LossValue(NamedTuple):
    """A loss and its terms, on the host."""

    value: float
    terms: tuple[float, ...]


class OptimizationStep(NamedTuple):
    """The state of a loop after a step. `state` is valid until the next step is requested (its buffers are donated).

    `history` holds the losses of all iterations so far, and grows with the next step; `losses` are those since the previous
    step, with their terms, in order. `converged` is true if the early stop ends the loop here.
    """

    iteration: int
    state: Any
    history: list[float]
    converged: bool = False
    losses: tuple[LossValue, ...] = ()


class Diverged(StageError):
    """A loss or gradient is not finite; `pixels` is the last picture."""

    def __init__(self, message: str, pixels: np.ndarray, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.pixels = pixels


def minimize(
    objective: Objective | TiledObjective,
    constants: Constants,
    since: OptimizationStep,
    *,
    optimizer: Optimizer,
    iterations: int,
    key: PRNGKeyArray,
    clamp: bool = True,
    early_stop: EarlyStop | None = None,
    at_once: int = 1,
    stops: Iterable[int] = (),
) -> Iterator[OptimizationStep]:
    """Yields the steps from `since` up to `iterations`, each computed on demand.

    A step is one iteration or, as one program, up to `at_once` iterations; steps end at the iterations in `stops` and at the
    windows of the early stop. Resuming from a checkpointed step gives the same results. Raises Diverged, which names the
    iteration and the term, and StageError for an optimizer that does not support tiles or the losses.
    """
    if isinstance(objective, TiledObjective):
        require_tiles(objective.objective, optimizer)
    else:
        require_deterministic(objective.losses, optimizer)
    history, window = list(since.history), early_stop.window if early_stop else iterations
    ends = sorted({iterations, *stops, *range(window, iterations, window)})
    step = since._replace(converged=early_stop is not None and early_stop.has_converged(history, since.iteration))
    while step.iteration < iterations and not step.converged:
        state, losses = _advanced(
            step.state,
            constants,
            key,
            first=step.iteration + 1,
            count=min(at_once, ends[bisect_right(ends, step.iteration)] - step.iteration),
            at_once=at_once,
            optimizer=optimizer,
            objective=objective,
            clamp=clamp,
        )
        iteration, loss = step.iteration + len(losses), losses[-1].value
        if not np.isfinite(loss):
            raise _diverged(objective, losses[-1].terms, iteration, result(optimizer, state))
        history.extend(each.value for each in losses)
        converged = early_stop is not None and early_stop.has_converged(history, iteration)
        step = OptimizationStep(iteration, state, history, converged, losses)
        yield step


def start(optimizer: Optimizer, pixels: Float[Array, "height width 3"], *, terms: int) -> OptimizationStep:
    """Returns the initial step of a loop whose loss has `terms` terms."""
    # A copy: each step donates the buffers of the previous state, and the caller keeps the picture.
    return OptimizationStep(0, _start(jnp.array(pixels), optimizer=optimizer, terms=terms), [])


def enlarged(optimizer: Optimizer, step: OptimizationStep, pixels: Pixels) -> OptimizationStep:
    """Returns the initial step of the next scale, from `pixels`, this scale's result resized to it."""
    return OptimizationStep(0, _enlarged(step.state, jnp.array(pixels), optimizer=optimizer), [])


def saved(step: OptimizationStep) -> dict[str, np.ndarray]:
    """Returns a step as named arrays on the host, for `restored`."""
    return {**named(step.state), "history": np.array(step.history, np.float64)}


def restored(optimizer: Optimizer, arrays: Mapping[str, np.ndarray], size: tuple[int, int], *, terms: int) -> OptimizationStep:
    """Returns the step that `saved` stored, for a picture of this (height, width)."""
    pixels = jax.ShapeDtypeStruct((*size, 3), jnp.float32)
    template = jax.eval_shape(partial(_start, optimizer=optimizer, terms=terms), pixels)
    history = arrays["history"].tolist()
    return OptimizationStep(len(history), filled(template, arrays), history)


def result(optimizer: Optimizer, state: State) -> Float[np.ndarray, "height width 3"]:
    """Returns the picture of a state, in [0, 1]."""
    return np.array(jnp.clip(optimizer.result(state), 0, 1))


def _advanced(
    state: Any,
    constants: Constants,
    key: PRNGKeyArray,
    *,
    first: int,
    count: int,
    at_once: int,
    optimizer: Optimizer,
    objective: Objective | TiledObjective,
    clamp: bool,
) -> tuple[Any, tuple[LossValue, ...]]:
    """Runs at most `count` iterations from `first` on, up to the first non-finite loss; returns the state and the losses.

    A step donates the buffers of the previous state. Where possible, the evaluation, which takes most of the memory, runs
    before that, so that the state survives a failure.
    """
    if at_once > 1 and isinstance(objective, Objective):
        options = {"at_once": at_once, "optimizer": optimizer, "objective": objective.form, "clamp": clamp}
        state, steps, rows = _several(state, constants, key, jnp.int32(first), jnp.int32(count), **options)
        return state, tuple(LossValue(value, tuple(terms)) for value, *terms in np.asarray(rows)[:steps].tolist())
    drawn = jax.random.fold_in(key, first)
    if optimizer.searches and isinstance(objective, Objective):
        state = _one(state, constants, drawn, optimizer=optimizer, objective=objective.form, clamp=clamp)
    else:
        awaited = optimizer.awaited(state)
        assert awaited is not None  # or it searches, which `require_tiles` refuses
        value, gradient = jax.block_until_ready(objective.value_and_gradient(awaited, constants, drawn))
        state = _moved(state, value, gradient, optimizer=optimizer, clamp=clamp)
    loss, terms = jax.device_get((state.loss, state.terms))
    return state, (LossValue(float(loss), tuple(terms.tolist())),)


@program(static_argnames=("optimizer", "clamp"), donate_argnames="state")
def _moved(state: Any, value: Value, gradient: Pixels, *, optimizer: Optimizer, clamp: bool) -> Any:
    return optimizer.step(lambda _: _evaluation(value, gradient), state, clamp=clamp)


def _stepped(
    state: Any, constants: Constants, key: PRNGKeyArray, *, optimizer: Optimizer, objective: Objective, clamp: bool
) -> Any:
    """Returns the state after a step that evaluates the pictures itself."""

    def evaluate(pixels: Pixels) -> Evaluation:
        return _evaluation(*jax.value_and_grad(objective, has_aux=True)(pixels, constants, key))

    return optimizer.step(evaluate, state, clamp=clamp)


_one = program(static_argnames=("optimizer", "objective", "clamp"), donate_argnames="state")(_stepped)


@program(static_argnames=("at_once", "optimizer", "objective", "clamp"), donate_argnames="state")
def _several(
    state: Any,
    constants: Constants,
    key: PRNGKeyArray,
    first: Int[Array, ""],
    count: Int[Array, ""],
    *,
    at_once: int,
    optimizer: Optimizer,
    objective: Objective,
    clamp: bool,
) -> tuple[Any, Int[Array, ""], Float[Array, "at_once losses"]]:
    """Returns the state after `count` steps or the first non-finite loss, the number of steps, and their losses with terms."""

    def step(carry: tuple[Any, Array, Array]) -> tuple[Any, Array, Array]:
        state, steps, rows = carry
        drawn = jax.random.fold_in(key, first + steps)
        state = _stepped(state, constants, drawn, optimizer=optimizer, objective=objective, clamp=clamp)
        return state, steps + 1, rows.at[steps].set(jnp.append(state.loss, state.terms))

    def continues(carry: tuple[Any, Array, Array]) -> Array:
        _, steps, rows = carry
        return (steps < count) & jnp.isfinite(rows).all()

    return jax.lax.while_loop(continues, step, (state, jnp.int32(0), jnp.zeros((at_once, 1 + len(state.terms)))))


def _evaluation(value: Value, gradient: Pixels) -> Evaluation:
    loss, terms = value
    return Evaluation(jnp.where(jnp.isfinite(gradient.sum()), loss, jnp.nan), terms, gradient)


@partial(jax.jit, static_argnames=("optimizer", "terms"))
def _start(pixels: Pixels, *, optimizer: Optimizer, terms: int) -> Any:
    return optimizer.start(pixels, terms)


@partial(jax.jit, static_argnames="optimizer")
def _enlarged(state: Any, pixels: Pixels, *, optimizer: Optimizer) -> Any:
    return optimizer.enlarged(state, pixels)


def _diverged(objective: Objective | TiledObjective, terms: Sequence[float], iteration: int, pixels: np.ndarray) -> Diverged:
    causes = [
        f"the term '{name}' is {value}" for name, value in zip(objective.terms, terms, strict=True) if not np.isfinite(value)
    ]
    message = f"The loss is not finite at iteration {iteration}: {' and '.join(causes)}."
    return Diverged(
        message if causes else f"The gradient of the loss is not finite at iteration {iteration}.",
        pixels,
        hint="Lower the weights or the learning rate; the run's folder keeps the picture it stopped at.",
    )
