"""Workers that are processes of this machine, each with an equal share of its cores."""

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from stylepipe.engine.environment import backend
from stylepipe.engine.interrupts import stop_requests
from stylepipe.engine.store import Store
from stylepipe.engine.tasks import Answer, Done, Failed, Left, Lost, Task, do
from stylepipe.errors import Interrupted

_POLL_SECONDS = 0.2
_HINT = "Is there enough memory? Fewer --jobs need less."


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    cores: Collection[int]
    task: Task | None = None


class Processes:
    """So many processes, in each of which `prepare` is called first; a context in which they live.

    One that is lost while it computes is replaced. When the context ends, those that still compute save their state and stop.
    """

    def __init__(self, count: int, store: Store, *, prepare: Callable[[], None]) -> None:
        self._store = store
        self._prepare = prepare
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._shares = [cores[number::count] or cores[number % len(cores) :][:1] if cores else [] for number in range(count)]
        self._workers: list[_Worker] = []

    def __enter__(self) -> "Processes":
        self._workers = [self._start(share) for share in self._shares]
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

    @property
    def device(self) -> str:
        """The class of this machine's device."""
        return backend()

    @property
    def free(self) -> int:
        """How many processes have nothing to do."""
        return sum(worker.task is None for worker in self._workers)

    @property
    def lasts(self) -> bool:
        """Whether there are any left: one that is lost while it has nothing to do is not missed."""
        return bool(self._workers)

    def begin(self, task: Task) -> None:
        """Hands a task to a free process."""
        worker = next(worker for worker in self._workers if worker.task is None)
        worker.task = task
        with suppress(OSError):  # it is gone, which is noticed when it is listened to
            worker.connection.send(task)

    def listen(self) -> Iterator[Answer]:
        """What the processes have said, after a moment's waiting for it."""
        heard = wait([worker.connection for worker in self._workers], _POLL_SECONDS)
        for worker in [worker for worker in self._workers if worker.connection in heard]:
            try:
                answer: Answer = worker.connection.recv()
            except (EOFError, OSError):
                yield from self._replace(worker)
                continue
            if isinstance(answer, Done | Failed | Left):
                worker.task = None
            yield answer

    def _replace(self, worker: _Worker) -> Iterator[Answer]:
        self._workers.remove(worker)
        worker.process.join()
        if worker.task:
            self._workers.append(self._start(worker.cores))
            yield Lost(worker.task.stage, _HINT)

    def _start(self, cores: Collection[int]) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._prepare, self._store, cores), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, cores)


def _serve(connection: Connection, prepare: Callable[[], None], store: Store, cores: Collection[int]) -> None:
    """Does tasks as they come until there are no more, or the run asks to stop by a SIGINT.

    The process is in a group of its own, so that a Ctrl-C reaches the run alone.
    """
    os.setpgrp()
    if cores:
        os.sched_setaffinity(0, cores)  # before XLA starts its threads, of which there is one for each core
    prepare()
    with store.session() as session, stop_requests() as stop:
        while (task := connection.recv()) is not None:
            try:
                connection.send(do(task, session, stop, connection.send))
            except Interrupted:
                return
