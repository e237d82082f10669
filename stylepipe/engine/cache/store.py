"""The content store: cached results by key, in a cache folder that several processes and users may share.

    actions/    key → Action: digests of the output and its attachments, provenance; a checksum, then JSON
    objects/    outputs as safetensors, and their attachments (pictures, animations, losses), each named by its digest
    work/       by key, the state of unfinished computations
    trajectories/  by key, the final state of computations that longer ones can continue (`trajectories`)
    locks/      by key, held while a process computes it        latest/  by recipe and node, its recent keys
    sessions/   by running process, the files it uses and its   quarantine/  damaged files, moved aside
                temporary files

An object is written before the action that names it, and every file is written atomically, so that a process may die at any
moment. Both are read-only, and their content is verified on reading.
"""

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from stylepipe import artifacts
from stylepipe.artifacts import Artifact
from stylepipe.engine.cache.atomic_files import cache_errors, make_folder, publish, remove
from stylepipe.engine.cache.file_locks import gate, try_lock, unlock
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.sessions import GATE, list_as_used, open_session
from stylepipe.errors import StoreError
from stylepipe.models import StoredModel
from stylepipe.paths import exists, is_own, open_regular

_POLL_SECONDS = 0.1
MAX_REMEMBERED = 16
"""The number of recent keys stored for a node, which plans compare with."""

FOLDERS = ("actions", "objects", "work", "trajectories", "locks", "latest", "sessions")
_KEY = re.compile(r"[0-9a-f]{1,64}")

ObjectName = Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}(\.[a-z0-9]{1,16})?$")]
"""The name of an object; the pattern keeps paths inside the store."""


class Action(StoredModel):
    """The record of a finished computation.

    `output` is the digest of its artifact; it is empty for the reading of an input, whose file is at hand, and `notes` are the
    warnings about that file. `attachments` names its objects: picture, animation, losses. `recipe` and `node` name the first
    user of the result.
    """

    key: str
    document: Mapping[str, Any]
    output: Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")] = ""
    attachments: Mapping[str, ObjectName] = {}
    recipe: str
    node: str
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    iterations: int | None = None
    created: str = Field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))
    environment: Mapping[str, str | int] = {}
    notes: tuple[str, ...] = ()


class Damaged(StoreError):
    """A stored file whose content does not match its name; it was moved aside and can be computed again."""


class Missing(Damaged):
    """A stored file that is missing: it was deleted, or removed by garbage collection."""


class Store:
    """Read access to the store; a `session` writes to it. A missing folder is an empty store.

    Lookups fall back to the store at `read_only`, which is never written to.
    """

    def __init__(self, root: Path, *, read_only: Path | None = None) -> None:
        self.root = root
        self.read_only = read_only

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders in which results are looked up."""
        return (self.root, self.read_only) if self.read_only else (self.root,)

    def find(self, key: str) -> Action | None:
        """Returns the action of that key if its output is stored too. Raises Damaged."""
        action = self.action(key)
        complete = action and (not action.output or exists(self.object_path(f"{action.output}.safetensors")))
        return action if complete else None

    def action(self, key: str) -> Action | None:
        """Returns the action of that key, whether or not its output is still stored. Raises Damaged."""
        path = self.action_path(key)
        try:
            checksum, text = _read(path).split(b"\n", 1)
            action = Action.model_validate_json(text)
            if hashlib.sha256(text).hexdigest().encode() != checksum or key_of(action.document) != key:
                raise ValueError
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise self.quarantine(path, "record") from error
        return action

    def latest(self, recipe: str, node: str) -> Action | None:
        """Returns the last action that a node of a recipe used or computed, if it can be read."""
        return next(iter(self.recent(recipe, node)), None)

    def recent(self, recipe: str, node: str) -> list[Action]:
        """Returns the recent actions that a node of a recipe used or computed, newest first, if they can be read."""
        actions: list[Action] = []
        for key in self.remembered(self._nearest("latest", _latest_name(recipe, node))):
            with suppress(Damaged):
                actions += [action] if (action := self.action(key)) else []
        return actions

    def remembered(self, path: Path) -> list[str]:
        """Returns the keys in a file of `latest`, newest first; none where they cannot be read."""
        try:
            keys = _read(path).decode("ascii").split()
        except (OSError, ValueError):
            return []
        return [key for key in keys if _KEY.fullmatch(key)]

    def load(self, digest: str) -> Artifact:
        """Returns the artifact of that digest, verified. Raises Damaged."""
        path = self.object_path(f"{digest}.safetensors")
        try:
            artifact = artifacts.load(path)
        except (OSError, StoreError) as error:
            raise self.quarantine(path, "result") from error
        if artifacts.digest(artifact) != digest:
            raise self.quarantine(path, "result")
        return artifact

    def outline(self, digest: str) -> Artifact:
        """Returns the artifact of that digest, blank. Raises Damaged where the file's header is invalid."""
        path = self.object_path(f"{digest}.safetensors")
        try:
            return artifacts.outline(path)
        except (OSError, StoreError) as error:
            raise self.quarantine(path, "result") from error

    def read(self, name: str) -> bytes:
        """Returns the bytes of an attachment, verified. Raises Damaged."""
        path = self.object_path(name)
        try:
            data = _read(path)
        except OSError as error:
            raise self.quarantine(path, "file") from error
        if hashlib.sha256(data).hexdigest() != path.stem:
            raise self.quarantine(path, "file")
        return data

    def checked(self, name: str) -> Path:
        """Returns the path of an attachment, verified without loading it into memory. Raises Damaged."""
        path = self.object_path(name)
        try:
            with open_regular(path) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self.quarantine(path, "file") from error
        if digest != path.stem:
            raise self.quarantine(path, "file")
        return path

    def quarantine(self, path: Path, kind: str) -> Damaged:
        """Moves a damaged file aside, or removes it where that fails; returns the error to raise."""
        name = f"{path.name[:12]}…"
        if not os.path.lexists(path):
            return Missing(f"A stored {kind} is missing ({name}).")
        aside = self.root / "quarantine"
        try:
            make_folder(aside)
            path.replace(aside / f"{path.name[:200]}.{secrets.token_hex(3)}")
        except OSError:
            remove(path)
            fate = "is damaged and cannot be removed" if os.path.lexists(path) else "was damaged and has been removed"
            return Damaged(f"A stored {kind} {fate} ({name}).")
        return Damaged(f"A stored {kind} was damaged and has been moved aside ({name}).")

    def make_way(self, path: Path, *, folder: bool = False) -> None:
        """Moves aside a file where a folder is expected, and the reverse; links are kept, because users create them."""
        if exists(path) and not path.is_symlink() and path.is_dir() != folder:
            self.quarantine(path, "folder" if folder else "file")

    def action_path(self, key: str) -> Path:
        """Returns the path of the action of a key."""
        return self._nearest("actions", key[:2], f"{key}.action")

    def object_path(self, name: str) -> Path:
        """Returns the path of an object: <digest>.safetensors for an artifact, the digest of its bytes for an attachment."""
        return self._nearest("objects", name[:2], name)

    def _nearest(self, *names: str) -> Path:
        """Returns the path in this store, or in the read-only one if the file is only there."""
        own = self.root.joinpath(*names)
        other = self.read_only.joinpath(*names) if self.read_only and not exists(own) else own
        return other if exists(other) else own

    def make_folders(self) -> None:
        """Creates the missing folders of the store. Raises StoreError."""
        with cache_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            for name in FOLDERS:
                self.make_way(self.root / name, folder=True)
                make_folder(self.root / name)

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Opens the store for writing. Garbage collection spares everything that the session uses until it ends.

        Raises StoreError when the folder cannot be created or written.
        """
        self.make_folders()
        with open_session(self.root) as folder:
            yield Session(self, folder)


class Session:
    """Write access to the store during a run; `folder` holds its temporary files."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder

    def use(self, key: str) -> Action | None:
        """Returns the action as `Store.find` does; garbage collection spares it until the session ends. Raises Damaged."""
        with cache_errors(self.store.root), self._kept(f"{key}.action"):
            action = self.store.find(key)
            if action:
                self._touch(self.store.action_path(key))
            return action

    def put(self, artifact: Artifact) -> str:
        """Stores an artifact and returns its digest. Raises StoreError, leaving no partial file."""
        digest = artifacts.digest(artifact)
        with self._writing() as temporary:
            artifacts.save(artifact, temporary)
            self._publish(temporary, "objects", f"{digest}.safetensors")
        return digest

    def attach(self, write: Callable[[Path], None], suffix: str) -> str:
        """Stores the file that `write` writes and returns its object name. Raises StoreError."""
        with self._writing(suffix) as temporary:
            write(temporary)
            with temporary.open("rb") as file:
                name = hashlib.file_digest(file, "sha256").hexdigest() + suffix
            self._publish(temporary, "objects", name)
        return name

    def commit(self, action: Action) -> None:
        """Stores an action, whose objects are already stored. Raises StoreError."""
        with self._writing() as temporary:
            text = action.model_dump_json().encode()
            temporary.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            self._publish(temporary, "actions", f"{action.key}.action")

    def remember(self, recipe: str, node: str, key: str) -> None:
        """Adds a node's key to its recent ones for `Store.recent`. Raises StoreError."""
        path = self.store.root / "latest" / _latest_name(recipe, node)
        keys = [key, *(other for other in self.store.remembered(path) if other != key)]
        with self._writing() as temporary:
            temporary.write_text("\n".join(keys[:MAX_REMEMBERED]))
            temporary.chmod(0o644)
            self.store.make_way(path)
            temporary.replace(path)

    @contextmanager
    def exclusive(self, key: str, *, waiting: Callable[[float], None]) -> Iterator[Path]:
        """Locks a key while one process computes it; yields the key's work folder.

        While another process holds it, `waiting` is called with the seconds waited so far, 0 at first; it may raise to give up.
        """
        path, folder = self.store.root / "locks" / key, self.store.root / "work" / key
        started, waited = time.monotonic(), 0.0
        with cache_errors(self.store.root):
            lock = try_lock(path)
        while lock is None:
            waiting(waited)
            time.sleep(_POLL_SECONDS)
            waited = time.monotonic() - started
            with cache_errors(self.store.root):
                lock = try_lock(path)
        try:
            with cache_errors(self.store.root):
                self._take_over(folder)
            yield folder
        finally:
            unlock(path, lock)

    def _take_over(self, folder: Path) -> None:
        """Replaces another user's work folder with a copy owned by this user, who could not write to its files."""
        self.store.make_way(folder, folder=True)
        if folder.is_dir() and not is_own(folder.stat()):
            own = self.folder / folder.name
            with suppress(shutil.Error):  # unreadable files are left out
                shutil.copytree(folder, own)
            folder.rename(self.folder / f"{folder.name}.old")
            own.rename(folder)
        make_folder(folder)

    def _publish(self, temporary: Path, kind: str, name: str) -> None:
        path = self.store.root / kind / name[:2] / name
        self.store.make_way(path.parent, folder=True)
        self.store.make_way(path)
        with self._kept(name):
            publish(temporary, path, mode=0o444)

    @contextmanager
    def _kept(self, name: str) -> Iterator[None]:
        """Lists a file as used by this session; garbage collection waits until the block ends."""
        with gate(self.store.root / GATE, shared=True):
            list_as_used(self.folder, name)
            yield

    def _touch(self, path: Path) -> None:
        """Marks a file as used now; rewrites another user's file, because only its owner can mark it."""
        if path.is_relative_to(self.store.root):
            try:
                os.utime(path)
            except PermissionError:
                with suppress(OSError), self._writing() as temporary:
                    shutil.copyfile(path, temporary)
                    publish(temporary, path, mode=0o444)

    @contextmanager
    def _writing(self, suffix: str = "") -> Iterator[Path]:
        temporary = self.folder / f"{secrets.token_hex(6)}{suffix}"
        with cache_errors(self.store.root):
            try:
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read()


def _latest_name(recipe: str, node: str) -> str:
    return hashlib.sha256(f"{recipe}\0{node}".encode()).hexdigest()
