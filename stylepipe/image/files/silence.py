"""Reading without the warnings of libraries."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_FILTERS = RLock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Ignores warnings inside the block; threads take turns, since each would restore the filters that another has changed."""
    with _FILTERS, warnings.catch_warnings(action="ignore"):
        yield
