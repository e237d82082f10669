"""Opening a cache folder with the permissions that this user has there: one that can only be read serves, too."""

import os
from pathlib import Path

from stylepipe.cache_folder import own_cache_folder, temporary_cache_folder
from stylepipe.engine.cache.atomic_files import CACHE_HINT, permits
from stylepipe.engine.cache.sessions import GATE
from stylepipe.engine.cache.store import FOLDERS, Store
from stylepipe.errors import StoreError
from stylepipe.paths import exists


def open_cache(root: Path) -> Store:
    """The store in a folder, which need not be there yet.

    Raises StoreError when it is no folder, may not be read, or holds folders of other programs where a store has its own.
    """
    if reason := _unusable(root):
        raise StoreError(f"The cache '{root}' cannot be used: {reason}.", hint=CACHE_HINT)
    if foreign := _foreign_folder(root):
        reason = f"'{foreign}' in it is not stylepipe's"
        raise StoreError(f"'{root}' is not a cache of stylepipe: {reason}.", hint="Name an empty folder, or a new one.")
    return Store(root)


def open_cache_to_run(root: Path) -> Store:
    """As `open_cache`; beside a folder that holds results and may not be written, new ones go to a cache of the user's own."""
    store = open_cache(root)
    if may_write(root) or not (exists(root) and any(root.glob("actions/*/*"))):
        return store
    own = own_cache_folder()
    return Store(own if own != root and may_write(own) else temporary_cache_folder(), read_only=root)


def may_write(root: Path) -> bool:
    """Whether this user may add results to a cache folder, as far as it is there."""
    while not exists(root):
        root = root.parent
    folders = [root, *map(root.joinpath, FOLDERS), *root.glob("actions/*/"), *root.glob("objects/*/")]
    return all(permits(folder, os.W_OK | os.X_OK) for folder in folders if exists(folder))


def _unusable(root: Path) -> str | None:
    if not os.path.lexists(root):
        return None
    if not exists(root):
        return "it is a link to a folder that is not there"
    if not root.is_dir():
        return "it is not a folder"
    return None if permits(root, os.R_OK | os.X_OK) else "it may not be read"


def _foreign_folder(root: Path) -> str | None:
    """A folder with files in it that is named as one of a store's, where no store has ever been.

    Looking after a cache removes whatever nothing refers to, which must not be somebody's `objects` or `work`.
    """
    if not exists(root) or os.path.lexists(root / GATE) or any(root.glob("actions/??/*.action")):
        return None
    return next((name for name in (*FOLDERS, "quarantine") if any((root / name).glob("*"))), None)
