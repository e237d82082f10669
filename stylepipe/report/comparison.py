"""Compares two runs by the contents of their folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylepipe.engine.cache.keys import differences
from stylepipe.engine.runs.records import RunRecord, StageRecord, load_run
from stylepipe.report.history import History, read_history


@dataclass(frozen=True)
class Change:
    """A value of each run; None where it is missing."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class StageChange:
    """A stage in which the runs differ.

    `same_key` tells whether everything that the result depends on is equal, `same_result` whether the results are; either may
    hold without the other. `losses` are the last losses of both runs; `reasons` lists the recorded differences in what the
    stage received.
    """

    name: str
    same_key: bool
    same_result: bool
    losses: tuple[float | None, float | None]
    reasons: Sequence[str]


@dataclass(frozen=True)
class RunComparison:
    """All differences of two runs, by their folders.

    `outputs` are those whose digests differ; `same_stages` counts equal stages.
    """

    runs: tuple[Path, Path]
    params: Sequence[Change]
    inputs: Sequence[Change]
    versions: Sequence[Change]
    stages: Sequence[StageChange]
    same_stages: int
    outputs: Sequence[Change]


def compare_runs(one: Path, other: Path) -> RunComparison:
    """Compares the runs in two folders. Raises StoreError for a folder without a run, OSError when it cannot be read."""
    first, second = load_run(one), load_run(other)
    stages = list(_stages(first, second, read_history(one), read_history(other)))
    return RunComparison(
        runs=(one, other),
        params=_changes({"seed": first.seed, **first.params}, {"seed": second.seed, **second.params}),
        inputs=_changes(_inputs(first), _inputs(second)),
        versions=_changes(first.environment, second.environment),
        stages=[stage for stage in stages if not (stage.same_key and stage.same_result)],
        same_stages=sum(stage.same_key and stage.same_result for stage in stages),
        outputs=_changes(_outputs(first), _outputs(second)),
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Sequence[Change]:
    names = dict.fromkeys([*before, *after])
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _inputs(record: RunRecord) -> dict[str, str]:
    return {name: input_record.sha256 for name, input_record in record.inputs.items()}


def _outputs(record: RunRecord) -> dict[str, str]:
    return {name: output.digest for name, output in record.outputs.items()}


def _stages(one: RunRecord, other: RunRecord, *logs: History) -> Iterator[StageChange]:
    for name in dict.fromkeys([*one.stages, *other.stages]):
        first, second = one.stages.get(name), other.stages.get(name)
        before, after = (_last_loss(log, name) for log in logs)
        yield StageChange(
            name=name,
            same_key=bool(first and second and first.key == second.key),
            same_result=bool(first and second and first.output == second.output),
            losses=(before, after),
            reasons=_reasons(first, second),
        )


def _reasons(first: StageRecord | None, second: StageRecord | None) -> Sequence[str]:
    if first is None or second is None:
        return ["only the second run has it" if first is None else "only the first run has it"]
    kinds = [f"the stage was {first.stage}, now {second.stage}"] if first.stage != second.stage else []
    return [*kinds, *differences({"params": first.params}, {"params": second.params})]


def _last_loss(log: History, stage: str) -> float | None:
    lines = log.stages[stage].lines if stage in log.stages else []
    return next((float(line["loss"]) for line in reversed(lines) if line["loss"] is not None), None)
