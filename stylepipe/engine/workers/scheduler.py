"""Schedules stages ahead of a run: workers compute whatever is ready, while the run goes through its stages in order.

Only the run writes the record: it waits for each stage in turn until a worker has stored its result.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Damaged, Store
from stylepipe.engine.events import EngineNote, Observer
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.job import Job
from stylepipe.engine.workers.messages import Answer, Done, Failed, Left, Lost
from stylepipe.engine.workers.tasks import Task
from stylepipe.errors import StageError
from stylepipe.formatting import counted


class _RemoteError(Exception):
    """The traceback of an error in a worker, as its cause."""


@runtime_checkable
class Pool(Protocol):
    """Workers that each run one task at a time."""

    @property
    def device(self) -> str:
        """The class of the workers' devices: cpu, gpu or tpu."""
        ...

    @property
    def free(self) -> int:
        """The number of tasks that can start now."""
        ...

    @property
    def alive(self) -> bool:
        """Whether there are workers, or may be some soon."""
        ...

    def begin(self, task: Task) -> None:
        """Sends a task to an idle worker."""
        ...

    def listen(self) -> Iterable[Answer]:
        """Polls for worker messages: for each task its events, and finally its outcome."""
        ...

    def stop(self) -> None:
        """Asks all workers to save their state and stop; returns at once. No other method is called afterwards."""
        ...


class Workers:
    """Submits the stages of a job to a pool as they become ready, and records the outcome of each.

    A stage whose worker dies is retried by another, `retries` times; one that fails never is. After a failure without
    `keep_going` no more stages are started.
    """

    def __init__(self, pool: Pool, job: Job, store: Store, *, retries: int, keep_going: bool) -> None:
        self._pool = pool
        self._job = job
        self._store = store
        self._retries = retries
        self._keep_going = keep_going
        self._digests: dict[str, str] = {}
        self._ready: dict[str, Task] = {}
        self._running: dict[str, Task] = {}
        self._outcomes: dict[str, Done | Failed | Left] = {}
        self._losses: Counter[str] = Counter()

    def wait_for(self, stage: str, digests: Mapping[str, str], stop: StopRequest, observe: Observer) -> bool:
        """Waits for the outcome of a stage, forwarding worker events in the meantime.

        Returns True when it was computed and is in the store; False when it is left to the run, which may find it in the store
        too. `digests` has those of its inputs. Raises the error of a failed stage, and Interrupted when asked to stop.
        """
        self._digests |= digests
        while True:
            self._find_ready()
            self._submit()
            outcome = self._outcomes.get(stage)
            if outcome:
                break
            if stage not in self._running and not (self._pool.alive and self._may_submit()):
                return False
            stop.check()
            for answer in self._pool.listen():
                self._process(answer, observe)
        if isinstance(outcome, Failed):
            raise outcome.error from (_RemoteError(outcome.traceback) if outcome.traceback else None)
        self._outcomes[stage] = Left(stage)
        current = key_of(self._job.stage_document(stage, digests))
        return isinstance(outcome, Done) and outcome.computed and outcome.key == current

    def stop(self) -> None:
        """Asks all workers to stop, because the run ends early."""
        self._pool.stop()

    def _may_submit(self) -> bool:
        return self._keep_going or not any(isinstance(outcome, Failed) for outcome in self._outcomes.values())

    def _find_ready(self) -> None:
        """Adds the stages whose inputs are available: they are in the store, or ready to compute."""
        for name in self._job.selection.stages:
            needs = self._job.recipe.stages[name].needs
            scheduled = name in self._ready or name in self._running or name in self._outcomes
            if scheduled or not all(needed in self._digests for needed in needs):
                continue
            document = self._job.stage_document(name, self._digests)
            key = key_of(document)
            try:
                action = None if name in self._job.forced else self._store.find(key)
            except Damaged:
                action = None
            if action:
                self._digests[name] = action.output
                self._outcomes[name] = Left(name)
            else:
                digests = {needed: self._digests[needed] for needed in needs}
                reasons = self._job.reasons(name, document, self._store)
                self._ready[name] = Task(name, self._job.of_stage(name), digests, key, reasons)

    def _submit(self) -> None:
        while self._ready and self._pool.free and self._may_submit():
            name = next(name for name in self._job.selection.stages if name in self._ready)
            self._running[name] = self._ready.pop(name)
            self._pool.begin(self._running[name])

    def _process(self, answer: Answer, observe: Observer) -> None:
        match answer:
            case Done() | Failed() | Left():
                del self._running[answer.stage]
                self._outcomes[answer.stage] = answer
                if isinstance(answer, Done):
                    self._digests[answer.stage] = answer.output
            case Lost(name, hint):
                task = self._running.pop(name)
                self._losses[name] += 1
                if self._losses[name] > self._retries:
                    message = f"Stage '{name}': its worker died {counted(self._losses[name], 'time')}."
                    self._outcomes[name] = Failed.of(name, StageError(message, hint=hint))
                else:
                    self._ready[name] = task
                    observe(EngineNote("Its worker died. Another worker resumes it.", name))
            case event:
                observe(event)
