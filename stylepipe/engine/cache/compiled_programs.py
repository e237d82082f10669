"""The persistent cache of programs compiled by JAX: in a private folder, with a checksum for each program.

JAX runs the files in its folder unchecked, so anyone who can write there can run code as the user who computes, and two swapped
files give a wrong picture. A cache that others can write to therefore holds no programs, and before a process first uses the
folder, programs that do not match their checksums are removed. (JAX has no hook to verify programs as it reads them.)
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylepipe.cache_folder import make_private, own_cache_folder, temporary_cache_folder
from stylepipe.engine.cache.atomic_files import SHARED, files_below, publish, remove
from stylepipe.engine.environment import compiles_to, set_up_jax
from stylepipe.errors import StoreError
from stylepipe.paths import is_own

_CHECKSUM = ".sha256"


@contextmanager
def compiled_programs(root: Path, precision: str) -> Iterator[None]:
    """Lets JAX store programs inside the block, for the cache at `root`, unless the user has configured another folder."""
    folder = next((folder for folder in _candidates(root) if _makes_private(folder)), None)
    if folder and not compiles_to(folder):
        check_programs(folder, unfinished=True)
    set_up_jax(folder, precision)
    try:
        yield
    finally:
        if folder and compiles_to(folder):
            _add_checksums(folder)


@contextmanager
def programs_of_a_temporary_cache() -> Iterator[None]:
    """Keeps the folder that JAX stores programs in as it is, while the block uses a cache that is removed afterwards."""
    import jax
    from jax.experimental.compilation_cache.compilation_cache import reset_cache

    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", None)
    reset_cache()  # JAX opens its folder once
    try:
        yield
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
        reset_cache()


def programs_folders(root: Path) -> list[Path]:
    """Returns the existing folders that may hold programs compiled with the cache at `root`."""
    elsewhere = () if _only_we_write(root) else _candidates(root)
    return [folder for folder in dict.fromkeys([root / "xla", *elsewhere]) if _is_ours(folder)]


def programs(folder: Path) -> list[Path]:
    """Returns the programs in a folder."""
    return [path for path in sorted(folder.glob("*-cache")) if path.is_file()]


def check_programs(folder: Path, *, unfinished: bool = False) -> list[str]:
    """Removes the programs that do not match their checksums; returns a message for each.

    With `unfinished`, those without a checksum are removed too: their process was killed, or has just written them.
    """
    damaged: list[str] = []
    for path in programs(folder):
        with suppress(OSError):
            checksum = _beside(path)
            if not checksum.is_file():
                if unfinished:
                    remove(path)
            elif checksum.read_bytes() != _digest(path):
                remove(path)
                remove(checksum)
                damaged.append(f"A compiled program was damaged and has been removed ({path.name[:24]}…).")
    for checksum in folder.glob(f"*{_CHECKSUM}"):
        if not checksum.with_suffix("").exists():
            remove(checksum)
    return damaged


def remove_programs(folder: Path, *, older_than: float) -> None:
    """Removes the files last written before a time, where permitted; a program and its checksum go together.

    A checksum is newer than its program. By itself it would refuse the same program compiled again, whose bytes may differ.
    """
    for path in files_below(folder):
        with suppress(FileNotFoundError, PermissionError):
            if path.suffix != _CHECKSUM and path.lstat().st_mtime < older_than:
                remove(_beside(path))
                path.unlink()


def _add_checksums(folder: Path) -> None:
    for path in programs(folder):
        checksum = _beside(path)
        if not checksum.exists():
            temporary = folder / f".{os.getpid()}.tmp"
            with suppress(OSError):  # without a checksum the program is compiled again
                temporary.write_bytes(_digest(path))
                publish(temporary, checksum)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _CHECKSUM)


def _digest(path: Path) -> bytes:
    """Returns a digest that covers the program's name too, so that two programs cannot be swapped."""
    return hashlib.sha256(path.name.encode() + b"\0" + path.read_bytes()).hexdigest().encode()


def _candidates(root: Path) -> Iterator[Path]:
    """Yields the folders to try: in the cache, in the user's own cache, in the temporary folder."""
    if _only_we_write(root):
        yield root / "xla"
    for own in (own_cache_folder, temporary_cache_folder):
        with suppress(StoreError):
            yield own() / "xla"


def _only_we_write(root: Path) -> bool:
    """Returns whether only this user and root can replace the folder or one of its parents."""
    try:
        statuses = [path.stat() for path in (root.resolve(), *root.resolve().parents)]
    except OSError:
        return False
    ours = all(status.st_uid == 0 or is_own(status) for status in statuses)
    return ours and not any(status.st_mode & SHARED and not status.st_mode & stat.S_ISVTX for status in statuses)


def _makes_private(folder: Path) -> bool:
    try:
        return make_private(folder) and os.access(folder, os.W_OK)
    except OSError:
        return False


def _is_ours(folder: Path) -> bool:
    """Returns whether it is a folder of this user; False where this user has no access."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and is_own(status)
