"""Optimizes one scale within a memory budget, tiling if needed.

If memory runs out nevertheless, the loop continues from the last step with smaller tiles.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Annotated, Any

import jax
from pydantic import BeforeValidator, ByteSize, TypeAdapter, ValidationError

from stylepipe import memory_limits
from stylepipe.errors import MemoryShortage, StageError
from stylepipe.neural.optimizers import optimizer_implementation
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.style_transfer import optimize
from stylepipe.neural.style_transfer.memory_estimate import Choice, Workload
from stylepipe.neural.style_transfer.objective import Objective, Tensors
from stylepipe.neural.style_transfer.tiled_objective import TiledObjective, require_tiles
from stylepipe.neural.xla.allocator import available, return_freed_memory
from stylepipe.neural.xla.sharding import spread

_SHARE = 0.8
"""The fraction of free memory that `auto` uses: estimates may be a quarter too low."""

_AT_ONCE = 10
"""Steps per program on a GPU or TPU."""


def _checked(value: Any) -> Any:
    text = str(value).strip()
    if isinstance(value, int | float) or text.replace(".", "", 1).isdecimal():
        raise ValueError(f"a number without a unit would be bytes; write {text}GB for gigabytes, or {text}MB for megabytes")
    try:
        allowed = value == "auto" or _bytes(text) > 0
    except ValidationError:
        allowed = False
    if not allowed:
        raise ValueError("a budget is 'auto' or a size such as '4GB', '500 MB' or '1.5 GiB'")
    return value


def _bytes(text: str) -> int:
    return TypeAdapter(ByteSize).validate_python(text)


Budget = Annotated[str, BeforeValidator(_checked)]
"""`auto`, or bytes with their unit."""


def in_bytes(budget: Budget) -> float:
    """Returns a budget in bytes; for `auto`, 80 % of the free memory."""
    return _SHARE * available() if budget == "auto" else float(_bytes(budget))


def choose(workload: Workload, memory: Budget) -> Choice:
    """Returns how to compute a scale within `memory`.

    Raises MemoryShortage if nothing fits in the stated budget or, for `auto`, in all memory available to this process.
    """
    budget = in_bytes(memory)
    choice = workload.within(budget)
    limit = available() + memory_limits.resident() if memory == "auto" else budget
    if choice.peak > limit:
        raise _too_little(workload, choice, limit, stated=memory != "auto")
    return choice


def minimize(
    workload: Workload,
    tensors: Tensors,
    examples: Callable[[], Mapping[str, Any]],
    since: optimize.OptimizationStep,
    *,
    memory: Budget,
    budget: float,
    tell: Callable[[str], None],
    **options: Any,
) -> Iterator[optimize.OptimizationStep]:
    """Runs `optimize.minimize` within `budget` bytes, the value of `memory` when the stage started.

    `examples` returns the arguments of `prepare`; `options` are those of the loop; `tell` receives notes on tiling. Raises
    StageError if a stated budget is too small, or if memory runs out with the smallest tiles; `auto` then tries the smallest.
    """
    choice = workload.within(budget)
    if choice.peak > budget:
        if memory != "auto":
            raise _too_little(workload, choice, budget, stated=True)
        tell(f"It takes about {_gigabytes(choice.peak)} of memory, and {_gigabytes(budget)} are free.")
    if choice.tile:
        whole = _gigabytes(workload.peak(None))
        tell(f"In tiles of {choice.tile} pixels it takes about {_gigabytes(choice.peak)} of memory; as a whole, {whole}.")
    while True:
        return_freed_memory()
        try:
            for step in _steps(workload, since, options, tile=choice.tile, tensors=tensors, examples=examples):
                since = step
                yield step
            return_freed_memory()  # this process may be idle next, while others need memory
            return
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            smaller = workload.below(choice)
            if smaller is None or any(array.is_deleted() for array in jax.tree.leaves(since.state)):
                raise _ran_out(workload, since.iteration, choice) from error
            choice = smaller
        tell(f"Memory ran out after iteration {since.iteration}; the stage continues in tiles of {choice.tile} pixels.")


def _steps(
    workload: Workload,
    since: optimize.OptimizationStep,
    options: Mapping[str, Any],
    *,
    tile: int | None,
    tensors: Tensors,
    examples: Callable[[], Mapping[str, Any]],
) -> Iterator[optimize.OptimizationStep]:
    """Runs the loop in tiles of this size, or untiled."""
    objective = workload.objective if tile is None else TiledObjective.of(workload.objective, tile)
    made = examples()
    return_freed_memory()
    constants = spread(objective.prepare(tensors, **made), workload.size)
    since = since._replace(state=spread(since.state, workload.size))
    del made  # the styles are not needed any more
    return_freed_memory()
    at_once = 1 if jax.default_backend() == "cpu" else _AT_ONCE
    awaited = optimizer_implementation(workload.optimizer).awaited(workload.optimizer, since.state)
    if at_once == 1 and awaited is not None and isinstance(objective, Objective):
        # Otherwise the first step would allocate on top of half a gigabyte that the compiler freed.
        objective.compile(awaited, constants, options["key"])
        return_freed_memory()
    steps = optimize.minimize(objective, constants, since, optimizer=workload.optimizer, at_once=at_once, **options)
    yield from islice(steps, 1)
    return_freed_memory()  # what compiling the optimizer's step has freed
    yield from steps


def _too_little(workload: Workload, choice: Choice, limit: float, *, stated: bool) -> MemoryShortage:
    """Builds the error: why tiles do not help, if they cannot be used, and what would fit."""
    bound = f"{_gigabytes(limit)} {'are allowed' if stated else 'are available'}"
    message = f"It takes about {_gigabytes(choice.peak)} of memory, and {bound}"
    hint = _advice(workload, limit)
    try:
        require_tiles(workload.objective, workload.optimizer)
    except StageError as error:
        return MemoryShortage(f"{message}: {error.message}", hint=" ".join(filter(None, (hint, error.hint))))
    return MemoryShortage(f"{message}.", hint=hint)


def _ran_out(workload: Workload, iteration: int, choice: Choice) -> MemoryShortage:
    message = f"Memory ran out at iteration {iteration + 1}; the estimate was {_gigabytes(choice.peak)}."
    return MemoryShortage(message, hint=_advice(workload, 0.8 * choice.peak))


def _advice(workload: Workload, limit: float) -> str:
    """Suggests what fits in `limit` bytes: a smaller size, another optimizer, or more memory."""

    def fits(changed: Workload) -> bool:
        return changed.within(limit).peak <= limit

    ways = []
    if side := next((side for side in _smaller(max(workload.size)) if fits(workload.scaled(side / max(workload.size)))), None):
        ways.append(f"work at a long side of at most {side} pixels")
    drawn = any(loss.stochastic for loss in workload.objective.losses)  # stochastic losses need Adam
    others = [Adam(), *([] if drawn else [Lbfgs(memory=3), Lbfgs(memory=3, history="bfloat16")])]
    lighter = [
        other
        for other in others
        if optimizer_implementation(other).state_size(other).held
        < optimizer_implementation(workload.optimizer).state_size(workload.optimizer).held
    ]
    if light := next((other for other in lighter if fits(replace(workload, optimizer=other))), None):
        named = ", ".join(f"{name}: {value}" for name, value in light.model_dump(exclude_unset=True).items())
        ways.append(f"use the optimizer {{kind: {light.kind}{', ' + named if named else ''}}}")
    return f"{' or '.join(['Allow more memory', *ways])}."


def _smaller(side: int) -> Iterator[int]:
    """Yields decreasing sides, multiples of 16."""
    return (round(side * share / 100 / 16) * 16 or 16 for share in range(95, 4, -5))


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.2g} GB"
