"""Files that survive a crash: written whole or not at all, locked by one process at a time, failing in the user's words.

Folders and locks below a folder that a group may write are writable for the group, too, whatever the umask is.
"""

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylepipe.errors import StoreError
from stylepipe.paths import open_regular

_REASONS = {
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than is allowed",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOTDIR: "it is not a folder",
    errno.EEXIST: "it is not a folder",
    errno.EPIPE: "nobody reads it any more",
    errno.ENAMETOOLONG: "a name in it would be too long",
}

CACHE_HINT = "Free some space there, or let STYLEPIPE_CACHE name another folder."

SHARED = stat.S_IWGRP | stat.S_IWOTH
"""The permissions by which others than its owner write a folder."""


_NO_RANGES = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}


@contextmanager
def cache_errors(folder: Path) -> Iterator[None]:
    """Turns an OSError inside the block into a StoreError about the cache at `folder`."""
    with _explained("The cache", folder, CACHE_HINT):
        yield


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Turns an OSError inside the block into a StoreError about the output folder at `folder`."""
    with _explained("The output folder", folder, "Free some space there, or choose another folder for the outputs."):
        yield


@contextmanager
def _explained(what: str, folder: Path, hint: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what} '{folder}' cannot be used: {system_reason(error)}.", hint=hint) from error


def system_reason(error: OSError) -> str:
    """What the system complains of, as a clause."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)


def publish(temporary: Path, path: Path, *, mode: int = 0o644) -> None:
    """Gives a finished file its name: after a crash there is the old content or all of the new, never something between.

    Both paths are on one file system. The data and the folder's entry have reached the disk on return.
    """
    temporary.chmod(mode)
    _sync(temporary)
    make_folder(path.parent)
    temporary.replace(path)
    _sync(path.parent)


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, unless it is there; whoever may write the one above it may write it, too."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    status = path.parent.stat()
    if status.st_mode & SHARED:
        with suppress(PermissionError):  # another process has made it meanwhile
            path.chmod(stat.S_IMODE(status.st_mode) & ~stat.S_ISVTX)


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that is in it, as far as it is there and may be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def make_room(path: Path, *, folder: bool = False) -> bool:
    """Removes what is in the place of a working file, or folder, and is none, or may not be read and written; whether it did.

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
    """Whether a file is there, as far as this user may know, and permits this use of it: os.R_OK, W_OK, X_OK."""
    return os.access(path, use, effective_ids=os.access in os.supports_effective_ids)


def size_of(path: Path) -> int:
    """The bytes of a file; none if it was removed meanwhile, or may not be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, ordered by name; folders that are missing, may not be read or vanish meanwhile are empty."""
    return sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)


def copy(source: Path, target: Path) -> None:
    """Copies a file's bytes; file systems that can (Btrfs, XFS) store them once until one of the two is changed."""
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), 2**30):
                pass
        except (AttributeError, OSError) as error:  # not on every system, not between all file systems
            if isinstance(error, OSError) and error.errno not in _NO_RANGES:
                raise
            reader.seek(writer.seek(0, os.SEEK_END))
            shutil.copyfileobj(reader, writer)


def temporary_beside(path: Path, suffix: str = "") -> Path:
    """A new file in the folder of another; its name is short, as that of the other may be as long as names can be."""
    return path.with_name(f".{secrets.token_hex(6)}.tmp{suffix}")


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file by way of a temporary one beside it, and publishes that."""
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(data)
        publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def try_lock(path: Path) -> int | None:
    """Locks the file without waiting; the descriptor that holds the lock, or None when another process holds it.

    The lock ends with `unlock`, or with the process, however that dies.
    """
    while True:
        descriptor = _open_lock(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if _still_names(path, descriptor):
            return descriptor
        os.close(descriptor)  # its holder removed the file between our open and our lock: that lock guards nothing


def unlock(path: Path, descriptor: int) -> None:
    """Removes the lock file and ends an exclusive lock."""
    remove(path)
    os.close(descriptor)


@contextmanager
def gate(path: Path, *, shared: bool) -> Iterator[None]:
    """Holds a lock for moments, waiting for it; its file stays."""
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds a lock on the file. Raises OSError when it cannot be opened."""
    with open_regular(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _open_lock(path: Path) -> int:
    """Opens a lock file, which is made where it is missing; whoever may write its folder may open it, too."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except (PermissionError, IsADirectoryError):
        return os.open(path, os.O_RDONLY)  # enough for a lock, but on NFS
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        remove(path)  # a link to itself
        return _open_lock(path)
    status, writing = os.fstat(descriptor), path.parent.stat().st_mode & SHARED
    both = writing | writing << 1  # reading, too
    if status.st_uid == os.geteuid() and status.st_mode & both != both:
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) | both)
    return descriptor


def _still_names(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
