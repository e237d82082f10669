"""Failure policy: abort, or skip everything downstream of a failure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stylepipe.engine.events import EngineNote, Observer, StageFailed
from stylepipe.engine.runs.records import Status
from stylepipe.engine.runs.run_folder import RunFolder
from stylepipe.errors import FAILURES, StageError


class Failures:
    """The failed inputs and stages of a run; `last_frame` is the last preview of the stage that failed last."""

    def __init__(self, folder: RunFolder, observe: Observer, *, keep_going: bool) -> None:
        self.last_frame: bytes | None = None
        self._folder = folder
        self._observe = observe
        self._keep_going = keep_going
        self._failed: set[str] = set()

    @property
    def status(self) -> Status:
        """The final status of a run that was not aborted."""
        return "failed" if self._failed else "done"

    @contextmanager
    def record(self, name: str) -> Iterator[None]:
        """Records a failure of an input or stage in the block if the run keeps going; otherwise the error aborts the run."""
        try:
            try:
                yield
            except MemoryError as error:  # while reading an input or storing a result
                hint = "Use smaller pictures, or free some memory."
                raise StageError(f"'{name}' needs more memory than is available.", hint=hint) from error
        except FAILURES as error:
            if not self._keep_going:
                raise
            self._failed.add(name)
            self._folder.add_failure(error, name, self.last_frame)
            self.last_frame = None
            self._observe(StageFailed(name, error.message))

    def skip(self, name: str, needs: Sequence[str]) -> bool:
        """Skips a stage if one of its inputs failed, and reports that; returns whether it did."""
        missing = next((needed for needed in needs if needed in self._failed), None)
        if missing:
            self._failed.add(name)
            self._observe(EngineNote(f"It is skipped, because it needs '{missing}'.", name))
        return missing is not None
