"""The loop over one scale: steps on the host, each compiled once for its shape, until enough of them or no more gain."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.neural.objective import Constants, Objective, Value
from stylepipe.neural.optimizers import AnyOptimizer, family
from stylepipe.neural.optimizers.base import Evaluation, Pixels, State
from stylepipe.neural.program import program
from stylepipe.neural.spec import Spec
from stylepipe.neural.tiles import TiledObjective, require_tiles
from stylepipe.neural.trees import filled, named


class EarlyStop(Spec):
    """Stops when `window` iterations have lowered the loss by less than the share `improvement` of it."""

    window: int = Field(default=20, ge=1, le=10_000, description="Iterations over which the gain is measured.")
    improvement: float = Field(default=1e-3, gt=0, lt=1, description="The least share of the loss to be gained.")


class Step(NamedTuple):
    """Where a loop stands: all that the rest depends on. `state` is good until the next step is asked for.

    `milestone` is the loss at the end of the last window of the early stop, NaN before there was one; `settled` says that the
    last one gained too little.
    """

    iteration: int
    state: Any
    milestone: float = float("nan")
    settled: bool = False
    loss: float = float("nan")
    terms: tuple[float, ...] = ()


class Diverged(StageError):
    """A loss or gradient that is not finite; `pixels` is the last picture whose loss was."""

    def __init__(self, message: str, pixels: np.ndarray, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.pixels = pixels


def minimise(
    objective: Objective | TiledObjective,
    constants: Constants,
    since: Step,
    *,
    optimizer: AnyOptimizer,
    iterations: int,
    key: PRNGKeyArray,
    clamp: bool = True,
    early_stop: EarlyStop | None = None,
) -> Iterator[Step]:
    """The steps from `since` up to `iterations`, each computed when it is asked for.

    On the CPU a step inside `lax.fori_loop` is 3.4 times as slow as one called from here (jax-ml/jax issue 12868). The step
    after a checkpointed one is the same as without the interruption. Raises Diverged, which names the iteration and the term,
    and StageError for an optimiser that does not work in tiles.
    """
    if isinstance(objective, TiledObjective):
        require_tiles(objective.objective, optimizer)
    step = since
    while step.iteration < iterations and not step.settled:
        iteration = step.iteration + 1
        drawn = jax.random.fold_in(key, iteration)
        state = _advanced(step.state, constants, drawn, optimizer=optimizer, objective=objective, clamp=clamp)
        loss, terms = jax.device_get((state.loss, state.terms))
        if not np.isfinite(loss):
            raise _diverged(objective, terms, iteration, result(optimizer, state))
        milestone, settled = step.milestone, False
        if early_stop is not None and iteration % early_stop.window == 0:
            settled = milestone - loss < early_stop.improvement * abs(milestone)
            milestone = float(loss)
        step = Step(iteration, state, milestone, bool(settled), float(loss), tuple(map(float, terms)))
        yield step


def start(optimizer: AnyOptimizer, pixels: Float[Array, "height width 3"], *, terms: int) -> Step:
    """Where a loop over a loss of that many terms starts."""
    # A copy: each step is given the memory of the state before it, and the caller keeps the picture.
    return Step(0, _start(jnp.array(pixels), optimizer=optimizer, terms=terms))


def enlarged(optimizer: AnyOptimizer, step: Step, pixels: Pixels) -> Step:
    """Where the loop over the next scale starts: from `pixels`, this one's result brought to the size of the next."""
    return Step(0, _enlarged(step.state, jnp.array(pixels), optimizer=optimizer))


def saved(step: Step) -> dict[str, np.ndarray]:
    """All of a step as named arrays on the host, from which `restored` makes it again."""
    return {
        **named(step.state),
        "iteration": np.array(step.iteration),
        "milestone": np.array(step.milestone),
        "settled": np.array(step.settled),
    }


def restored(optimizer: AnyOptimizer, arrays: Mapping[str, np.ndarray], size: tuple[int, int], *, terms: int) -> Step:
    """The step that `saved` took apart, of a picture of this size, (height, width)."""
    template = start(optimizer, jnp.zeros((*size, 3)), terms=terms).state
    return Step(int(arrays["iteration"]), filled(template, arrays), float(arrays["milestone"]), bool(arrays["settled"]))


def result(optimizer: AnyOptimizer, state: State) -> Float[np.ndarray, "height width 3"]:
    """The picture for a state, in [0, 1]."""
    return np.array(jnp.clip(family(optimizer).result(optimizer, state), 0, 1))


def _advanced(
    state: Any,
    constants: Constants,
    key: PRNGKeyArray,
    *,
    optimizer: AnyOptimizer,
    objective: Objective | TiledObjective,
    clamp: bool,
) -> Any:
    """The state one step on.

    A step takes over the memory of the state before it. Its evaluation, which takes most of the memory, comes before that
    where it can: so the state is still there if it fails.
    """
    if optimizer.searches and isinstance(objective, Objective):
        return _searched(state, constants, key, optimizer=optimizer, objective=objective.form, clamp=clamp)
    awaited = family(optimizer).awaited(optimizer, state)
    assert awaited is not None  # or it searches, which `require_tiles` refuses
    found = jax.block_until_ready(objective.value_and_gradient(awaited, constants, key))
    return _moved(state, *found, optimizer=optimizer, clamp=clamp)


@program(static_argnames=("optimizer", "clamp"), donate_argnames="state")
def _moved(state: Any, value: Value, gradient: Pixels, *, optimizer: AnyOptimizer, clamp: bool) -> Any:
    return family(optimizer).step(optimizer, lambda _: _evaluation(value, gradient), state, clamp=clamp)


@program(static_argnames=("optimizer", "objective", "clamp"), donate_argnames="state")
def _searched(
    state: Any, constants: Constants, key: PRNGKeyArray, *, optimizer: AnyOptimizer, objective: Objective, clamp: bool
) -> Any:
    """A step that evaluates pictures that it finds on its way."""

    def evaluate(pixels: Pixels) -> Evaluation:
        return _evaluation(*jax.value_and_grad(objective, has_aux=True)(pixels, constants, key))

    return family(optimizer).step(optimizer, evaluate, state, clamp=clamp)


def _evaluation(value: Value, gradient: Pixels) -> Evaluation:
    loss, terms = value
    return Evaluation(jnp.where(jnp.isfinite(gradient.sum()), loss, jnp.nan), terms, gradient)


@partial(jax.jit, static_argnames=("optimizer", "terms"))
def _start(pixels: Pixels, *, optimizer: AnyOptimizer, terms: int) -> Any:
    return family(optimizer).start(optimizer, pixels, terms)


@partial(jax.jit, static_argnames="optimizer")
def _enlarged(state: Any, pixels: Pixels, *, optimizer: AnyOptimizer) -> Any:
    return family(optimizer).enlarged(optimizer, state, pixels)


def _diverged(objective: Objective | TiledObjective, terms: np.ndarray, iteration: int, pixels: np.ndarray) -> Diverged:
    broken = [
        f"the term '{name}' is {value}" for name, value in zip(objective.terms, terms, strict=True) if not np.isfinite(value)
    ]
    found = f"The loss is not finite at iteration {iteration}: {' and '.join(broken)}."
    return Diverged(
        found if broken else f"The gradient of the loss is not finite at iteration {iteration}.",
        pixels,
        hint="Lower the weights or the learning rate; the run's folder keeps the last good picture.",
    )
