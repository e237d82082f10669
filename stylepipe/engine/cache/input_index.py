"""An index of the files that this user has used as inputs: SHA-256 by path, size and time of change, and paths by SHA-256.

It is a private SQLite file that only saves time: where it fails, digests are computed and files are searched for elsewhere.
Its content is never passed on.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from stylepipe.cache_folder import make_private, own_cache_folder
from stylepipe.engine.cache.atomic_files import remove
from stylepipe.errors import StoreError

T = TypeVar("T")

FILE = "inputs-1.sqlite"
MAX_ROWS = 100_000
MAX_PLACES = 16
"""The maximal number of paths returned for one SHA-256."""

RACY_NS = 3 * 10**9
"""A file modified less than this before hashing may change again within its file system's clock resolution."""

_WAIT_SECONDS = 1.0
_DAY = 86_400
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS inputs
    (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, sha256 TEXT NOT NULL, seen INTEGER NOT NULL, checksum TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_sha256 ON inputs (sha256);
CREATE INDEX IF NOT EXISTS by_seen ON inputs (seen);
COMMIT;
"""


class InputIndex:
    """The open index; new entries are written when it is closed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._new: dict[bytes, tuple[str, str]] = {}
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError):
            os.close(os.open(file, os.O_CREAT | os.O_RDONLY, 0o600))
        with suppress(sqlite3.Error):
            self._connection = sqlite3.connect(file, timeout=0)
            self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")  # the checksums detect damage
        if self._attempt(lambda connection: connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()) == (0,):
            self._attempt(lambda connection: connection.executescript(_SCHEMA))

    def sha256(self, path: Path, file: BufferedReader) -> str:
        """Returns the SHA-256 of an opened file: from the index if the file is unchanged, else computed."""
        before = time.time_ns()
        status = os.fstat(file.fileno())
        stamp = f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        key = _key(path)
        for _, sha256, seen in self._rows("path = ? AND stamp = ?", key, stamp):
            if time.time() - seen > _DAY:
                self._new[key] = stamp, sha256
            return sha256
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._new[key] = "" if before - status.st_mtime_ns < RACY_NS else stamp, sha256
        return sha256

    def remember_folder(self, path: Path, sha256: str) -> None:
        """Records the path of a folder; its SHA-256 is computed from those of its files."""
        self._new[_key(path)] = "", sha256

    def places(self, sha256: str) -> list[Path]:
        """Returns the paths of files or folders with this SHA-256, last used first; they may have changed since."""
        return [Path(os.fsdecode(path)) for path, _, _ in self._rows("sha256 = ?", sha256)]

    def close(self) -> None:
        """Writes new entries; beyond `MAX_ROWS` the least recently used rows are deleted."""
        if rows := [(path, *row, int(time.time()), _checksum(path, *row)) for path, row in self._new.items()]:
            self._attempt(lambda connection: _write(connection, rows))
        self._give_up()

    def _rows(self, condition: str, *values: str | bytes) -> Iterator[tuple[bytes, str, int]]:
        """Yields path, SHA-256 and time of the rows whose checksum is right."""
        query = f"SELECT * FROM inputs WHERE {condition} ORDER BY seen DESC LIMIT {MAX_PLACES}"
        for path, stamp, sha256, seen, checksum in self._attempt(lambda sql: sql.execute(query, values).fetchall()) or ():
            if isinstance(path, bytes) and isinstance(seen, int) and checksum == _checksum(path, stamp, sha256):
                yield path, sha256, seen

    def _attempt(self, use: Callable[[sqlite3.Connection], T]) -> T | None:
        """Returns the result of `use`, retried while another process locks the file; None once it fails, and from then on.

        A damaged file is removed. (SQLite's own timeout does not cover every "locked" error.)
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        while self._connection:
            try:
                with self._connection:
                    return use(self._connection)
            except sqlite3.OperationalError as error:  # locked, read-only, disk full
                if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY and time.monotonic() < deadline:
                    time.sleep(0.01)
                else:
                    self._give_up()
            except (sqlite3.Error, ValueError, OverflowError):
                self._give_up()
                remove(self._file)
        return None

    def _give_up(self) -> None:
        if self._connection:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _key(path: Path) -> bytes:
    """Returns the path with links and `..` resolved, except in the file's name."""
    return os.fsencode(path.parent.resolve() / path.name)


def _write(connection: sqlite3.Connection, rows: Sequence[tuple[bytes, str, str, int, str]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR REPLACE INTO inputs VALUES (?, ?, ?, ?, ?)", rows)
    order = "SELECT rowid FROM inputs ORDER BY seen DESC, rowid DESC LIMIT -1 OFFSET ?"
    connection.execute(f"DELETE FROM inputs WHERE rowid IN ({order})", [MAX_ROWS])


def _checksum(path: bytes, stamp: str, sha256: str) -> str:
    return hashlib.sha256(path + f"\0{stamp}\0{sha256}".encode()).hexdigest()[:16]


@contextmanager
def own_input_index() -> Iterator[InputIndex | None]:
    """Yields the user's index in the user's own cache, open inside the block; None where it cannot be opened."""
    index = None
    with suppress(StoreError, OSError):
        folder = own_cache_folder() / "inputs"
        index = InputIndex(folder / FILE) if make_private(folder) else None
    try:
        yield index
    finally:
        if index:
            index.close()
