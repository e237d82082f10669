"""Locks on files, held by one process at a time or shared; the system ends them with the process.

Lock files in a group-writable folder are group-writable too, whatever the umask.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stylepipe.engine.cache.atomic_files import SHARED, remove
from stylepipe.paths import is_own, open_regular

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_POLL_SECONDS = 0.01
_LOCKED_BYTE = 2**40
"""The byte that is locked on Windows, beyond the end of every file: others can neither read nor write locked bytes there."""


def lock(descriptor: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Locks an open file until it is closed; returns False when another process holds it and `wait` is false.

    Windows has no shared locks in Python's library: there they are exclusive.
    """
    if fcntl is None:
        return _lock_byte(descriptor, wait=wait)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_byte(descriptor: int, *, wait: bool) -> bool:
    """Locks a file on Windows, polling because the system's own waiting ends after ten seconds."""
    import msvcrt

    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    while True:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EDEADLK):
                raise
        else:
            return True
        if not wait:
            return False
        time.sleep(_POLL_SECONDS)


def try_lock(path: Path) -> int | None:
    """Locks the file without waiting; returns the descriptor that holds the lock, or None when another process holds it.

    The lock ends with `unlock`, or with the process.
    """
    while True:
        descriptor = _open_lock(path)
        try:
            locked = lock(descriptor, wait=False)
        except BaseException:
            os.close(descriptor)
            raise
        if locked and _still_names(path, descriptor):
            return descriptor
        os.close(descriptor)
        if not locked:
            return None
        # the holder removed the file between open and lock: this lock guards nothing


def unlock(path: Path, descriptor: int) -> None:
    """Removes the lock file and releases the lock."""
    remove(path)
    os.close(descriptor)
    if os.name == "nt":  # there an open file cannot be removed
        remove(path)


@contextmanager
def gate(path: Path, *, shared: bool) -> Iterator[None]:
    """Holds a lock inside the block, waiting for it; the lock file is kept."""
    descriptor = _open_lock(path)
    try:
        lock(descriptor, shared=shared)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Returns whether a process holds a lock on the file. Raises OSError when it cannot be opened."""
    with open_regular(path) as file:
        return not lock(file.fileno(), shared=True, wait=False)


def _open_lock(path: Path) -> int:
    """Opens a lock file, created if missing; everyone who may write to its folder may open it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except (PermissionError, IsADirectoryError):
        return os.open(path, os.O_RDONLY)  # enough for a lock, except on NFS
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        remove(path)  # a symbolic link to itself
        return _open_lock(path)
    status, writing = os.fstat(descriptor), path.parent.stat().st_mode & SHARED
    both = writing | writing << 1  # and reading
    if hasattr(os, "fchmod") and is_own(status) and status.st_mode & both != both:
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) | both)
    return descriptor


def _still_names(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
