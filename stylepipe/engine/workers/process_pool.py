"""A pool of worker processes on this machine, each with an equal share of its cores."""

import math
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from stylepipe.engine.cache.store import Store
from stylepipe.engine.workers.messages import Answer, Done, Failed, Left, Lost, decode
from stylepipe.engine.workers.process_worker import Setup
from stylepipe.engine.workers.tasks import Task
from stylepipe.hardware.devices import backend

GRACE_SECONDS = 3.0

_POLL_SECONDS = 0.2
_HINT = "Is there enough memory? Fewer --jobs need less."
_START = (
    "import sys; number, *sys.path = sys.argv[1:]; "
    "from stylepipe.engine.workers.process_worker import serve; serve(int(number))"
)


@dataclass
class _Worker:
    process: "subprocess.Popen[bytes]"
    connection: Connection
    cores: Collection[int]
    task: Task | None = None


class Processes:
    """A pool of `count` processes, in each of which `prepare` is called first; a context manager.

    A process that dies while it computes is replaced. Closing the connection requests a stop, which also happens when this
    process is killed: busy workers save their state and exit. On exit, workers still alive after `GRACE_SECONDS` are killed; a
    KeyboardInterrupt kills them at once.
    """

    def __init__(self, count: int, store: Store, *, prepare: Callable[[], None]) -> None:
        self._store = store
        self._prepare = prepare
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._shares = [cores[number::count] or cores[number % len(cores) :][:1] if cores else [] for number in range(count)]
        self._workers: list[_Worker] = []
        self._stopped = math.inf

    def __enter__(self) -> "Processes":
        try:
            for share in self._shares:
                self._start(share)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.stop()
            for worker in self._workers:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, self._stopped + GRACE_SECONDS - time.monotonic()))
        finally:
            self._kill()

    @property
    def device(self) -> str:
        """The class of this machine's device."""
        return backend()

    @property
    def free(self) -> int:
        """The number of idle processes."""
        return sum(worker.task is None for worker in self._workers)

    @property
    def alive(self) -> bool:
        """Whether any processes are left: one that dies while idle is not replaced."""
        return bool(self._workers)

    def begin(self, task: Task) -> None:
        """Sends a task to an idle process."""
        worker = next(worker for worker in self._workers if worker.task is None)
        worker.task = task
        with suppress(OSError):  # it has died, which `listen` notices
            worker.connection.send_bytes(pickle.dumps((task.stage, pickle.dumps(task))))

    def listen(self) -> Iterator[Answer]:
        """Polls for worker messages."""
        ready = wait([worker.connection for worker in self._workers], _POLL_SECONDS)
        for worker in [worker for worker in self._workers if worker.connection in ready]:
            try:
                answer = decode(worker.connection.recv_bytes().decode())
            except (EOFError, OSError, ValueError):
                yield from self._replace(worker)
                continue
            if isinstance(answer, Done | Failed | Left):
                worker.task = None
            yield answer

    def stop(self) -> None:
        """Asks busy processes to save their state and exit, and kills idle ones; does not wait."""
        self._stopped = min(self._stopped, time.monotonic())
        for worker in self._workers:
            worker.connection.close()
            if worker.task is None:
                _kill(worker)

    def _replace(self, worker: _Worker) -> Iterator[Answer]:
        self._workers.remove(worker)
        worker.connection.close()
        _kill(worker)
        worker.process.wait()
        if worker.task:
            self._start(worker.cores)
            yield Lost(worker.task.stage, _HINT)

    def _start(self, cores: Collection[int]) -> None:
        """Starts a process that imports nothing from the current folder.

        Its own session shields it from the terminal's Ctrl-C. Its output goes to stderr, because stdout is for results.
        """
        stderr = sys.__stderr__.fileno() if sys.__stderr__ else subprocess.DEVNULL
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [*python_command(), "-c", _START, str(theirs.fileno()), *filter(None, sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=safe_environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            self._workers.append(_Worker(process, ours, cores))
        with suppress(OSError):
            ours.send_bytes(pickle.dumps(Setup(self._prepare, self._store, tuple(cores))))

    def _kill(self) -> None:
        for worker in self._workers:
            _kill(worker)
        for worker in self._workers:
            worker.process.wait()


def _kill(worker: _Worker) -> None:
    """Kills a living worker and the processes that its stage has started."""
    if worker.process.poll() is None:
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(worker.process.pid, signal.SIGKILL)
            else:  # Windows has no groups of processes
                worker.process.kill()


def python_command() -> list[str]:
    """Returns this interpreter's command, with its warning options, and without the current folder on its path."""
    isolated = ["-I"] if sys.flags.isolated else ["-P"]
    return [sys.executable, *isolated, *(f"-W{option}" for option in sys.warnoptions)]


def safe_environment() -> Mapping[str, str]:
    """Returns the environment for a Python process, whose children import nothing from the current folder either."""
    return {**os.environ, "PYTHONSAFEPATH": "1"}
