"""The worker side of `process_pool`: a process that computes the stages that it receives."""

import os
import pickle
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from stylepipe.engine.cache.store import Store
from stylepipe.engine.execution.held_artifacts import HeldArtifacts
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.workers.messages import Answer, encode
from stylepipe.engine.workers.tasks import Task, compute_task, unexpected
from stylepipe.errors import Interrupted

ORPHAN_SECONDS = 3.0


@dataclass(frozen=True)
class Setup:
    """The first message to a worker: the function to call, the store, and the cores to use (none: any)."""

    prepare: Callable[[], None]
    store: Store
    cores: tuple[int, ...]


def serve(descriptor: int) -> None:
    """Runs the tasks that arrive through the connection until it closes.

    A running stage is then asked to stop. The process exits at most `ORPHAN_SECONDS` later, so that it does not outlive a
    killed parent.
    """
    os.set_inheritable(descriptor, False)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    stop = StopRequest()
    messages: SimpleQueue[bytes | None] = SimpleQueue()
    with Connection(descriptor) as connection, suppress(EOFError):
        setup: Setup = pickle.loads(connection.recv_bytes())  # noqa: S301 (from the parent, through a private pipe)
        if setup.cores:
            os.sched_setaffinity(0, setup.cores)  # before XLA starts its threads, one for each core
        setup.prepare()
        threading.Thread(target=_receive, args=(connection, messages, stop), daemon=True).start()
        _work(connection, messages, stop, setup.store)


def _receive(connection: Connection, messages: "SimpleQueue[bytes | None]", stop: StopRequest) -> None:
    """Receives tasks on a separate thread, so that the connection's end is noticed while a stage computes."""
    with suppress(EOFError, OSError):
        while True:
            messages.put(connection.recv_bytes())
    stop.ask()
    messages.put(None)
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def _work(connection: Connection, messages: "SimpleQueue[bytes | None]", stop: StopRequest, store: Store) -> None:
    lock = threading.Lock()  # a stage may emit on several threads

    def send(answer: Answer) -> None:
        with lock, suppress(OSError):  # the parent is gone, which `_receive` notices
            connection.send_bytes(encode(answer).encode())

    artifacts = HeldArtifacts()
    with store.session() as session:
        while (message := messages.get()) is not None:
            stage, pickled = pickle.loads(message)  # noqa: S301
            try:
                task: Task = pickle.loads(pickled)  # noqa: S301 (unpickling imports the stage's module, which may fail)
                answer = compute_task(task, session, artifacts, stop, send)
            except Interrupted:
                return
            except Exception as error:
                answer = unexpected(stage, error)
            send(answer)
