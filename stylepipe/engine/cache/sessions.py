"""Which processes are at work in a cache folder, what they use there, and where their temporary files are.

Each has a folder in `sessions/`, whose lock it holds as long as it lives, and which lists the files that it uses. A collection
of garbage holds the gate alone, everybody else shares it for moments: while a file is listed, and stored or looked up.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylepipe.engine.cache.atomic_files import cache_errors, gate, make_folder, remove, try_lock

GATE = "gate.lock"
_USED = "used"


@contextmanager
def open_session(root: Path) -> Iterator[Path]:
    """A folder of this process in `sessions/`, for as long as the block lasts. Raises StoreError when it cannot be made."""
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
        # Not while another process sweeps, which would find half a folder. Where this fails, a later sweep removes it.
        with suppress(OSError), gate(root / GATE, shared=True):
            remove(folder)
        if lock is not None:
            os.close(lock)


def list_as_used(session: Path, name: str) -> None:
    """Adds a file to the list of those that a session uses; the gate is held meanwhile."""
    with (session / _USED).open("a", encoding="ascii") as file:
        file.write(f"{name}\n")


def used_by_sessions(root: Path) -> set[str]:
    """The names of the files that sessions use; those of dead ones until these are swept away."""
    used: set[str] = set()
    for path in (root / "sessions").glob(f"*/{_USED}"):
        with suppress(OSError):
            used.update(path.read_text(encoding="ascii", errors="replace").split())
    return used


def sweep_sessions(root: Path) -> float:
    """Removes what dead processes left behind; when the oldest living session began, or now, by the files' clock."""
    with gate(root / GATE, shared=False):
        with suppress(PermissionError):  # it is another user's: what was used since its last time is kept, too
            os.utime(root / GATE)
        began = [(root / GATE).stat().st_mtime]
        for folder in (root / "sessions").iterdir():
            path = folder / "lock"
            try:
                lock = try_lock(path)
            except NotADirectoryError:  # somebody else's file
                remove(folder)
                continue
            except OSError:  # another user's, that may not be looked into
                continue
            if lock is None:
                began.append(path.stat().st_mtime)
            else:
                remove(folder)
                os.close(lock)
    return min(began)
