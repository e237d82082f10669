"""Maintenance of the store: listing its actions, verifying files, and removing old results."""

import time
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stylepipe.engine.cache.atomic_files import cache_errors, files_below, remove, size_of
from stylepipe.engine.cache.compiled_programs import check_programs, programs, programs_folders, remove_programs
from stylepipe.engine.cache.file_locks import gate, try_lock, unlock
from stylepipe.engine.cache.sessions import GATE, sweep_sessions, used_by_sessions
from stylepipe.engine.cache.store import FOLDERS, Action, Damaged, Missing, Store
from stylepipe.engine.execution import trajectories
from stylepipe.paths import exists


@dataclass(frozen=True)
class StoredAction:
    """An action in the store, the `size` of its objects in bytes, and when it was last `used` (seconds since 1970)."""

    action: Action
    size: int
    used: float


@dataclass(frozen=True)
class CompiledPrograms:
    """The number of compiled programs in a folder, and their size in bytes."""

    folder: Path
    number: int
    size: int


@dataclass(frozen=True)
class CacheContents:
    """The `actions` in a store, last used first, and its compiled `programs`."""

    actions: tuple[StoredAction, ...]
    programs: tuple[CompiledPrograms, ...]


@dataclass(frozen=True)
class Collected:
    """What a garbage collection removed and kept."""

    actions: int
    removed_bytes: int
    kept_bytes: int


@dataclass(frozen=True)
class Verified:
    """The number of files compared with their digests, and a message for each damaged one."""

    checked: int
    damaged: tuple[str, ...]


def contents(store: Store) -> CacheContents:
    """Returns what is in the store and in its folders of compiled programs. Raises as `entries` does."""
    kept = {folder: [size_of(path) for path in programs(folder)] for folder in programs_folders(store.root)}
    compiled = (CompiledPrograms(folder, len(sizes), sum(sizes)) for folder, sizes in kept.items())
    return CacheContents(tuple(entries(store)), tuple(compiled))


def entries(store: Store) -> list[StoredAction]:
    """Returns all actions, last used first. Raises StoreError; damaged ones are moved aside and left out."""
    stored: list[StoredAction] = []
    with cache_errors(store.root):
        for path in files_below(store.root / "actions"):
            try:
                action = store.find(path.stem)
                used = path.stat().st_mtime
            except (Damaged, FileNotFoundError):
                continue
            if action:
                size = sum(size_of(store.object_path(name)) for name in _objects(action))
                stored.append(StoredAction(action, size, used))
    return sorted(stored, key=lambda entry: entry.used, reverse=True)


def verify(store: Store) -> Verified:
    """Verifies every action, object and compiled program; damaged ones are moved aside and computed again on demand."""
    damaged: list[str] = []
    checked = 0
    with cache_errors(store.root):
        for path in [*files_below(store.root / "actions"), *files_below(store.root / "objects")]:
            try:
                _check(store, path)
            except Missing:
                continue  # a garbage collection has removed it
            except Damaged as error:
                damaged.append(error.message)
            checked += 1
        for folder in programs_folders(store.root):
            checked += len(programs(folder))
            damaged += check_programs(folder)
    return Verified(checked, tuple(damaged))


def _check(store: Store, path: Path) -> None:
    """Verifies one file of the store. Raises Damaged."""
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
    """Removes actions not used for `max_age`, then the least recently used ones down to `max_size` bytes of results.

    Also removes unreferenced objects, quarantined files, and unfinished computations and compiled programs of that age.
    Trajectories are collected likewise, in the space that results leave. Files that a running process has used since it
    started are kept. Raises StoreError.
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
            removed = _remove(store.root / "actions", actions, running_since)  # before their objects
            _remove(store.root / "objects", objects | used, running_since)
            for folder in programs_folders(store.root):
                remove_programs(folder, older_than=min(limit, running_since))
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
    """Returns the names of the action files and objects to keep, besides objects `used` by running processes."""
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
    """Removes all files not in `kept` and older than a time, where permitted; returns how many."""
    removed = 0
    for path in files_below(folder):
        with suppress(FileNotFoundError, PermissionError):
            if path.name not in kept and path.lstat().st_mtime < older_than:
                path.unlink()
                removed += 1
    return removed


def _remove_unfinished(store: Store, limit: float) -> None:
    """Removes the state of finished or old computations, and references to removed actions."""
    for path in (store.root / "latest").iterdir():
        if not any(exists(store.action_path(key)) for key in store.remembered(path)):
            remove(path)
    for folder in (store.root / "work").iterdir():
        with suppress(FileNotFoundError, PermissionError):  # finished meanwhile, or another user's
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
