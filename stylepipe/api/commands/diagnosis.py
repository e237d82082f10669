"""Checks the installation: the function behind `stylepipe doctor` and `stylepipe.doctor`."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stylepipe.api.extensions import extension_problems, function_problems
from stylepipe.api.sources.jobs import open_store_to_run
from stylepipe.engine.cache.store import Store
from stylepipe.engine.environment import environment
from stylepipe.errors import StylepipeError
from stylepipe.hardware import memory_limits
from stylepipe.hardware.devices import jax_backend
from stylepipe.neural.weights.catalog import find, list_weights
from stylepipe.neural.weights.catalog_entries import weights_catalog
from stylepipe.paths import exists
from stylepipe.plugins import stage_modules

LEAST_FREE = 10**9


@dataclass(frozen=True)
class Installation:
    """What is installed on this machine, and its `problems`, each with a fix.

    `environment` has versions, device and threads by name; `memory` and `cache_free` are in bytes. New results are kept in the
    folder `cache`; they are taken from `read_only_cache`, too, if there is one. `weights` are files by name, or None.
    """

    environment: Mapping[str, str | int]
    memory: int
    cache: Path
    cache_free: int
    read_only_cache: Path | None
    weights: Mapping[str, Path | None]
    stages: tuple[str, ...]
    problems: tuple[StylepipeError, ...]


def doctor(*, cache: str | Path | None = None) -> Installation:
    """Checks the installation: devices, weights, extensions, and the cache folder. Raises StoreError for an unusable cache."""
    store = open_store_to_run(cache)
    problems = tuple(_problems(store))
    return Installation(
        environment=environment(),
        memory=memory_limits.physical(),
        cache=store.root,
        cache_free=_free(store.root),
        read_only_cache=store.read_only,
        weights=list_weights(),
        stages=tuple(sorted(stage_modules())),
        problems=problems,
    )


def _problems(store: Store) -> Iterator[StylepipeError]:
    """Yields the problems of this installation, each with a fix."""
    checks: list[Callable[[], object]] = [partial(_check_cache, store), _check_devices, _check_weights]
    for check in checks:
        try:
            check()
        except StylepipeError as error:
            yield error
    yield from extension_problems()
    yield from function_problems()


def _check_cache(store: Store) -> None:
    with store.session():
        pass
    if _free(store.root) < LEAST_FREE:
        raise StylepipeError(
            f"There is less than {LEAST_FREE / 1e9:.0f} GB of space left for the cache.",
            hint="'stylepipe cache gc --days 30' removes results that were not used for a month.",
        )


def _check_devices() -> None:
    if jax_backend() == "cpu" and Path("/dev/nvidia0").exists() and "JAX_PLATFORMS" not in os.environ:
        raise StylepipeError(
            "There is an NVIDIA GPU, and JAX computes on the CPU.",
            hint="Install stylepipe with its extra 'cuda', or set JAX_PLATFORMS=cpu if that is meant.",
        )


def _check_weights() -> None:
    for name, entry in weights_catalog().entries.items():
        if not entry.published:
            find(name)


def _free(folder: Path) -> int:
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if exists(path))).free
