"""The loop over one scale within a budget of memory: as a whole where that fits, else in tiles.

Where memory runs out all the same, the loop goes on from where it is, in smaller tiles.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any

import jax
from pydantic import AfterValidator, ByteSize, TypeAdapter, ValidationError

from stylepipe.errors import StageError
from stylepipe.neural import optimize
from stylepipe.neural.devices import spread
from stylepipe.neural.footprint import Choice, Workload
from stylepipe.neural.memory import available, return_freed_memory
from stylepipe.neural.objective import Objective, Tensors
from stylepipe.neural.optimizers import family
from stylepipe.neural.tiles import TiledObjective, require_tiles

_SHARE = 0.8
"""What `auto` takes of the memory that is free: estimates may be a quarter too low."""

_AT_ONCE = 10
"""Steps that a GPU or TPU takes without the host."""

_HINT = "Allow more memory, work at a smaller size, or use 'adam', or 'lbfgs' with a shorter memory."


def _checked(text: str) -> str:
    try:
        allowed = text == "auto" or _bytes(text) > 0
    except ValidationError:
        allowed = False
    if not allowed:
        raise ValueError("a budget is 'auto' or a size such as '4GB', '500 MB' or '1.5 GiB'")
    return text


def _bytes(text: str) -> int:
    return TypeAdapter(ByteSize).validate_python(text)


Budget = Annotated[str, AfterValidator(_checked)]
"""`auto`, or bytes with their unit."""


def in_bytes(budget: Budget) -> float:
    """The bytes of a budget; of `auto`, most of what is free now."""
    return _SHARE * available() if budget == "auto" else float(_bytes(budget))


def minimise(
    workload: Workload,
    tensors: Tensors,
    examples: Callable[[], Mapping[str, Any]],
    since: optimize.Step,
    *,
    memory: Budget,
    budget: float,
    tell: Callable[[str], None],
    **options: Any,
) -> Iterator[optimize.Step]:
    """`optimize.minimise` within `budget` bytes, which is what `memory` came to.

    `examples` makes what `prepare` takes; `options` are those of the loop; `tell` hears of tiles. Raises StageError where a
    budget that was stated is too small, or where memory runs out and no smaller tiles can help; `auto` tries what takes least.
    """
    choice = workload.within(budget)
    if choice.peak > budget:
        if memory != "auto":
            raise _too_little(workload, choice, budget)
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
            return_freed_memory()  # this process may lie idle now, beside others that want memory
            return
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            smaller = workload.below(choice)
            if smaller is None or any(array.is_deleted() for array in jax.tree.leaves(since.state)):
                raise _ran_out(since.iteration, choice) from error
            choice = smaller
        tell(f"The memory ran out after iteration {since.iteration}; it goes on from there in tiles of {choice.tile} pixels.")


def _steps(
    workload: Workload,
    since: optimize.Step,
    options: Mapping[str, Any],
    *,
    tile: int | None,
    tensors: Tensors,
    examples: Callable[[], Mapping[str, Any]],
) -> Iterator[optimize.Step]:
    """The loop in tiles of that size, or as a whole."""
    objective = workload.objective if tile is None else TiledObjective.of(workload.objective, tile)
    made = examples()
    return_freed_memory()
    constants = spread(objective.prepare(tensors, **made), workload.size)
    since = since._replace(state=spread(since.state, workload.size))
    del made  # the styles are not needed any more
    return_freed_memory()
    at_once = 1 if jax.default_backend() == "cpu" else _AT_ONCE
    awaited = family(workload.optimizer).awaited(workload.optimizer, since.state)
    if at_once == 1 and awaited is not None and isinstance(objective, Objective):
        # Otherwise the first step would take its memory beside what the compiler has freed, half a gigabyte.
        objective.compile(awaited, constants, options["key"])
        return_freed_memory()
    steps = optimize.minimise(objective, constants, since, optimizer=workload.optimizer, at_once=at_once, **options)
    yield from islice(steps, 1)
    return_freed_memory()  # what compiling the optimiser's step has freed
    yield from steps


def _too_little(workload: Workload, choice: Choice, budget: float) -> StageError:
    """Says why, where it is for want of tiles."""
    found = f"It takes about {_gigabytes(choice.peak)} of memory, and {_gigabytes(budget)} are allowed"
    try:
        require_tiles(workload.objective, workload.optimizer)
    except StageError as error:
        error.within(found)
        return error
    return StageError(f"{found}.", hint=_HINT)


def _ran_out(iteration: int, choice: Choice) -> StageError:
    found = f"The memory ran out at iteration {iteration + 1}, which was to take about {_gigabytes(choice.peak)}."
    return StageError(found, hint=_HINT)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.2g} GB"
