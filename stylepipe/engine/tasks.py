"""A stage as a task for a worker, what a worker answers, and doing it: the result goes into the store that all share."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from stylepipe.artifacts import Given
from stylepipe.engine.computation import Computation, compute
from stylepipe.engine.events import Event, Observer, StageEmitted
from stylepipe.engine.inputs import read_input
from stylepipe.engine.interrupts import StopRequest
from stylepipe.engine.job import Job
from stylepipe.engine.keys import key_of
from stylepipe.engine.store import Session
from stylepipe.errors import FAILURES, StageError, StoreError, StylepipeError
from stylepipe.stage import Frame


@dataclass(frozen=True)
class Task:
    """A stage to compute, with the job as far as it concerns the stage.

    `digests` has those of all that it needs, `key` is what its result is to have, `reasons` why that is not in the store.
    """

    stage: str
    job: Job
    digests: Mapping[str, str]
    key: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """A task that came to its end; `computed` is False when another run had the result in the meantime."""

    stage: str
    key: str
    output: str
    computed: bool


@dataclass(frozen=True)
class Failed:
    """A stage that failed, with the traceback of it."""

    stage: str
    kind: type[StylepipeError]
    message: str
    hint: str | None
    traceback: str = ""


@dataclass(frozen=True)
class Left:
    """A stage that is left to the run: it is in the store already, or what it needs is damaged there."""

    stage: str


@dataclass(frozen=True)
class Lost:
    """A task whose worker is gone; `hint` says what may help."""

    stage: str
    hint: str


Answer = Event | Done | Failed | Left | Lost


def do(task: Task, session: Session, stop: StopRequest, tell: Observer) -> Done | Failed | Left:
    """Computes the stage and stores its result, unless it is there in the meantime. Raises Interrupted when asked to stop."""

    def tell_all_but_frames(event: Event) -> None:
        if not (isinstance(event, StageEmitted) and isinstance(event.event, Frame)):  # which the checkpoint has
            tell(event)

    def value(name: str) -> Given:
        return read_input(job.inputs[name], job.weights) if name in job.inputs else session.store.load(task.digests[name])

    job, node = task.job, task.job.recipe.stages[task.stage]
    document = job.stage_document(task.stage, task.digests)
    if key_of(document) != task.key:
        message = f"Stage '{task.stage}': its worker has other code than this run, or another kind of device."
        return Failed(task.stage, StageError, message, "Install the same stylepipe and the same stages for all workers.")
    try:
        with session.flight(task.key, waiting=lambda seconds: stop.check()) as work:
            action = None if task.stage in job.forced else session.use(task.key)
            if action:
                return Done(task.stage, task.key, action.output, computed=False)
            computation = Computation(node, job.recipe.name, job.seed(task.stage), document, task.reasons)
            action, _ = compute(computation, node.bind(value), session=session, work=work, stop=stop, tell=tell_all_but_frames)
            return Done(task.stage, task.key, action.output, computed=True)
    except FAILURES as error:
        told = "".join(traceback.format_exception(error)) if error.__cause__ else ""
        kind = next(kind for kind in FAILURES if isinstance(error, kind))  # a class of its own may be made otherwise
        return Failed(task.stage, kind, error.message, error.hint, told)
    except StoreError:
        return Left(task.stage)
