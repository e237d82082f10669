"""Where stylepipe keeps on this machine what can be made or fetched again; home folders in paths."""

import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from stylepipe.errors import StoreError


def cache_folder() -> Path:
    """The folder that $STYLEPIPE_CACHE names, or else the user's own cache: results, weights, programs. Raises StoreError."""
    named = os.environ.get("STYLEPIPE_CACHE")
    if not named:
        return own_cache_folder()
    if (expanded := expand_home(named)).startswith("~"):
        raise StoreError(f"STYLEPIPE_CACHE names '{named}', and the home folder is not known.", hint="Write its whole path.")
    return Path(expanded)


def expand_home(path: str) -> str:
    """A path with the home folder in place of a leading `~` or `~user`; unchanged where there is none.

    Shells do not expand it in --outputs=~/x, inside quotes, nor in environment files.
    """
    return os.path.expanduser(path)  # noqa: PTH111 (that of Path raises where there is no home)


def own_cache_folder() -> Path:
    """stylepipe's folder among the user's caches, or where a user has no home, among the temporary files. Raises StoreError."""
    try:
        homeless = Path.home() == Path()  # $HOME may be empty
    except RuntimeError:  # no $HOME, and no entry in the list of users: a container, a service
        homeless = True
    if homeless and not os.environ.get("XDG_CACHE_HOME"):
        return temporary_cache_folder()
    return platformdirs.user_cache_path("stylepipe", appauthor=False)


def temporary_cache_folder() -> Path:
    """A folder among the temporary files that this user alone may read and write. Raises StoreError where it is not."""
    try:
        folder = Path(tempfile.gettempdir()) / f"stylepipe-{os.geteuid()}"
        private = make_private(folder)
    except OSError as error:
        reason = f"'{error.filename}' cannot be made: {error.strerror}" if error.filename else error.strerror
        raise StoreError(f"There is no folder for a cache: {reason}.", hint="Let STYLEPIPE_CACHE name one.") from error
    if not private:
        raise StoreError(f"'{folder}' is not this user's alone.", hint="Delete it, or let STYLEPIPE_CACHE name another folder.")
    return folder


def make_private(folder: Path) -> bool:
    """Makes a folder unless it is there; whether it is this user's own, and no one else may enter it. Raises OSError."""
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return False
    if stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    return True
