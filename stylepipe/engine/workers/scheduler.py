"""Computing ahead of a run: whatever is ready, while the run goes through its stages in order.

The run stays the one that keeps records: it waits for each stage in turn until a worker has put its result into the store.
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
    """Workers, each of which does one task at a time."""

    @property
    def device(self) -> str:
        """The class of device that they compute on: cpu, gpu or tpu."""
        ...

    @property
    def free(self) -> int:
        """How many tasks can be begun now."""
        ...

    @property
    def lasts(self) -> bool:
        """Whether there are workers, or may be some soon."""
        ...

    def begin(self, task: Task) -> None:
        """Hands a task to a free worker."""
        ...

    def listen(self) -> Iterable[Answer]:
        """What workers have said since, after a moment's waiting for it: of each task events, and at last what became of it."""
        ...

    def stop(self) -> None:
        """Asks all workers to save their state and stop; returns at once. Nothing is begun or listened to afterwards."""
        ...


class Workers:
    """Hands the stages of a job to a pool as they become ready, and knows what became of each.

    A stage whose worker is lost is computed again by another, `retries` times; one that fails never is. After a failure without
    `keep_going` no more stages are begun.
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
        self._settled: dict[str, Done | Failed | Left] = {}
        self._losses: Counter[str] = Counter()

    def settle(self, stage: str, digests: Mapping[str, str], stop: StopRequest, tell: Observer) -> bool:
        """Waits until it is known what becomes of a stage, and tells what the workers tell meanwhile.

        True when it was computed and is in the store; False when it is left to the run, which may find it there all the same.
        `digests` has those of all that it needs. Raises the error of a stage that failed, and Interrupted when asked to stop.
        """
        self._digests |= digests
        while True:
            self._look_up()
            self._hand_out()
            settled = self._settled.get(stage)
            if settled:
                break
            if stage not in self._running and not (self._pool.lasts and self._may_begin()):
                return False
            stop.check()
            for answer in self._pool.listen():
                self._take(answer, tell)
        if isinstance(settled, Failed):
            raise settled.error from (_RemoteError(settled.traceback) if settled.traceback else None)
        self._settled[stage] = Left(stage)
        current = key_of(self._job.stage_document(stage, digests))
        return isinstance(settled, Done) and settled.computed and settled.key == current

    def stop(self) -> None:
        """Asks all workers to stop, since the run ends early."""
        self._pool.stop()

    def _may_begin(self) -> bool:
        return self._keep_going or not any(isinstance(settled, Failed) for settled in self._settled.values())

    def _look_up(self) -> None:
        """Finds the stages of which all that they need is known: they are in the store, or ready to be computed."""
        for name in self._job.selection.stages:
            needs = self._job.recipe.stages[name].needs
            known = name in self._ready or name in self._running or name in self._settled
            if known or not all(needed in self._digests for needed in needs):
                continue
            document = self._job.stage_document(name, self._digests)
            key = key_of(document)
            try:
                action = None if name in self._job.forced else self._store.find(key)
            except Damaged:
                action = None
            if action:
                self._digests[name] = action.output
                self._settled[name] = Left(name)
            else:
                digests = {needed: self._digests[needed] for needed in needs}
                reasons = self._job.reasons(name, document, self._store)
                self._ready[name] = Task(name, self._job.of_stage(name), digests, key, reasons)

    def _hand_out(self) -> None:
        while self._ready and self._pool.free and self._may_begin():
            name = next(name for name in self._job.selection.stages if name in self._ready)
            self._running[name] = self._ready.pop(name)
            self._pool.begin(self._running[name])

    def _take(self, answer: Answer, tell: Observer) -> None:
        match answer:
            case Done() | Failed() | Left():
                del self._running[answer.stage]
                self._settled[answer.stage] = answer
                if isinstance(answer, Done):
                    self._digests[answer.stage] = answer.output
            case Lost(name, hint):
                task = self._running.pop(name)
                self._losses[name] += 1
                if self._losses[name] > self._retries:
                    message = f"Stage '{name}': the worker that computed it was lost {counted(self._losses[name], 'time')}."
                    self._settled[name] = Failed.of(name, StageError(message, hint=hint))
                else:
                    self._ready[name] = task
                    tell(EngineNote("The worker that computed it was lost. It goes on in another.", name))
            case event:
                tell(event)
