"""Past runs: `stylepipe.runs.list()`, `stylepipe.runs.rm("3f9a1c")`."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from stylepipe.api.results.run_results import Run
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, user_path
from stylepipe.engine.cache.atomic_files import output_errors
from stylepipe.engine.runs.records import find_run, list_runs, load_run
from stylepipe.errors import UsageError

__all__ = ["RemovedRuns", "list", "rm"]


@dataclass(frozen=True)
class RemovedRuns:
    """The folders of runs that are removed, and their size in bytes."""

    folders: tuple[Path, ...]
    bytes: int


def list(  # noqa: A001 (the name of the command)
    *, limit: int | None = None, outputs: str | Path = DEFAULT_OUTPUTS, note: Callable[[str], None] = lambda text: None
) -> tuple[Run, ...]:
    """Returns the runs, the newest first, `limit` of them.

    `note` receives a message about each run whose record cannot be read. Raises StoreError for an unreadable folder.
    """
    listed = list_runs(user_path(outputs), unreadable=lambda error: note(f"warning: {error}"))
    return tuple(Run(folder, record) for folder, record in islice(listed, limit))


def rm(
    *runs: str | Path,
    outputs: str | Path = DEFAULT_OUTPUTS,
    confirm: Callable[[RemovedRuns], bool] = lambda removed: True,
) -> RemovedRuns:
    """Removes the folders of runs with their pictures; cached results stay.

    Runs are named by folder, id or the end of the id. `confirm` is asked before anything is removed. Raises UsageError for a
    run in progress, for a folder that does not belong to a run, and where `confirm` says no: then nothing is removed.
    """
    folders = _own_folders(runs, user_path(outputs))
    removed = RemovedRuns(folders, sum(path.lstat().st_size for folder in folders for path in folder.rglob("*")))
    if not confirm(removed):
        raise UsageError("Nothing was removed.")
    for folder in folders:
        with output_errors(folder):
            shutil.rmtree(folder)
    return removed


def _own_folders(runs: Sequence[str | Path], outputs: Path) -> tuple[Path, ...]:
    """Returns the folders of finished runs, each once. Raises UsageError."""
    if "" in runs:
        raise UsageError("A run to remove has no name.", hint="'stylepipe runs' lists them.")
    folders = tuple(dict.fromkeys(find_run(outputs, str(run), by_recipe=False) for run in runs))
    for folder in folders:
        record = load_run(folder)
        if record.status == "running":
            raise UsageError(f"The run '{record.id}' is in progress.", hint="Stop it first, with Ctrl-C.")
        if folder.is_symlink() or folder.resolve().name != record.id:
            raise UsageError(f"'{folder}' is not a run's own folder, '{record.id}'.", hint="Remove it as any other folder.")
    return folders
