"""How a caller follows a run: by its events, or by progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager

from stylepipe.engine.events import Observer
from stylepipe.report.progress import bars


@contextmanager
def observing(observe: Observer | None) -> Iterator[Observer]:
    """Yields the observer, or for None progress bars, which only terminals and notebooks show."""
    if observe is not None:
        yield observe
        return
    with bars() as display:
        yield display
