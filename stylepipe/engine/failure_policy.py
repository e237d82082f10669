"""Failure policy: abort, or skip everything downstream of a failure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stylepipe.engine.events import EngineNote, Observer, StageFailed
from stylepipe.engine.runs.records import Status
from stylepipe.engine.runs.run_folder import RunFolder
from stylepipe.errors import FAILURES, StageError


class Failures:
    """The failed inputs and stages of a run; `last_frame` is the last preview of the stage that failed last."""

    def __init__(self, folder: RunFolder, tell: Observer, *, keep_going: bool) -> None:
        self.last_frame: bytes | None = None
        self._folder = folder
        self._tell = tell
        self._keep_going = keep_going
        self._without: set[str] = set()

    @property
    def status(self) -> Status:
        """The final status of a run that was not aborted."""
        return "failed" if self._without else "done"

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """Records the failure of an input or stage in the block if the run keeps going; otherwise the error aborts the run."""
        try:
            try:
                yield
            except MemoryError as error:  # while reading an input or storing a result
                hint = "Use smaller pictures, or free some memory."
                raise StageError(f"'{name}' needs more memory than is available.", hint=hint) from error
        except FAILURES as error:
            if not self._keep_going:
                raise
            self._without.add(name)
            self._folder.go_on_after(error, name, self.last_frame)
            self.last_frame = None
            self._tell(StageFailed(name, error.message))

    def rule_out(self, name: str, needs: Sequence[str]) -> bool:
        """Returns whether a stage must be skipped because one of its inputs failed; reports it."""
        missing = next((needed for needed in needs if needed in self._without), None)
        if missing:
            self._without.add(name)
            self._tell(EngineNote(f"It is skipped, because it needs '{missing}'.", name))
        return missing is not None
