"""A pool of Dask workers, on any machines; all share the store's folder, through which results are exchanged.

Scheduling and retries are the same as for local workers: each task is assigned to one Dask worker, and Dask only transports
tasks and answers.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stylepipe import __version__
from stylepipe.engine.cache.store import Store
from stylepipe.engine.events import EngineNote
from stylepipe.engine.workers.dask_worker import RESOURCE, Introduction, compute_stage, introduce
from stylepipe.engine.workers.messages import Answer, Done, Failed, Left, Lost, decode
from stylepipe.engine.workers.tasks import INSTALL_HINT, Task, unexpected
from stylepipe.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from distributed import Future

_CONNECT_SECONDS = 5
_POLL_SECONDS = 0.2
_UPDATE_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_GRACE_SECONDS = 4.0

_START_HINT = "Start some with `dask worker HOST:PORT --nthreads 1 --memory-limit 0` on the machines that are to compute."
_RESUME_HINT = "Finished results are kept: run the same command again when it is back."
_LOST_HINT = "Did it run out of memory? See its log. A higher --retries retries the stage more often."


@dataclass
class _Attempt:
    """A task assigned to a worker; `answered` tells whether the worker has sent a message about it."""

    task: Task
    worker: str
    future: "Future"
    answered: bool = False


@dataclass(frozen=True)
class _UnusableWorker:
    """A worker that cannot be used: the reason and a hint."""

    worker: str
    reason: str
    hint: str


class Cluster:
    """The workers of the scheduler at `dask://host:port`, each running one task at a time; a context manager.

    `prepare` is called first in each worker. If some declare a GPU, no others are used. Entering raises UsageError if there is
    no scheduler, no worker, or one that cannot compute for this store; workers that join later are used too. On exit, busy
    workers save their state and stop; it waits at most `_GRACE_SECONDS` for them.
    """

    def __init__(self, address: str, store: Store, *, prepare: Callable[[], None]) -> None:
        self._address = address
        self._host, self._port = _host_and_port(address)
        self._store = store
        self._prepare = prepare
        self._topic = f"stylepipe-{token_hex(6)}"
        self._inbox: SimpleQueue[tuple[str, Answer | None]] = SimpleQueue()
        self._workers: dict[str, Introduction] = {}
        self._device = ""
        self._refused: set[str] = set()
        self._attempts: dict[str, _Attempt] = {}
        self._begun = 0
        self._updated = self._last_populated = time.monotonic()

    def __enter__(self) -> "Cluster":
        with ExitStack() as stack:
            self._session = stack.enter_context(self._store.session())
            self._client = stack.enter_context(_connected(self._address, self._host, self._port))
            self._client.subscribe_topic(self._topic, self._receive)
            with suppress(TimeoutError):
                self._client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            for unusable in self._update_workers():
                raise UsageError(f"The worker at {unusable.worker} cannot be used: {unusable.reason}.", hint=unusable.hint)
            if not self._workers:
                raise UsageError(f"The scheduler at {self._address} has no workers.", hint=_START_HINT)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        with self._stack, suppress(ClusterError):
            self.stop()
            deadline = time.monotonic() + _GRACE_SECONDS
            while any(attempt.answered for attempt in self._attempts.values()) and time.monotonic() < deadline:
                list(self.listen())

    @property
    def device(self) -> str:
        """The class of the workers' devices: cpu, gpu or tpu."""
        return self._device

    @property
    def free(self) -> int:
        """The number of idle workers."""
        return len(self._idle())

    @property
    def alive(self) -> bool:
        """Always True: new workers may join after all have left."""
        return True

    def begin(self, task: Task) -> None:
        """Submits a task to an idle worker."""
        worker = self._idle()[0]
        self._begun += 1
        attempt = f"{task.stage}-{self._topic}-{self._begun}"
        resources = {RESOURCE: 1} if self._workers[worker].declared else None
        with self._scheduler():
            future = self._client.submit(
                compute_stage, task, self._topic, key=attempt, workers=[worker], resources=resources, pure=False
            )
        self._attempts[attempt] = _Attempt(task, worker, future)
        future.add_done_callback(lambda _: self._inbox.put((attempt, None)))

    def listen(self) -> Iterator[Answer]:
        """Polls for worker messages.

        Raises ClusterError when the scheduler is gone, and when there has been no worker for a minute.
        """
        with suppress(Empty):
            attempt, answer = self._inbox.get(timeout=_POLL_SECONDS)
            while True:
                yield from self._interpret(attempt, answer)
                attempt, answer = self._inbox.get_nowait()
        if time.monotonic() - self._updated >= _UPDATE_SECONDS:
            for unusable in self._update_workers():
                yield EngineNote(f"A new worker is not used: {unusable.reason}.")
            for attempt, state in list(self._attempts.items()):
                if state.worker not in self._workers:
                    yield self._give_up(attempt)
        if time.monotonic() - self._last_populated >= _PATIENCE_SECONDS:
            raise ClusterError(f"The cluster has had no worker for {_PATIENCE_SECONDS:.0f} s.", hint=_RESUME_HINT)

    def stop(self) -> None:
        """Cancels all tasks, so that busy workers save their state and stop. Does not wait for them."""
        with suppress(ClusterError):
            self._cancel([attempt.future for attempt in self._attempts.values()])

    def _idle(self) -> list[str]:
        busy = {attempt.worker for attempt in self._attempts.values()}
        return [worker for worker in self._workers if worker not in busy]

    def _receive(self, event: tuple[float, Any]) -> None:
        """Receives a message that Dask forwards from a worker; called on a thread of Dask's."""
        with suppress(ValueError, KeyError, TypeError):  # from another run or another version: its worker is refused
            self._inbox.put((event[1]["attempt"], decode(event[1]["answer"])))

    def _interpret(self, name: str, answer: Answer | None) -> Iterator[Answer]:
        """Yields the answers about an attempt. None means that Dask considers it ended, after all of the worker's messages."""
        attempt = self._attempts.get(name)
        if attempt is None:
            return
        if answer is None:
            if attempt.future.status != "cancelled":  # by this run
                yield self._outcome_of_ended(name)
            return
        attempt.answered = True
        if isinstance(answer, Done | Failed | Left):
            del self._attempts[name]
        yield answer

    def _outcome_of_ended(self, name: str) -> Failed | Lost:
        """Returns the outcome of a task that Dask ended without an answer from the worker."""
        from distributed import KilledWorker

        attempt = self._attempts[name]
        error: Any = attempt.future.exception()
        if error is None or isinstance(error, KilledWorker):
            return self._give_up(name)
        del self._attempts[name]
        return unexpected(attempt.task.stage, error)

    def _give_up(self, name: str) -> Lost:
        attempt = self._attempts.pop(name)
        self._cancel([attempt.future])
        return Lost(attempt.task.stage, _LOST_HINT)

    def _cancel(self, futures: Sequence["Future"]) -> None:
        with self._scheduler():
            self._client.cancel(futures)

    @contextmanager
    def _scheduler(self) -> Iterator[None]:
        """Raises ClusterError when the connection to the scheduler fails in the block."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, OSError) and self._client.status == "running":
                raise
            raise ClusterError("The scheduler of the cluster is gone.", hint=_RESUME_HINT) from error

    def _update_workers(self) -> Sequence[_UnusableWorker]:
        """Updates the list of workers, and returns the new ones that cannot be used. Raises ClusterError."""
        session = self._session.folder.relative_to(self._store.root)
        with self._scheduler():
            present = self._client.nthreads().keys()
            new = sorted(present - self._workers.keys() - self._refused)
            answers = self._client.run(introduce, str(session), self._prepare, workers=new, on_error="return") if new else {}
        introductions = {worker: _introduction(answer) for worker, answer in answers.items()}
        self._workers = {worker: introduction for worker, introduction in self._workers.items() if worker in present}
        usable = [*self._workers.values(), *(each for each in introductions.values() if isinstance(each, Introduction))]
        gpus = any(each.declared for each in usable)
        unusable_workers = []
        for worker, introduction in introductions.items():
            if isinstance(introduction, OSError):
                continue  # it has left again
            unusable = self._check(worker, introduction)
            unusable_workers += [unusable] if unusable else []
            if unusable or isinstance(introduction, Exception) or (gpus and not introduction.declared):
                self._refused.add(worker)
            else:
                self._workers[worker] = introduction
                self._device = introduction.device
        self._updated = time.monotonic()
        self._last_populated = self._updated if self._workers else self._last_populated
        return unusable_workers

    def _check(self, worker: str, introduction: Introduction | Exception) -> _UnusableWorker | None:
        if isinstance(introduction, Exception):
            return _UnusableWorker(
                worker, f"{type(introduction).__name__}: {str(introduction).partition(chr(10))[0]}", INSTALL_HINT
            )
        if introduction.version != __version__:
            return _UnusableWorker(worker, f"it has stylepipe {introduction.version}, and this run {__version__}", INSTALL_HINT)
        if not introduction.shares:
            places = f"there it is {introduction.cache}, here {self._store.root}"
            hint = f"Set STYLEPIPE_CACHE to a folder that all machines share; {places}."
            return _UnusableWorker(worker, "it keeps its results in another folder than this run", hint)
        if self._device and introduction.device != self._device:
            hint = "Start those with a GPU by `dask worker --resources GPU=1`: only they are used then."
            return _UnusableWorker(worker, f"it computes on a {introduction.device}, and others on a {self._device}", hint)
        return None


def _introduction(answer: str | Exception) -> Introduction | Exception:
    """Parses a worker's introduction, or returns the error why there is none."""
    if isinstance(answer, Exception):
        return answer
    try:
        return Introduction(**json.loads(answer))
    except (ValueError, TypeError):
        return ValueError("this version of stylepipe does not understand its introduction")


def _host_and_port(address: str) -> tuple[str, int]:
    """Splits `dask://host:port`. Raises UsageError for anything else."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if not (parts and host and port) or address != f"dask://{parts.netloc}" or "@" in parts.netloc:
        raise UsageError(f"--executor {address}: expected dask://HOST:PORT.", hint="For example dask://127.0.0.1:8786.")
    return host, port


@contextmanager
def _connected(address: str, host: str, port: int) -> Iterator[Any]:
    """Yields the scheduler's client (whose methods are typed for asynchronous use only). Raises UsageError.

    Encryption is configured in Dask itself.
    """
    try:
        from distributed import Client
    except ImportError:
        hint = "Install it by: pip install 'stylepipe[dask]'"
        raise UsageError(f"--executor {address}: Dask is not installed.", hint=hint) from None
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        asyncio.run(_probe(place))
        client = Client(place, timeout=_CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # another kind of server may answer anything
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            reason = (str(error.__cause__ or "") or str(error)).rpartition(">: ")[2]  # after the object that Dask names
        else:
            reason = "another kind of server answers there"
        hint = "Start one with `dask scheduler`. For TLS, Dask's configuration here must name the certificates too."
        raise UsageError(f"There is no Dask scheduler at {address}: {reason}.", hint=hint) from None
    with client:
        yield client


async def _probe(place: str) -> None:
    """Connects once with a timeout: Dask's client would wait forever where another kind of server listens."""
    from distributed import Security
    from distributed.comm.core import connect

    options = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(place, timeout=_CONNECT_SECONDS - 1, **options), _CONNECT_SECONDS)
    await comm.close()
