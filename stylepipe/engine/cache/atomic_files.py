"""Crash-safe files: atomic writes, and OSErrors explained to the user.

Folders below a group-writable folder are group-writable too, whatever the umask.
"""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylepipe.errors import StoreError

_REASONS = {
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would exceed the allowed size",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOTDIR: "it is not a folder",
    errno.EEXIST: "it is not a folder",
    errno.EPIPE: "its reader has closed it",
    errno.ENAMETOOLONG: "a name in it would be too long",
}

CACHE_HINT = "Set STYLEPIPE_CACHE to another folder."
_FULL = (errno.ENOSPC, errno.EDQUOT)

SHARED = stat.S_IWGRP | stat.S_IWOTH
"""The permission bits that let others than its owner write to a folder."""


_WINDOWS = os.name == "nt"
_NO_RANGES = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}


@contextmanager
def cache_errors(folder: Path) -> Iterator[None]:
    """Turns an OSError inside the block into a StoreError about the cache at `folder`."""
    with _explained("The cache", folder, CACHE_HINT):
        yield


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Turns an OSError inside the block into a StoreError about the output folder at `folder`."""
    with _explained("The output folder", folder, "Choose another folder for the outputs."):
        yield


@contextmanager
def _explained(subject: str, folder: Path, hint: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = f"Free some space there, or {hint[0].lower()}{hint[1:]}" if error.errno in _FULL else hint
        raise StoreError(f"{subject} '{folder}' cannot be used: {system_reason(error)}.", hint=hint) from error


def system_reason(error: OSError) -> str:
    """Returns the system's reason for an error, as a clause."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)


def publish(temporary: Path, path: Path, *, mode: int = 0o644) -> None:
    """Moves a finished file into place atomically: after a crash there is either the old content or all of the new.

    Both paths are on one file system. The data and the folder's entry are synced to disk before it returns. On Windows the mode
    is not set, because read-only files could not be replaced or removed, and folders cannot be synced.
    """
    if not _WINDOWS:
        temporary.chmod(mode)
    _sync(temporary)
    make_folder(path.parent)
    temporary.replace(path)
    if not _WINDOWS:
        _sync(path.parent)


def make_folder(path: Path) -> None:
    """Creates a folder and its parents if needed, writable for everyone who may write to its parent."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    status = path.parent.stat()
    if status.st_mode & SHARED:
        with suppress(PermissionError):  # another process has created it
            path.chmod(stat.S_IMODE(status.st_mode) & ~stat.S_ISVTX)


def remove(path: Path) -> None:
    """Removes a file, or a folder with its content; ignores whatever is missing or cannot be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def make_room(path: Path, *, folder: bool = False) -> bool:
    """Removes anything at the path that is not a readable and writable file (or folder); returns whether it did.

    Raises OSError where it cannot be removed.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    rights = os.R_OK | os.W_OK | (os.X_OK if folder else 0)
    if (stat.S_ISDIR if folder else stat.S_ISREG)(mode) and permits(path, rights):
        return False
    if stat.S_ISDIR(mode):
        path.chmod(0o700)
        shutil.rmtree(path)
    else:
        path.unlink()
    return True


def permits(path: Path, use: int) -> bool:
    """Returns whether a file exists and permits an access: os.R_OK, W_OK or X_OK."""
    return os.access(path, use, effective_ids=os.access in os.supports_effective_ids)


def size_of(path: Path) -> int:
    """Returns the size of a file in bytes; 0 if it is missing or inaccessible."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def files_below(folder: Path) -> list[Path]:
    """Returns all files below a folder, sorted by name; missing, unreadable and vanishing folders count as empty."""
    return sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)


def copy(source: Path, target: Path) -> None:
    """Copies a file's bytes; file systems with copy-on-write (Btrfs, XFS) share the blocks."""
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), 2**30):
                pass
        except (AttributeError, OSError) as error:  # not supported by every system and file system
            if isinstance(error, OSError) and error.errno not in _NO_RANGES:
                raise
            reader.seek(writer.seek(0, os.SEEK_END))
            shutil.copyfileobj(reader, writer)


def temporary_beside(path: Path, suffix: str = "") -> Path:
    """Returns a new path in the same folder; its name is short, because the other may have the maximal length."""
    return path.with_name(f".{secrets.token_hex(6)}.tmp{suffix}")


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file atomically, through a temporary file beside it."""
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(data)
        publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if _WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
