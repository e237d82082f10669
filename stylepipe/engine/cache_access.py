"""Opening a cache folder with the permissions that this user has there: one that can only be read serves, too."""

import os
from pathlib import Path

from stylepipe.engine.files import CACHE_HINT, exists, permits
from stylepipe.engine.store import FOLDERS, Store
from stylepipe.errors import StoreError
from stylepipe.folders import own_cache_folder, temporary_cache_folder


def open_cache(root: Path) -> Store:
    """The store in a folder, which need not be there yet. Raises StoreError when it is no folder, or may not be read."""
    if reason := _unusable(root):
        raise StoreError(f"The cache '{root}' cannot be used: {reason}.", hint=CACHE_HINT)
    return Store(root)


def open_cache_to_run(root: Path) -> Store:
    """As `open_cache`; beside a folder that holds results and may not be written, new ones go to a cache of the user's own."""
    store = open_cache(root)
    if may_write(root) or not any(root.glob("actions/*/*")):
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
