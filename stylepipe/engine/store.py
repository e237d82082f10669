"""The content store: what was computed before, by key, in the user's cache folder.

    actions/    key → Action: the digest of the output, its pictures, how it came about; a checksum, then JSON
    objects/    outputs as safetensors, and their attachments (pictures, animations, losses), each named by its digest
    work/       by key, the state of computations that are not finished
    locks/      by key, held while a process computes it        latest/  by recipe and node, the key it had last
    sessions/   by running process, its temporary files         quarantine/  damaged files, moved aside

An object is written before the action that names it, and every file appears whole or not at all, so that a process may die at
any moment. Both are read-only, and what is read is checked against its name.
"""

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stylepipe import artifacts
from stylepipe.artifacts import Artifact
from stylepipe.engine.files import cache_errors, gate, publish, try_lock, unlock
from stylepipe.engine.keys import key_of
from stylepipe.errors import StoreError

_POLL_SECONDS = 0.1


class Action(BaseModel):
    """What is known of a finished computation.

    `output` is the digest of its artifact, empty for the reading of an input, whose file is at hand anyway. `attachments` names
    objects that belong to it: picture, animation, losses. `recipe` and `node` say what it was computed for first.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    document: Mapping[str, Any]
    output: str = ""
    attachments: Mapping[str, str] = {}
    recipe: str
    node: str
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    iterations: int | None = None
    created: str = Field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))
    environment: Mapping[str, str | int] = {}


class Damaged(StoreError):
    """A stored file that is not what its name says, and was moved aside; what it held can be computed again."""


class Store:
    """Reading the store; a `session` writes to it. A folder that is missing is an empty store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, key: str) -> Action | None:
        """The action of that key, if its output is there too. Raises Damaged."""
        action = self.action(key)
        complete = action and (not action.output or self.object_path(f"{action.output}.safetensors").exists())
        return action if complete else None

    def action(self, key: str) -> Action | None:
        """The action of that key, whether or not its output is still there. Raises Damaged."""
        path = self.action_path(key)
        try:
            checksum, text = path.read_bytes().split(b"\n", 1)
            action = Action.model_validate_json(text)
            if hashlib.sha256(text).hexdigest().encode() != checksum or key_of(action.document) != key:
                raise ValueError
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise self.quarantine(path, "record") from error
        return action

    def latest(self, recipe: str, node: str) -> Action | None:
        """What a node of a recipe of that name used or computed last. Raises Damaged."""
        try:
            return self.action(self.latest_path(recipe, node).read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def load(self, digest: str) -> Artifact:
        """The artifact of that digest, checked. Raises Damaged."""
        path = self.object_path(f"{digest}.safetensors")
        try:
            artifact = artifacts.load(path)
        except (OSError, StoreError) as error:
            raise self.quarantine(path, "result") from error
        if artifacts.digest(artifact) != digest:
            raise self.quarantine(path, "result")
        return artifact

    def outline(self, digest: str) -> Artifact:
        """The artifact of that digest, blank. Raises Damaged where its file has no good beginning."""
        path = self.object_path(f"{digest}.safetensors")
        try:
            return artifacts.outline(path)
        except (OSError, StoreError) as error:
            raise self.quarantine(path, "result") from error

    def read(self, name: str) -> bytes:
        """The bytes of an attachment, checked. Raises Damaged."""
        path = self.object_path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise self.quarantine(path, "file") from error
        if hashlib.sha256(data).hexdigest() != path.stem:
            raise self.quarantine(path, "file")
        return data

    def quarantine(self, path: Path, what: str) -> Damaged:
        """Moves a damaged file aside; returns the error to raise."""
        with cache_errors(self.root):
            (self.root / "quarantine").mkdir(exist_ok=True)
            try:
                path.replace(self.root / "quarantine" / f"{path.name}.{secrets.token_hex(3)}")
            except FileNotFoundError:
                return Damaged(f"A stored {what} is missing ({path.name[:12]}…).")
        return Damaged(f"A stored {what} was damaged and has been moved aside ({path.name[:12]}…).")

    def action_path(self, key: str) -> Path:
        """Where the action of a key is."""
        return self.root / "actions" / key[:2] / f"{key}.action"

    def object_path(self, name: str) -> Path:
        """Where an object is: an artifact is named <digest>.safetensors, an attachment by the digest of its bytes."""
        return self.root / "objects" / name[:2] / name

    def latest_path(self, recipe: str, node: str) -> Path:
        """Where the key is that a node had last."""
        return self.root / "latest" / hashlib.sha256(f"{recipe}\0{node}".encode()).hexdigest()

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Opens the store for writing. Until it ends, nothing that it uses is collected as garbage.

        Raises StoreError when the folder cannot be made or written.
        """
        with cache_errors(self.root):
            for name in ("actions", "objects", "work", "locks", "latest", "sessions"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            sweep_sessions(self.root)
            folder = self.root / "sessions" / secrets.token_hex(6)
            with gate(self.root / "gate.lock", shared=True):
                folder.mkdir()
                lock = try_lock(folder / "lock")
        try:
            yield Session(self, folder)
        finally:
            # Not while another process sweeps, which would find half a folder. Where this fails, a later sweep removes it.
            with suppress(OSError), gate(self.root / "gate.lock", shared=True):
                shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)


class Session:
    """Writing to the store, for as long as a run lasts; `folder` is where its temporary files are."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder

    def use(self, key: str) -> Action | None:
        """As `Store.find`; what is found is kept from collection until the session ends. Raises Damaged."""
        with cache_errors(self.store.root), gate(self.store.root / "gate.lock", shared=True):
            action = self.store.find(key)
            if action:
                os.utime(self.store.action_path(key))
            return action

    def put(self, artifact: Artifact) -> str:
        """Stores an artifact; its digest. Raises StoreError when that fails, leaving nothing half-written."""
        digest = artifacts.digest(artifact)
        with self._writing() as temporary:
            artifacts.save(artifact, temporary)
            publish(temporary, self.store.object_path(f"{digest}.safetensors"), mode=0o444)
        return digest

    def attach(self, write: Callable[[Path], None], suffix: str) -> str:
        """Stores the file that `write` writes; its object name. Raises StoreError when that fails."""
        with self._writing(suffix) as temporary:
            write(temporary)
            with temporary.open("rb") as file:
                name = hashlib.file_digest(file, "sha256").hexdigest() + suffix
            publish(temporary, self.store.object_path(name), mode=0o444)
        return name

    def commit(self, action: Action) -> None:
        """Stores an action, whose objects are stored already. Raises StoreError when that fails."""
        with self._writing() as temporary:
            text = action.model_dump_json().encode()
            temporary.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            publish(temporary, self.store.action_path(action.key), mode=0o444)

    def remember(self, recipe: str, node: str, key: str) -> None:
        """Keeps a node's key for `Store.latest`. Raises StoreError when that fails."""
        with self._writing() as temporary:
            temporary.write_text(key)
            temporary.replace(self.store.latest_path(recipe, node))

    @contextmanager
    def flight(self, key: str, *, waiting: Callable[[float], None]) -> Iterator[Path]:
        """Holds a key while it is computed, by one process at a time; yields the key's work folder.

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
            lock = try_lock(path)
        try:
            yield folder
        finally:
            unlock(path, lock)

    @contextmanager
    def _writing(self, suffix: str = "") -> Iterator[Path]:
        temporary = self.folder / f"{secrets.token_hex(6)}{suffix}"
        with cache_errors(self.store.root):
            try:
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)


def sweep_sessions(root: Path) -> float:
    """Removes what dead processes left behind; when the oldest living session began, or now, by the files' clock."""
    gate_file = root / "gate.lock"
    with gate(gate_file, shared=False):
        os.utime(gate_file)
        began = [gate_file.stat().st_mtime]
        for folder in (root / "sessions").iterdir():
            path = folder / "lock"
            if (lock := try_lock(path)) is None:
                began.append(path.stat().st_mtime)
            else:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
    return min(began)
