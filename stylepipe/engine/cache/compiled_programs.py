"""The programs that JAX has compiled, kept from run to run: where this user alone may write, and each with a checksum.

JAX runs what it finds in its folder as it is, so that whoever can write there runs code as whoever computes with it, and two
files that are exchanged give a wrong picture. So a cache that others may write keeps none; and before a process first uses the
folder, whatever is not as its checksum says goes out of it. (JAX has no way to have programs checked as it reads them.)
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylepipe.cache_folder import make_private, own_cache_folder, temporary_cache_folder
from stylepipe.engine.cache.atomic_files import SHARED, publish, remove
from stylepipe.engine.environment import compiles_to, set_up_jax
from stylepipe.errors import StoreError

_CHECKSUM = ".sha256"


@contextmanager
def compiled_programs(root: Path, precision: str) -> Iterator[None]:
    """Lets JAX keep programs while the block computes with the cache at `root`, unless the user has chosen a folder for it."""
    folder = next((folder for folder in _candidates(root) if _makes_private(folder)), None)
    if folder and not compiles_to(folder):
        check_programs(folder, unfinished=True)
    set_up_jax(folder, precision)
    try:
        yield
    finally:
        if folder and compiles_to(folder):
            _add_checksums(folder)


def programs_folders(root: Path) -> list[Path]:
    """Where programs that were compiled with the cache at `root` may be, as far as there are any."""
    elsewhere = () if _only_we_write(root) else _candidates(root)
    return [folder for folder in dict.fromkeys([root / "xla", *elsewhere]) if _is_ours(folder)]


def programs(folder: Path) -> list[Path]:
    """The programs in a folder."""
    return [path for path in sorted(folder.glob("*-cache")) if path.is_file()]


def check_programs(folder: Path, *, unfinished: bool = False) -> list[str]:
    """Removes the programs that are not as their checksums say; a sentence for each.

    With `unfinished`, those without a checksum go, too: their process was killed, or has just written them.
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


def _add_checksums(folder: Path) -> None:
    for path in programs(folder):
        checksum = _beside(path)
        if not checksum.exists():
            temporary = folder / f".{os.getpid()}.tmp"
            with suppress(OSError):  # without one it is compiled again
                temporary.write_bytes(_digest(path))
                publish(temporary, checksum)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _CHECKSUM)


def _digest(path: Path) -> bytes:
    """Of the program's name, too, so that one is not taken for another."""
    return hashlib.sha256(path.name.encode() + b"\0" + path.read_bytes()).hexdigest().encode()


def _candidates(root: Path) -> Iterator[Path]:
    """The folders to try: in the cache, in the user's own cache, among the temporary files."""
    if _only_we_write(root):
        yield root / "xla"
    for own in (own_cache_folder, temporary_cache_folder):
        with suppress(StoreError):
            yield own() / "xla"


def _only_we_write(root: Path) -> bool:
    """Whether nobody but this user, and root, may put another folder in the place of this one."""
    try:
        found = [path.stat() for path in (root.resolve(), *root.resolve().parents)]
    except OSError:
        return False
    ours = all(status.st_uid in (0, os.geteuid()) for status in found)
    return ours and not any(status.st_mode & SHARED and not status.st_mode & stat.S_ISVTX for status in found)


def _makes_private(folder: Path) -> bool:
    try:
        return make_private(folder) and os.access(folder, os.W_OK)
    except OSError:
        return False


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder of this user; not so where this user may not look, as under the home of another."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
