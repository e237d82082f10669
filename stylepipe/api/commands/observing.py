"""How a caller follows a run: by its events, or by progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from stylepipe.engine.events import EngineNote, Observer
from stylepipe.report.progress import bars

_TURN = RLock()
"""Held by the thread that runs: a run, and its bars, redirect the standard streams, which the process has only once."""


@contextmanager
def observing(observe: Observer | None) -> Iterator[Observer]:
    """Yields the observer, or for None progress bars, which only terminals and notebooks show.

    Runs of several threads take turns: the block begins when those of other threads have ended.
    """
    if not _TURN.acquire(blocking=False):
        if observe is not None:
            observe(EngineNote("Waits for the run of another thread."))
        _TURN.acquire()
    try:
        if observe is not None:
            yield observe
        else:
            with bars() as display:
                yield display
    finally:
        _TURN.release()
