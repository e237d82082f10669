"""The memory budget of a stylization, and how a scale is computed within it. No JAX here: stages are estimated without it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, ByteSize, TypeAdapter, ValidationError

from stylepipe.errors import MemoryShortage, StageError
from stylepipe.formatting import gigabytes
from stylepipe.hardware import memory_limits
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.style_transfer.loss_set import require_tiles
from stylepipe.neural.style_transfer.memory_estimate import Choice, Workload
from stylepipe.neural.xla.allocator import available

_SHARE = 0.8
"""The fraction of free memory that `auto` uses: estimates may be a quarter too low."""


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
        raise too_little(workload, choice, limit, stated=memory != "auto")
    return choice


def too_little(workload: Workload, choice: Choice, limit: float, *, stated: bool) -> MemoryShortage:
    """Builds the error: why tiles do not help, if they cannot be used, and what would fit."""
    bound = f"{gigabytes(limit)} {'are allowed' if stated else 'are available'}"
    message = f"It takes about {gigabytes(choice.peak)} of memory, and {bound}"
    hint = _advice(workload, limit)
    try:
        require_tiles(workload.objective, workload.optimizer)
    except StageError as error:
        return MemoryShortage(f"{message}: {error.message}", hint=" ".join(filter(None, (hint, error.hint))))
    return MemoryShortage(f"{message}.", hint=hint)


def ran_out(workload: Workload, iteration: int, choice: Choice) -> MemoryShortage:
    """Builds the error for a device whose memory ran out after an iteration."""
    message = f"Memory ran out at iteration {iteration + 1}; the estimate was {gigabytes(choice.peak)}."
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
    lighter = [other for other in others if other.state_size().held < workload.optimizer.state_size().held]
    if light := next((other for other in lighter if fits(replace(workload, optimizer=other))), None):
        named = ", ".join(f"{name}: {value}" for name, value in light.model_dump(exclude_unset=True).items())
        ways.append(f"use the optimizer {{kind: {light.kind}{', ' + named if named else ''}}}")
    return f"{' or '.join(['Allow more memory', *ways])}."


def _smaller(side: int) -> Iterator[int]:
    """Yields decreasing sides, multiples of 16."""
    return (round(side * share / 100 / 16) * 16 or 16 for share in range(95, 4, -5))
