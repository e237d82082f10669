"""What a run would do, stage by stage, and why, without doing any of it."""

from dataclasses import dataclass, replace
from typing import Literal

from stylepipe.engine.estimates import Estimates
from stylepipe.engine.job import Job
from stylepipe.engine.keys import key_of
from stylepipe.engine.store import Damaged, Store


@dataclass(frozen=True)
class PlannedStage:
    """A stage's part in a plan: `cached`; `run`, for these reasons; or `depends` on the results of stages that run.

    `seconds` is what the computing of a cached result, or else the stage's last run, took; `memory`, of a stage that is to run,
    what the process is estimated to take at its most, in bytes. None is not known.
    """

    name: str
    stage: str
    state: Literal["cached", "run", "depends"]
    reasons: tuple[str, ...]
    key: str | None
    seconds: float | None
    memory: int | None = None


@dataclass(frozen=True)
class Plan:
    """The stages of a run, in their order; those that nothing needs are `left_out`."""

    stages: tuple[PlannedStage, ...]
    left_out: tuple[str, ...]

    def __getitem__(self, name: str) -> PlannedStage:
        """The stage of that name."""
        return next(stage for stage in self.stages if stage.name == name)


def plan(job: Job, store: Store) -> Plan:
    """Looks up every selected stage. Raises UsageError where one before the first selected stage is not in the cache."""
    digests = job.input_digests()
    estimates = Estimates(job, store, digests)
    planned: list[PlannedStage] = []
    for name in job.selection.stages:
        stage = _plan_stage(job, store, name, digests)
        if stage.state != "cached" and name not in job.selection.runs:
            raise job.not_cached(name)
        planned.append(stage if stage.state == "cached" else replace(stage, memory=estimates.of(name).memory))
    left_out = tuple(name for name in job.recipe.stages if name not in job.selection.stages)
    return Plan(tuple(planned), left_out)


def _plan_stage(job: Job, store: Store, name: str, digests: dict[str, str]) -> PlannedStage:
    """Adds the stage's digest to `digests` when it is known."""
    node = job.recipe.stages[name]
    document = job.stage_document(name, digests)
    waits_for = [needed for needed in dict.fromkeys(node.needs) if needed not in digests]
    key = None if waits_for else key_of(document)
    try:
        action = store.find(key) if key and name not in job.forced else None
        reasons = () if action else job.reasons(name, document, store, waits_for=waits_for)
    except Damaged as error:
        action, reasons = None, (error.message,)
    if action:
        digests[name] = action.output
        return PlannedStage(name, node.stage.name, "cached", (), key, action.seconds)
    state = "depends" if waits_for and name not in job.forced else "run"
    last = job.last(name, store)
    return PlannedStage(name, node.stage.name, state, reasons, key, last.seconds if last else None)
