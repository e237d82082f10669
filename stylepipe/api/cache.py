"""The cache of results: `stylepipe.cache.ls()`, `stylepipe.cache.gc(days=30)`, `stylepipe.cache.verify()`."""

import re
from datetime import timedelta
from pathlib import Path

from stylepipe.api.sources.jobs import open_store
from stylepipe.engine import garbage_collection
from stylepipe.engine.garbage_collection import CacheContents, Collected, Verified
from stylepipe.errors import UsageError

__all__ = ["gc", "ls", "verify"]

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def ls(*, cache: str | Path | None = None) -> CacheContents:
    """Returns the cached results, the most recently used first, and the compiled programs. Raises StoreError."""
    return garbage_collection.contents(open_store(cache))


def gc(*, days: int | None = None, size: str | int | None = None, cache: str | Path | None = None) -> Collected:
    """Removes results not used for that many `days`, then the least recently used ones, and unreferenced objects.

    `size` is the total size to come down to, in bytes or as text: "500MB", "2GB". Raises StoreError, and UsageError for a text
    that is no size.
    """
    age = None if days is None else timedelta(days=days)
    return garbage_collection.collect(open_store(cache), max_age=age, max_size=_bytes(size) if isinstance(size, str) else size)


def verify(*, cache: str | Path | None = None) -> Verified:
    """Verifies every object; moves damaged ones aside, to be recomputed when needed. Raises StoreError."""
    return garbage_collection.verify(open_store(cache))


def _bytes(size: str) -> int:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?) ?([A-Z]+)", size.upper())
    if match is None or match[2] not in _UNITS:
        raise UsageError(f"--size {size}: expected a number and one of {', '.join(_UNITS)}.", hint="For example --size 2GB.")
    return int(float(match[1]) * _UNITS[match[2]])
