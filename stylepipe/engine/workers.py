"""Processes that compute ahead of a run: whatever is ready, while the run goes through its stages in order.

The run stays the one that keeps records: it waits for each stage in turn until a worker has put its result into the store.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from stylepipe.engine.events import EngineNote, Observer
from stylepipe.engine.interrupts import StopRequest
from stylepipe.engine.job import Job
from stylepipe.engine.keys import key_of
from stylepipe.engine.store import Damaged, Store
from stylepipe.engine.worker_process import Answer, Done, Failed, Left, Task, serve
from stylepipe.errors import StageError

_POLL_SECONDS = 0.2


class _RemoteError(Exception):
    """The traceback of an error in a worker, as its cause."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    cores: Collection[int]
    task: Task | None = None


class Workers:
    """Processes with equal shares of the cores, each of which makes the job anew by `prepare`; a context in which they live.

    A stage whose process is lost is computed again in a new one, `retries` times; one that fails never is. After a failure
    without `keep_going` no more stages are begun. When the context ends, those that still run save their state and stop.
    """

    def __init__(
        self, count: int, prepare: Callable[[], Job], job: Job, store: Store, *, retries: int, keep_going: bool
    ) -> None:
        self._prepare = prepare
        self._job = job
        self._store = store
        self._retries = retries
        self._keep_going = keep_going
        self._digests: dict[str, str] = {}
        self._ready: dict[str, Task] = {}
        self._running: set[str] = set()
        self._settled: dict[str, Done | Failed | Left] = {}
        self._losses: Counter[str] = Counter()
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        shares = [cores[number::count] or cores[number % len(cores) :][:1] if cores else [] for number in range(count)]
        self._workers = [self._start(share) for share in shares]

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            with suppress(OSError):
                if worker.task and worker.process.pid:
                    os.kill(worker.process.pid, signal.SIGINT)
                else:
                    worker.connection.send(None)
        for worker in self._workers:
            with suppress(EOFError, OSError):
                while True:  # one that waits for somebody to listen does not end
                    worker.connection.recv()
            worker.process.join()

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
            if stage not in self._running and not (self._workers and self._may_begin()):
                return False
            stop.check()
            self._listen(tell)
        if isinstance(settled, Failed):
            error = settled.kind(settled.message, hint=settled.hint)
            raise error from (_RemoteError(settled.traceback) if settled.traceback else None)
        self._settled[stage] = Left(stage)
        current = key_of(self._job.stage_document(stage, digests))
        return isinstance(settled, Done) and settled.computed and settled.key == current

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
            forced = name in self._job.forced
            try:
                action = None if forced else self._store.find(key_of(document))
            except Damaged:
                action = None
            if action:
                self._digests[name] = action.output
                self._settled[name] = Left(name)
            else:
                reasons = self._job.reasons(name, document, self._store)
                self._ready[name] = Task(name, {needed: self._digests[needed] for needed in needs}, reasons, forced)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.task is None and self._ready and self._may_begin():
                name = next(name for name in self._job.selection.stages if name in self._ready)
                worker.task = self._ready.pop(name)
                self._running.add(name)
                with suppress(OSError):  # it is gone, which is noticed when it is listened to
                    worker.connection.send(worker.task)

    def _listen(self, tell: Observer) -> None:
        heard = wait([worker.connection for worker in self._workers], _POLL_SECONDS)
        for worker in [worker for worker in self._workers if worker.connection in heard]:
            try:
                answer: Answer = worker.connection.recv()
            except (EOFError, OSError):
                self._replace(worker, tell)
                continue
            if isinstance(answer, Done | Failed | Left):
                worker.task = None
                self._running.discard(answer.stage)
                self._settled[answer.stage] = answer
                if isinstance(answer, Done):
                    self._digests[answer.stage] = answer.output
            else:
                tell(answer)

    def _replace(self, worker: _Worker, tell: Observer) -> None:
        """Takes out a worker that is lost, and starts another for its stage; one that was lost without any is not missed."""
        self._workers.remove(worker)
        worker.process.join()
        if worker.task is None:
            return
        name = worker.task.stage
        self._running.discard(name)
        self._losses[name] += 1
        if self._losses[name] > self._retries:
            message = f"Stage '{name}': the process that computed it was lost {self._losses[name]} times."
            self._settled[name] = Failed(name, StageError, message, "Is there enough memory? Fewer --jobs need less.", "")
        else:
            self._ready[name] = worker.task
            tell(EngineNote("The process that computed it was lost. It goes on in another.", name))
        self._workers.append(self._start(worker.cores))

    def _start(self, cores: Collection[int]) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._prepare, self._store.root, cores), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, cores)
