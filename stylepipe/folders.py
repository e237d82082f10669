"""Where stylepipe keeps on this machine what can be made or fetched again; home folders in paths."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder that $STYLEPIPE_CACHE names, or stylepipe's own among the user's caches: results, weights, programs."""
    own = os.environ.get("STYLEPIPE_CACHE")
    return Path(expand_home(own) if own else platformdirs.user_cache_path("stylepipe", appauthor=False))


def expand_home(path: str) -> str:
    """A path with the home folder in place of a leading `~` or `~user`; unchanged where there is none.

    Shells do not expand it in --outputs=~/x, inside quotes, nor in environment files.
    """
    return os.path.expanduser(path)  # noqa: PTH111 (that of Path raises where there is no home)
