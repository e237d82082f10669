"""The functions that run in Dask workers: one introduces the worker, one computes a stage."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylepipe import __version__
from stylepipe.cache_folder import cache_folder
from stylepipe.engine.cache.store import Store
from stylepipe.engine.execution.held_artifacts import HeldArtifacts
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.inputs import InputSource, find_input
from stylepipe.engine.workers.messages import Answer, Failed, Left, encode
from stylepipe.engine.workers.tasks import Task, compute_task
from stylepipe.errors import InputError, Interrupted, StoreError, WeightsError
from stylepipe.hardware.devices import jax_backend

if TYPE_CHECKING:
    from distributed import Worker

RESOURCE = "GPU"
"""The resource that Dask workers with a GPU declare: `dask worker --resources GPU=1`."""


@dataclass(frozen=True)
class Introduction:
    """A worker's description of itself.

    The path of its cache, and whether that `shares` the run's store; the class of its device; stylepipe's version; and whether
    it has `declared` a GPU.
    """

    cache: str
    shares: bool
    device: str
    version: str
    declared: bool


def introduce(session: str, prepare: Callable[[], None], dask_worker: "Worker") -> str:
    """Prepares the worker with `prepare`; returns its `Introduction` as JSON.

    `session` is the run's folder in its store, relative to the store's root.
    """
    _forget_current_folder()
    prepare()
    folder = cache_folder()
    declared = dask_worker.state.total_resources.get(RESOURCE, 0) >= 1
    return json.dumps(asdict(Introduction(str(folder), (folder / session).is_dir(), jax_backend(), __version__, declared)))


def _forget_current_folder() -> None:
    """Removes the folder where the worker was started from sys.path, so that it imports nothing from there."""
    if sys.path and not sys.flags.safe_path and Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # `python -m dask`; the empty name is that folder too
    sys.path[:] = filter(None, sys.path)


def compute_stage(task: Task, topic: str) -> None:
    """Runs a task in the worker's own cache; sends events, and finally the outcome, to the run's topic."""
    from distributed import get_worker

    worker = get_worker()
    attempt = str(worker.get_current_task())

    def send(answer: Answer) -> None:
        worker.log_event(topic, {"attempt": attempt, "answer": encode(answer)})

    try:
        inputs = {name: _local_input(name, task) for name in task.job.inputs}
        here = replace(task, job=replace(task.job, inputs=inputs))
        with Store(cache_folder()).session() as session:
            send(compute_task(here, session, HeldArtifacts(), _Withdrawal(worker, attempt), send))
    except (InputError, WeightsError) as error:
        send(Failed.of(task.stage, error))
    except (Interrupted, StoreError):
        send(Left(task.stage))


def _local_input(name: str, task: Task) -> InputSource:
    """Returns an input as located on this machine. Raises InputError when it differs from the run's."""
    source = find_input(task.job.inputs[name].file, task.job.weights)
    if source.digest != task.digests[name]:
        raise InputError(
            f"Stage '{task.stage}': its worker has a different input '{name}' than this run.",
            hint="All workers must find the same inputs at the same paths.",
        )
    return source


class _Withdrawal(StopRequest):
    """A stop request that is made when Dask cancels the task, because the run was stopped or is gone."""

    def __init__(self, worker: "Worker", attempt: str) -> None:
        super().__init__()
        self._tasks = worker.state.tasks
        self._attempt = attempt

    @property
    def asked(self) -> bool:
        """Whether the running task was cancelled."""
        task = self._tasks.get(self._attempt)
        return task is None or task.state not in ("executing", "long-running")
