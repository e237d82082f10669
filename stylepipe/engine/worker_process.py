"""A process that computes stages for a run in another process, one at a time, each for the store that both share."""

import os
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from stylepipe.artifacts import Given
from stylepipe.engine.computation import Computation, compute
from stylepipe.engine.events import Event, StageEmitted
from stylepipe.engine.inputs import read_input
from stylepipe.engine.interrupts import StopRequest, stop_requests
from stylepipe.engine.job import Job
from stylepipe.engine.keys import key_of
from stylepipe.engine.store import Session, Store
from stylepipe.errors import InputError, Interrupted, StageError, StoreError, StylepipeError, WeightsError
from stylepipe.stage import Frame


@dataclass(frozen=True)
class Task:
    """A stage to compute: the digests of all that it needs, and why it is not in the store."""

    stage: str
    digests: Mapping[str, str]
    reasons: tuple[str, ...]
    forced: bool


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
    traceback: str


@dataclass(frozen=True)
class Left:
    """A stage that is left to the run: it is in the store already, or what it needs is damaged there."""

    stage: str


Answer = Event | Done | Failed | Left


def serve(connection: Connection, prepare: Callable[[], Job], root: Path, cores: Collection[int]) -> None:
    """Does tasks as they come until there are no more, or the run asks to stop by a SIGINT.

    `prepare` makes the job of the run anew. The process is in a group of its own, so that a Ctrl-C reaches the run alone.
    """
    os.setpgrp()
    if cores:
        os.sched_setaffinity(0, cores)  # before XLA starts its threads, of which there is one for each core
    job = prepare()
    with Store(root).session() as session, stop_requests() as stop:
        while (task := connection.recv()) is not None:
            try:
                connection.send(_do(task, job, session, stop, connection))
            except Interrupted:
                return


def _do(task: Task, job: Job, session: Session, stop: StopRequest, connection: Connection) -> Answer:
    def tell(event: Event) -> None:
        if not (isinstance(event, StageEmitted) and isinstance(event.event, Frame)):  # which the checkpoint has
            connection.send(event)

    def value(name: str) -> Given:
        return read_input(job.inputs[name], job.weights) if name in job.inputs else session.store.load(task.digests[name])

    node = job.recipe.stages[task.stage]
    document = job.stage_document(task.stage, task.digests)
    key = key_of(document)
    try:
        with session.flight(key, waiting=lambda seconds: stop.check()) as work:
            action = None if task.forced else session.use(key)
            if action:
                return Done(task.stage, key, action.output, computed=False)
            arguments = {
                argument: value(names) if isinstance(names, str) else tuple(map(value, names))
                for argument, names in node.inputs.items()
            }
            computation = Computation(node, job.recipe.name, job.seed(task.stage), document, task.reasons)
            action, _ = compute(computation, arguments, session=session, work=work, stop=stop, tell=tell)
            return Done(task.stage, key, action.output, computed=True)
    except (StageError, InputError, WeightsError) as error:
        told = "".join(traceback.format_exception(error)) if error.__cause__ else ""
        return Failed(task.stage, type(error), error.message, error.hint, told)
    except StoreError:
        return Left(task.stage)
