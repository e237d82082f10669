"""Locates stylepipe's cache folder, and expands home folders in paths."""

import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from stylepipe.errors import StoreError
from stylepipe.paths import is_own


def cache_folder() -> Path:
    """Returns $STYLEPIPE_CACHE, or else the user's cache folder: results, weights, compiled programs. Raises StoreError."""
    named = os.environ.get("STYLEPIPE_CACHE")
    if not named:
        return own_cache_folder()
    if (expanded := expand_home(named)).startswith("~"):
        raise StoreError(f"STYLEPIPE_CACHE names '{named}', and the home folder is not known.", hint="Write its whole path.")
    return Path(expanded)


def expand_home(path: str) -> str:
    """Returns a path with a leading `~` or `~user` expanded; unchanged where there is none.

    Shells do not expand it in --outputs=~/x, inside quotes, or in environment files.
    """
    return os.path.expanduser(path)  # noqa: PTH111 (Path's method raises without a home folder)


def own_cache_folder() -> Path:
    """Returns the user's cache folder for stylepipe, or a temporary folder for a user without a home. Raises StoreError."""
    try:
        homeless = Path.home() == Path()  # $HOME may be empty
    except RuntimeError:  # no $HOME, and no passwd entry: a container, a service
        homeless = True
    if homeless and not os.environ.get("XDG_CACHE_HOME"):
        return temporary_cache_folder()
    return platformdirs.user_cache_path("stylepipe", appauthor=False)


def temporary_cache_folder() -> Path:
    """Returns a temporary folder that only this user can read and write. Raises StoreError where there is none."""
    try:
        user = f"-{os.geteuid()}" if hasattr(os, "geteuid") else ""  # on Windows each user has a temporary folder
        folder = Path(tempfile.gettempdir()) / f"stylepipe{user}"
        private = make_private(folder)
    except OSError as error:
        reason = f"'{error.filename}' cannot be made: {error.strerror}" if error.filename else error.strerror
        raise StoreError(f"The cache folder cannot be created: {reason}.", hint="Set STYLEPIPE_CACHE to a folder.") from error
    if not private:
        raise StoreError(f"'{folder}' belongs to another user.", hint="Delete it, or set STYLEPIPE_CACHE to another folder.")
    return folder


def make_private(folder: Path) -> bool:
    """Creates a folder if needed, and returns whether it belongs to this user and nobody else can enter it. Raises OSError."""
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or not is_own(status):
        return False
    if stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    return True
