"""What the workers of a Dask cluster are asked to do: to introduce themselves, and to compute stages."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylepipe import __version__
from stylepipe.cache_folder import cache_folder
from stylepipe.engine.cache.store import Store
from stylepipe.engine.environment import jax_backend
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.inputs import FoundInput, find_input
from stylepipe.engine.workers.messages import Answer, Failed, Left, encode
from stylepipe.engine.workers.tasks import Task, do
from stylepipe.errors import InputError, Interrupted, StoreError, WeightsError

if TYPE_CHECKING:
    from distributed import Worker

RESOURCE = "GPU"
"""What Dask's workers declare that have one: `dask worker --resources GPU=1`."""


@dataclass(frozen=True)
class Introduction:
    """What a worker says of itself.

    Where its cache is, and whether that `shares` the run's store; the class of its device; stylepipe's version; and whether
    it has `declared` a GPU.
    """

    cache: str
    shares: bool
    device: str
    version: str
    declared: bool


def introduce(session: str, prepare: Callable[[], None], dask_worker: "Worker") -> str:
    """Makes the worker ready by `prepare`; its `Introduction` as JSON.

    `session` is the run's own folder in its store, relative to that.
    """
    _forget_current_folder()
    prepare()
    folder = cache_folder()
    declared = dask_worker.state.total_resources.get(RESOURCE, 0) >= 1
    return json.dumps(asdict(Introduction(str(folder), (folder / session).is_dir(), jax_backend(), __version__, declared)))


def _forget_current_folder() -> None:
    """From now on the worker imports nothing from the folder where it was started, which Python puts on its path."""
    if sys.path and not sys.flags.safe_path and Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # `python -m dask`; the empty name is that folder, too
    sys.path[:] = filter(None, sys.path)


def compute_stage(task: Task, topic: str) -> None:
    """Does a task in the worker's own cache; events, and at last what became of it, go to the topic of the run."""
    from distributed import get_worker

    worker = get_worker()
    attempt = str(worker.get_current_task())

    def tell(answer: Answer) -> None:
        worker.log_event(topic, {"attempt": attempt, "answer": encode(answer)})

    try:
        inputs = {name: _found_here(name, task) for name in task.job.inputs}
        here = replace(task, job=replace(task.job, inputs=inputs))
        with Store(cache_folder()).session() as session:
            tell(do(here, session, _Withdrawal(worker, attempt), tell))
    except (InputError, WeightsError) as error:
        tell(Failed.of(task.stage, error))
    except (Interrupted, StoreError):
        tell(Left(task.stage))


def _found_here(name: str, task: Task) -> FoundInput:
    """An input as this machine has it. Raises InputError when it is another than that of the run."""
    found = find_input(task.job.inputs[name].file, task.job.weights)
    if found.digest != task.digests[name]:
        raise InputError(
            f"Stage '{task.stage}': its worker has another input '{name}' than this run.",
            hint="All workers must find the same inputs at the same paths.",
        )
    return found


class _Withdrawal(StopRequest):
    """Dask's word that nobody wants the result any more: the run was stopped, or is gone."""

    def __init__(self, worker: "Worker", attempt: str) -> None:
        super().__init__()
        self._tasks = worker.state.tasks
        self._attempt = attempt

    @property
    def asked(self) -> bool:
        """Whether the task was taken back while it is being done."""
        task = self._tasks.get(self._attempt)
        return task is None or task.state not in ("executing", "long-running")
