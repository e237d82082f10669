"""Optimizes one scale within a memory budget, tiling if needed.

If memory runs out nevertheless, the loop continues from the last step with smaller tiles.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import jax

from stylepipe.formatting import gigabytes
from stylepipe.neural.style_transfer import optimize
from stylepipe.neural.style_transfer.memory_budget import Budget, ran_out, too_little
from stylepipe.neural.style_transfer.memory_estimate import Workload
from stylepipe.neural.style_transfer.objective import Objective, Tensors
from stylepipe.neural.style_transfer.tiled_objective import TiledObjective
from stylepipe.neural.xla.allocator import return_freed_memory
from stylepipe.neural.xla.sharding import spread

_AT_ONCE = 10
"""Steps per program on a GPU or TPU."""


def minimize_within(
    objective: Objective,
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
            raise too_little(workload, choice, budget, stated=True)
        tell(f"It takes about {gigabytes(choice.peak)} of memory, and {gigabytes(budget)} are free.")
    if choice.tile:
        whole = gigabytes(workload.peak(None))
        tell(f"In tiles of {choice.tile} pixels it takes about {gigabytes(choice.peak)} of memory; as a whole, {whole}.")
    while True:
        return_freed_memory()
        try:
            for step in _steps(objective, workload, since, options, tile=choice.tile, tensors=tensors, examples=examples):
                since = step
                yield step
            return_freed_memory()  # this process may be idle next, while others need memory
            return
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            smaller = workload.below(choice)
            if smaller is None or any(array.is_deleted() for array in jax.tree.leaves(since.state)):
                raise ran_out(workload, since.iteration, choice) from error
            choice = smaller
        tell(f"Memory ran out after iteration {since.iteration}; the stage continues in tiles of {choice.tile} pixels.")


def _steps(
    whole: Objective,
    workload: Workload,
    since: optimize.OptimizationStep,
    options: Mapping[str, Any],
    *,
    tile: int | None,
    tensors: Tensors,
    examples: Callable[[], Mapping[str, Any]],
) -> Iterator[optimize.OptimizationStep]:
    """Runs the loop in tiles of this size, or untiled."""
    objective = whole if tile is None else TiledObjective.of(whole, tile)
    made = examples()
    return_freed_memory()
    constants = spread(objective.prepare(tensors, **made), workload.size)
    since = since._replace(state=spread(since.state, workload.size))
    del made  # the styles are not needed any more
    return_freed_memory()
    at_once = 1 if jax.default_backend() == "cpu" else _AT_ONCE
    awaited = workload.optimizer.awaited(since.state)
    if at_once == 1 and awaited is not None and isinstance(objective, Objective):
        # Otherwise the first step would allocate on top of half a gigabyte that the compiler freed.
        objective.compile(awaited, constants, options["key"])
        return_freed_memory()
    steps = optimize.minimize(objective, constants, since, optimizer=workload.optimizer, at_once=at_once, **options)
    yield from islice(steps, 1)
    return_freed_memory()  # what compiling the optimizer's step has freed
    yield from steps
