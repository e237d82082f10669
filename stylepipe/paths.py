"""Checks on paths from users and untrusted files: only regular files are opened, and only plain names are written.

Opening a named pipe waits for its other end; reading a device may never end and may have side effects.
"""

import errno
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_READING = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"))
"""The flags to open a file with for reading; POSIX has the first two besides O_RDONLY, Windows the last."""

_FORBIDDEN = frozenset('<>:"|?*')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$)\s*(\..*)?", re.IGNORECASE)


def exists(path: Path) -> bool:
    """Returns whether a path exists, as far as this user can see.

    For paths below a folder without access, and for names that are too long, this and the next two return False, where
    pathlib's methods raise before Python 3.14. Reading the file reports the reason.
    """
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Returns whether the path is a regular file, as far as this user can see."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Returns whether the path is a folder, as far as this user can see."""
    return os.path.isdir(path)  # noqa: PTH112


def require_regular(path: Path) -> None:
    """Raises OSError, whose `strerror` names the reason, unless the path is a regular file or a link to one."""
    try:
        status = path.stat()
    except ValueError as error:  # a zero byte, or characters that the file system's encoding lacks
        raise OSError(errno.EINVAL, "no file can have this name here", str(path)) from error
    _require_regular(status, path)


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading without blocking. Raises as `require_regular` does."""
    require_regular(path)  # opening a device can have side effects
    descriptor = os.open(path, _READING)
    try:
        _require_regular(os.fstat(descriptor), path)  # it may have been replaced since
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def is_own(status: os.stat_result) -> bool:
    """Returns whether a file belongs to this user; true for all files where users have no numbers, as on Windows."""
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def name_reason(name: str) -> str | None:
    """Returns why a text is not a plain file name on every system, as a clause; None when it is one."""
    if name in ("", ".", ".."):
        return "it is no name of a file"
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        return "it holds a control character"
    if "/" in name or "\\" in name:
        return "it names a folder"
    if reserved := sorted(_FORBIDDEN.intersection(name)):
        return f"it holds '{reserved[0]}', which Windows does not allow in names"
    if name[-1] in ". ":
        return "it ends in a dot or a space, which not every system keeps"
    if _RESERVED.fullmatch(name):
        return "it is the name of a device on Windows"
    return None


def _require_regular(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
