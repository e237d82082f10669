"""Final states of computations, stored so that longer ones can continue them.

    trajectories/<key>/    the work folder of the longest computation: state, losses, frames

The key is that of the stage's document without its stopping parameters (`stage.Trajectory`). Together they take at most `LIMIT`
bytes; the least recently used ones are removed, as `cache gc` does by age and size.
"""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from stylepipe.engine.cache.atomic_files import cache_errors, files_below, make_folder, remove, size_of
from stylepipe.engine.cache.file_locks import gate
from stylepipe.engine.cache.sessions import GATE
from stylepipe.engine.cache.store import Session, Store
from stylepipe.engine.execution.checkpoints import STATE, saved_iterations
from stylepipe.engine.execution.spool import LOSSES

LIMIT = 2_000_000_000


def adopt(session: Session, key: str, work: Path) -> None:
    """Copies the files of a trajectory, if there is one, into a work folder without a state."""
    for root in session.store.folders:
        folder = root / "trajectories" / key
        # The state is linked last, so that after an error partial files count as no state.
        with suppress(OSError), gate(session.store.root / GATE, shared=True):
            _link(folder, work)
            os.utime(folder)
        if (work / STATE).exists():
            return


def keep(session: Session, key: str, work: Path, *, finished: bool) -> None:
    """Replaces a trajectory with the files of a work folder, unless the stored one is longer.

    The folder of a `finished` computation is moved or removed; that of an unfinished one is copied. Raises StoreError.
    """
    root = session.store.root
    folder = root / "trajectories" / key
    before, now = saved_iterations(folder), saved_iterations(work)
    further = now >= 0 and (before < now or (finished and before == now)) and _size(work) <= LIMIT
    staged, old = (session.folder / secrets.token_hex(6) for _ in range(2))
    with cache_errors(root):
        if not further:
            if finished:
                remove(work)
            return
        if finished:
            work.rename(staged)
        else:
            make_folder(staged)
            _link(work, staged)
        with gate(root / GATE, shared=False):
            if os.path.lexists(folder):
                folder.rename(old)
            staged.rename(folder)
        remove(old)
        collect(session.store, max_size=LIMIT)


def discard(store: Store, key: str) -> None:
    """Removes a trajectory."""
    remove(store.root / "trajectories" / key)


def collect(store: Store, *, since: float = 0.0, max_size: int | None = None) -> None:
    """Removes trajectories not used `since`, then the least recently used ones, down to `max_size` bytes."""
    used: list[tuple[float, Path]] = []
    for path in store.root.glob("trajectories/*"):
        with suppress(FileNotFoundError):
            used.append((path.lstat().st_mtime, path))
    total = 0
    for time, path in sorted(used, reverse=True):
        total += _size(path)
        if time < since or (max_size is not None and total > max_size):
            remove(path)


def _link(source: Path, target: Path) -> None:
    """Hard-links the files of a work folder elsewhere; the state last, because it makes the others valid."""
    if (source / STATE).is_file():
        shutil.copytree(source, target, copy_function=_second_name, dirs_exist_ok=True, ignore=lambda *_: {STATE})
        _second_name(source / STATE, target / STATE)


def _second_name(source: str | Path, target: str | Path) -> None:
    """Links a file that never changes; copies the losses, which are appended to, and where links are not allowed."""
    if Path(source).name != LOSSES:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)


def _size(folder: Path) -> int:
    """Returns the size of all files in a folder in bytes, ignoring missing ones."""
    return sum(map(size_of, files_below(folder)))
