"""Looking after the store: what is in it, whether it is sound, and removing what is old or too much."""

import math
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stylepipe.engine.files import cache_errors, gate, try_lock, unlock
from stylepipe.engine.store import Action, Damaged, Store, sweep_sessions


@dataclass(frozen=True)
class Entry:
    """A stored action, the `size` in bytes of its objects, and when it was `used` last (seconds since 1970)."""

    action: Action
    size: int
    used: float


@dataclass(frozen=True)
class Collected:
    """What a collection removed and what it left."""

    actions: int
    removed_bytes: int
    kept_bytes: int


@dataclass(frozen=True)
class Verified:
    """How many files were read again and compared with their names, and a sentence for each that was damaged."""

    checked: int
    damaged: tuple[str, ...]


def entries(store: Store) -> list[Entry]:
    """All actions, the one used last first. Raises StoreError; damaged ones are moved aside and left out."""
    found: list[Entry] = []
    with cache_errors(store.root):
        for path in _files(store.root / "actions"):
            try:
                action = store.find(path.stem)
            except Damaged:
                continue
            if action:
                size = sum(_size(store.object_path(name)) for name in _objects(action))
                found.append(Entry(action, size, path.stat().st_mtime))
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def verify(store: Store) -> Verified:
    """Reads every action and object again; the damaged ones are moved aside, to be computed again when needed."""
    damaged: list[str] = []
    checked = 0
    with cache_errors(store.root):
        for path in _files(store.root / "actions") + _files(store.root / "objects"):
            checked += 1
            try:
                match path.suffix:
                    case ".action":
                        store.action(path.stem)
                    case ".safetensors":
                        store.load(path.stem)
                    case _:
                        store.read(path.name)
            except Damaged as error:
                damaged.append(error.message)
    return Verified(checked, tuple(damaged))


def collect(store: Store, *, max_age: timedelta | None = None, max_size: int | None = None) -> Collected:
    """Removes actions not used for `max_age`, then the least recently used until at most `max_size` bytes of results are left.

    Objects that no action names any more go with them, as do quarantined files, and the state of unfinished computations and
    compiled programs of that age. What a running process has used since it began stays. Raises StoreError.
    """
    if not store.root.is_dir():
        return Collected(0, 0, 0)
    with cache_errors(store.root):
        running_since = sweep_sessions(store.root)
        limit = 0.0 if max_age is None else time.time() - max_age.total_seconds()
        with gate(store.root / "gate.lock", shared=False):
            before = _total(store.root)
            actions, objects = _choose(store, running_since, limit, max_size)
            removed = _remove(store.root / "actions", actions, running_since)  # before the objects that they name
            _remove(store.root / "objects", objects, running_since)
            _remove(store.root / "quarantine", set(), math.inf)
            _remove(store.root / "xla", set(), min(limit, running_since))
            _remove_unfinished(store, limit)
            after = _total(store.root)
    return Collected(removed, before - after, after)


def _choose(store: Store, running_since: float, limit: float, max_size: int | None) -> tuple[set[str], set[str]]:
    """The names of the action files and of the objects to keep."""
    actions: set[str] = set()
    objects: set[str] = set()
    total, full = 0, False
    for entry in entries(store):
        added = {name: _size(store.object_path(name)) for name in _objects(entry.action) if name not in objects}
        full = full or (max_size is not None and total + sum(added.values()) > max_size)
        if entry.used >= running_since or (entry.used >= limit and not full):
            actions.add(store.action_path(entry.action.key).name)
            objects.update(added)
            total += sum(added.values())
    return actions, objects


def _remove(folder: Path, kept: set[str], older_than: float) -> int:
    """Removes all files that are not to be kept and were not used since; how many."""
    doomed = [path for path in _files(folder) if path.name not in kept and path.stat().st_mtime < older_than]
    for path in doomed:
        path.unlink()
    return len(doomed)


def _remove_unfinished(store: Store, limit: float) -> None:
    """Removes the state of computations that are finished or old, and what names an action that is gone."""
    for path in _files(store.root / "latest"):
        if not store.action_path(path.read_text()).exists():
            path.unlink()
    for folder in (store.root / "work").iterdir():
        if store.action_path(folder.name).exists() or folder.stat().st_mtime < limit:
            path = store.root / "locks" / folder.name
            lock = try_lock(path)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                unlock(path, lock)


def _objects(action: Action) -> list[str]:
    output = [f"{action.output}.safetensors"] if action.output else []
    return [*output, *action.attachments.values()]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _total(root: Path) -> int:
    return sum(_size(path) for name in ("actions", "objects", "work", "quarantine", "xla") for path in _files(root / name))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
