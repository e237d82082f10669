"""What becomes of a run in which something fails: it ends there, or it goes on without all that needs what failed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stylepipe.engine.events import EngineNote, Observer, StageFailed
from stylepipe.engine.runs.records import Status
from stylepipe.engine.runs.run_folder import RunFolder
from stylepipe.errors import FAILURES, StageError


class Failures:
    """The inputs and stages of a run that failed; `last_frame` is the last preview of the one that failed last."""

    def __init__(self, folder: RunFolder, tell: Observer, *, keep_going: bool) -> None:
        self.last_frame: bytes | None = None
        self._folder = folder
        self._tell = tell
        self._keep_going = keep_going
        self._without: set[str] = set()

    @property
    def status(self) -> Status:
        """How a run ends that has come to its end."""
        return "failed" if self._without else "done"

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """Notes that an input or a stage fails in the block, where the run is to keep going; else that ends the run."""
        try:
            try:
                yield
            except MemoryError as error:  # while an input is read, or a result stored
                hint = "Use smaller pictures, or free some memory."
                raise StageError(f"'{name}' needs more memory than there is.", hint=hint) from error
        except FAILURES as error:
            if not self._keep_going:
                raise
            self._without.add(name)
            self._folder.go_on_after(error, name, self.last_frame)
            self.last_frame = None
            self._tell(StageFailed(name, error.message))

    def rule_out(self, name: str, needs: Sequence[str]) -> bool:
        """Whether a stage cannot run, since something that it needs is missing; says so."""
        missing = next((needed for needed in needs if needed in self._without), None)
        if missing:
            self._without.add(name)
            self._tell(EngineNote(f"It does not run, because it needs '{missing}'.", name))
        return missing is not None
