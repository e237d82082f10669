"""Looking after the store: what is in it, whether it is sound, and removing what is old or too much."""

import time
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stylepipe.engine.cache.atomic_files import cache_errors, files_below, gate, remove, size_of, try_lock, unlock
from stylepipe.engine.cache.compiled_programs import check_programs, programs, programs_folders
from stylepipe.engine.cache.sessions import GATE, sweep_sessions, used_by_sessions
from stylepipe.engine.cache.store import FOLDERS, Action, Damaged, Missing, Store
from stylepipe.engine.execution import trajectories
from stylepipe.paths import exists


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
        for path in files_below(store.root / "actions"):
            try:
                action = store.find(path.stem)
                used = path.stat().st_mtime
            except (Damaged, FileNotFoundError):
                continue
            if action:
                size = sum(size_of(store.object_path(name)) for name in _objects(action))
                found.append(Entry(action, size, used))
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def verify(store: Store) -> Verified:
    """Reads every action, object and compiled program again; damaged ones are moved aside, and made again when needed."""
    damaged: list[str] = []
    checked = 0
    with cache_errors(store.root):
        for path in [*files_below(store.root / "actions"), *files_below(store.root / "objects")]:
            try:
                _check(store, path)
            except Missing:
                continue  # it was collected meanwhile
            except Damaged as error:
                damaged.append(error.message)
            checked += 1
        for folder in programs_folders(store.root):
            checked += len(programs(folder))
            damaged += check_programs(folder)
    return Verified(checked, tuple(damaged))


def _check(store: Store, path: Path) -> None:
    """Reads one file of the store again. Raises Damaged."""
    match path.suffix:
        case ".action" if path == store.action_path(path.stem):
            if store.action(path.stem) is None:
                raise Missing(path.name)
        case ".safetensors" if path == store.object_path(path.name):
            store.load(path.stem)
        case _ if path == store.object_path(path.name):
            store.read(path.name)
        case _:
            raise store.quarantine(path, "file")


def collect(store: Store, *, max_age: timedelta | None = None, max_size: int | None = None) -> Collected:
    """Removes actions not used for `max_age`, then the least recently used until at most `max_size` bytes of results are left.

    Objects that no action names any more go with them, as do quarantined files, and the state of unfinished computations and
    compiled programs of that age. States from which longer computations would go on are collected in the same way, in the room
    that results leave. What a running process has used since it began stays. Raises StoreError.
    """
    if not any(exists(store.root / name) for name in FOLDERS):
        return Collected(0, 0, 0)
    store.make_folders()
    with cache_errors(store.root):
        running_since = sweep_sessions(store.root)
        limit = 0.0 if max_age is None else time.time() - max_age.total_seconds()
        with gate(store.root / GATE, shared=False):
            before = _total(store.root)
            used = used_by_sessions(store.root)
            actions, objects = _choose(store, used, running_since, limit, max_size)
            removed = _remove(store.root / "actions", actions, running_since)  # before the objects that they name
            _remove(store.root / "objects", objects | used, running_since)
            for folder in programs_folders(store.root):
                _remove(folder, set(), min(limit, running_since))
            for path in files_below(store.root / "quarantine"):
                remove(path)
            _remove_unfinished(store, limit)
            room = None if max_size is None else max_size - sum(size_of(store.object_path(name)) for name in objects)
            trajectories.collect(store, since=limit, max_size=room)
            after = _total(store.root)
    return Collected(removed, before - after, after)


def _choose(
    store: Store, used: Set[str], running_since: float, limit: float, max_size: int | None
) -> tuple[set[str], set[str]]:
    """The names of the action files and of the objects to keep, besides those objects that are `used` by running processes."""
    actions: set[str] = set()
    objects: set[str] = set()
    total, full = 0, False
    for entry in entries(store):
        added = {name: size_of(store.object_path(name)) for name in _objects(entry.action) if name not in objects}
        full = full or (max_size is not None and total + sum(added.values()) > max_size)
        name = f"{entry.action.key}.action"
        if name in used or entry.used >= running_since or (entry.used >= limit and not full):
            actions.add(name)
            objects.update(added)
            total += sum(added.values())
    return actions, objects


def _remove(folder: Path, kept: Set[str], older_than: float) -> int:
    """Removes all files that are not to be kept and were not used since, as far as they may be removed; how many."""
    removed = 0
    for path in files_below(folder):
        with suppress(FileNotFoundError, PermissionError):
            if path.name not in kept and path.lstat().st_mtime < older_than:
                path.unlink()
                removed += 1
    return removed


def _remove_unfinished(store: Store, limit: float) -> None:
    """Removes the state of computations that are finished or old, and what names an action that is gone."""
    for path in (store.root / "latest").iterdir():
        if not any(exists(store.action_path(key)) for key in store.remembered(path)):
            remove(path)
    for folder in (store.root / "work").iterdir():
        with suppress(FileNotFoundError, PermissionError):  # it was finished meanwhile, or is another user's
            if exists(store.action_path(folder.name)) or folder.stat().st_mtime < limit:
                path = store.root / "locks" / folder.name
                lock = try_lock(path)
                if lock is not None:
                    remove(folder)
                    unlock(path, lock)


def _objects(action: Action) -> list[str]:
    output = [f"{action.output}.safetensors"] if action.output else []
    return [*output, *action.attachments.values()]


def _total(root: Path) -> int:
    names = ("actions", "objects", "work", "trajectories", "quarantine")
    folders = [*(root / name for name in names), *programs_folders(root)]
    return sum(size_of(path) for folder in folders for path in files_below(folder))
