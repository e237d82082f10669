"""Pools of workers for sweeps: processes of this machine, or a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from stylepipe.engine.cache.store import Store
from stylepipe.engine.environment import backend
from stylepipe.engine.workers.scheduler import Pool
from stylepipe.errors import UsageError
from stylepipe.neural.xla.allocator import keep_freed_memory


@contextmanager
def worker_pool(jobs: int, executor: str | None, store: Store) -> Iterator[Pool | None]:
    """Yields a pool of worker processes, or of the workers of a Dask cluster; None for one job in this process.

    Raises UsageError for both at once, and for several processes that would share a GPU or TPU.
    """
    if executor and jobs > 1:
        raise UsageError(f"{jobs} jobs and the executor {executor} are both requested.", hint="Give one of them.")
    if jobs > 1 and backend() != "cpu":
        raise UsageError(f"{jobs} jobs: the device is a {backend()}, which only one process can use.", hint="Run one job.")
    if executor:
        from stylepipe.engine.workers.dask_pool import Cluster

        with Cluster(executor, store, prepare=keep_freed_memory) as cluster:
            yield cluster
    elif jobs > 1:
        from stylepipe.engine.workers.process_pool import Processes

        with Processes(jobs, store, prepare=keep_freed_memory) as processes:
            yield processes
    else:
        yield None
