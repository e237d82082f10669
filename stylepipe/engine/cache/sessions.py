"""Sessions: the processes that use a cache folder, the files that they use, and their temporary files.

Each process has a folder in `sessions/`, whose lock it holds while it lives, and which lists the files that it uses. Garbage
collection holds the gate exclusively; everyone else shares it briefly, while a file is listed and stored or looked up.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylepipe.engine.cache.atomic_files import cache_errors, make_folder, remove
from stylepipe.engine.cache.file_locks import gate, try_lock

GATE = "gate.lock"
_USED = "used"


@contextmanager
def open_session(root: Path) -> Iterator[Path]:
    """Yields a folder of this process in `sessions/`, removed after the block. Raises StoreError when it cannot be created."""
    with cache_errors(root):
        make_folder(root / "sessions")
        sweep_sessions(root)
        folder = root / "sessions" / secrets.token_hex(6)
        with gate(root / GATE, shared=True):
            make_folder(folder)
            lock = try_lock(folder / "lock")
    try:
        yield folder
    finally:
        # Not while another process sweeps, which would see half a folder. Where this fails, a later sweep removes it.
        with suppress(OSError), gate(root / GATE, shared=True):
            remove(folder)
        if lock is not None:
            os.close(lock)


def list_as_used(session: Path, name: str) -> None:
    """Adds a file to those that a session uses; the caller holds the gate."""
    with (session / _USED).open("a", encoding="ascii") as file:
        file.write(f"{name}\n")


def used_by_sessions(root: Path) -> set[str]:
    """Returns the names of the files that sessions use; dead ones count until they are swept."""
    used: set[str] = set()
    for path in (root / "sessions").glob(f"*/{_USED}"):
        with suppress(OSError):
            used.update(path.read_text(encoding="ascii", errors="replace").split())
    return used


def sweep_sessions(root: Path) -> float:
    """Removes the folders of dead processes; returns when the oldest living session began, or now, by the files' clock."""
    with gate(root / GATE, shared=False):
        with suppress(PermissionError):  # another user owns it: files used since its older time are kept too
            os.utime(root / GATE)
        began = [(root / GATE).stat().st_mtime]
        for folder in (root / "sessions").iterdir():
            path = folder / "lock"
            try:
                lock = try_lock(path)
            except NotADirectoryError:  # a foreign file
                remove(folder)
                continue
            except OSError:  # no access to another user's folder
                continue
            if lock is None:
                began.append(path.stat().st_mtime)
            else:
                remove(folder)
                os.close(lock)
    return min(began)
