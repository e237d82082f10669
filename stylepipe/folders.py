"""Where stylepipe keeps on this machine what can be made or fetched again."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder that $STYLEPIPE_CACHE names, or stylepipe's own among the user's caches: results, weights, programs."""
    return Path(os.environ.get("STYLEPIPE_CACHE") or platformdirs.user_cache_path("stylepipe", appauthor=False))
