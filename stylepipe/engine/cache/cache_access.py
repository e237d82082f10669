"""Opens a cache folder with the permissions of this user; a read-only one is usable too."""

import os
from pathlib import Path

from stylepipe.cache_folder import own_cache_folder, temporary_cache_folder
from stylepipe.engine.cache.atomic_files import CACHE_HINT, permits
from stylepipe.engine.cache.sessions import GATE
from stylepipe.engine.cache.store import FOLDERS, Store
from stylepipe.errors import StoreError
from stylepipe.paths import exists


def open_cache(root: Path) -> Store:
    """Returns the store in a folder, which may be missing.

    Raises StoreError when it is not a folder, cannot be read, or has another program's folders under the names of a store's.
    """
    if reason := _unusable(root):
        raise StoreError(f"The cache '{root}' cannot be used: {reason}.", hint=CACHE_HINT)
    if foreign := _foreign_folder(root):
        reason = f"'{foreign}' in it is not stylepipe's"
        raise StoreError(f"'{root}' is not a cache of stylepipe: {reason}.", hint="Choose an empty folder, or a new one.")
    return Store(root)


def open_cache_to_run(root: Path) -> Store:
    """Opens a cache as `open_cache` does; for a read-only folder with results, new ones go to the user's own cache."""
    store = open_cache(root)
    if may_write(root) or not (exists(root) and any(root.glob("actions/*/*"))):
        return store
    own = own_cache_folder()
    return Store(own if own != root and may_write(own) else temporary_cache_folder(), read_only=root)


def may_write(root: Path) -> bool:
    """Returns whether this user may add results to a cache folder; checks the parts that exist."""
    while not exists(root):
        root = root.parent
    folders = [root, *map(root.joinpath, FOLDERS), *root.glob("actions/*/"), *root.glob("objects/*/")]
    return all(permits(folder, os.W_OK | os.X_OK) for folder in folders if exists(folder))


def _unusable(root: Path) -> str | None:
    if not os.path.lexists(root):
        return None
    if not exists(root):
        return "it is a link to a missing folder"
    if not root.is_dir():
        return "it is not a folder"
    return None if permits(root, os.R_OK | os.X_OK) else "it cannot be read"


def _foreign_folder(root: Path) -> str | None:
    """Returns the name of a non-empty folder that a store would use, in a folder that never was a store.

    Garbage collection removes unreferenced files, which must not hit another program's `objects` or `work`.
    """
    if not exists(root) or os.path.lexists(root / GATE) or any(root.glob("actions/??/*.action")):
        return None
    return next((name for name in (*FOLDERS, "quarantine") if any((root / name).glob("*"))), None)
