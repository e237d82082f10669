"""The plan of a run: what it would compute, stage by stage, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Damaged, Store
from stylepipe.engine.estimates import Estimates
from stylepipe.engine.job import Job
from stylepipe.errors import Place, Problem, RecipeError, StylepipeError


@dataclass(frozen=True)
class PlannedStage:
    """A stage in a plan: `cached`; `run`, for these reasons; or `depends` on the results of stages that run.

    `seconds` is the time of the cached computation, or else of the stage's last run; for a stage that is to run, `memory` is
    the estimated peak of the process in bytes, and `work` the estimated seconds of one core. None is unknown.
    """

    name: str
    stage: str
    state: Literal["cached", "run", "depends"]
    reasons: tuple[str, ...]
    key: str | None
    seconds: float | None
    memory: int | None = None
    work: float | None = None


@dataclass(frozen=True)
class Plan:
    """The stages of a run, in order, and the unneeded ones, which are `left_out`.

    `errors` maps inputs that cannot be read, and stages that would be refused, to their errors.
    """

    stages: tuple[PlannedStage, ...]
    left_out: tuple[str, ...]
    errors: Mapping[str, StylepipeError]
    places: Mapping[str, Place]

    def __getitem__(self, name: str) -> PlannedStage:
        """Returns the stage of that name."""
        return next(stage for stage in self.stages if stage.name == name)

    @property
    def waiting(self) -> tuple[PlannedStage, ...]:
        """The stages that are not cached."""
        return tuple(stage for stage in self.stages if stage.state != "cached")

    @property
    def seconds(self) -> float:
        """The time of the stages that are not cached, as they last took; those of unknown duration are left out."""
        return sum(stage.seconds for stage in self.waiting if stage.seconds is not None)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All errors; those of stages with their places in the recipe, which those of inputs already contain."""
        return tuple(
            Problem(f"Stage '{name}': {error.message}", self.places[name], error.hint)
            if name in self.places
            else Problem(error.message, None, error.hint)
            for name, error in self.errors.items()
        )

    def require_sound(self) -> None:
        """Raises RecipeError with all problems, if there are any; for a single input, its own error."""
        match list(self.errors):
            case [name] if name not in self.places:
                raise self.errors[name]
            case [_, *_]:
                raise RecipeError(self.problems)


def plan(job: Job, store: Store) -> Plan:
    """Looks up every selected stage. Raises UsageError where one before the first selected stage is not cached."""
    digests = job.input_digests()
    estimates = Estimates(job, store, digests)
    planned: list[PlannedStage] = []
    for name in job.selection.stages:
        stage = _plan_stage(job, store, name, digests)
        if stage.state != "cached" and name not in job.selection.runs:
            raise job.not_cached(name)
        if stage.state != "cached":
            estimate = estimates.of(name)
            stage = replace(stage, memory=estimate.memory, work=estimate.work)
        planned.append(stage)
    left_out = tuple(name for name in job.recipe.stages if name not in job.selection.stages)
    places = {name: job.recipe.stages[name].place for name in job.selection.stages}
    return Plan(tuple(planned), left_out, estimates.errors, places)


def _plan_stage(job: Job, store: Store, name: str, digests: dict[str, str]) -> PlannedStage:
    """Plans one stage; adds its digest to `digests` if it is cached."""
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
    last = next(iter(job.recent(name, store)), None)
    return PlannedStage(name, node.stage.name, state, reasons, key, last.seconds if last else None)
