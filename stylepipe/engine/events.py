"""The events that a run reports to its log and to observers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from stylepipe.models import StoredModel
from stylepipe.stage import Note, Progress

Line = Mapping[str, Any]
"""A `Progress` as plain JSON: done, total, loss, terms."""


Loss = FiniteFloat | Literal["inf", "-inf", "nan"] | None
"""A loss in a log: a string where it is not finite, because JSON has no such numbers."""


class ProgressLine(StoredModel):
    """A `Line` read from a file; validated, because the file may come from anywhere."""

    done: int = Field(0, ge=0, le=10**15)
    total: int = Field(0, ge=0, le=10**15)
    loss: Loss = None
    terms: Mapping[str, Loss] = {}

    def line(self) -> Line:
        """Returns the line as plain data."""
        return {"done": self.done, "total": self.total, "loss": self.loss, "terms": self.terms}


class LogLine(ProgressLine):
    """A line of a run's log; fields that its event lacks are empty."""

    time: float = Field(ge=0, le=1e10, allow_inf_nan=False)
    event: str
    stage: str | None = None
    stages: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class RunStarted:
    """A run starts: its folder, and its stages in order."""

    folder: Path
    stages: tuple[str, ...]


@dataclass(frozen=True)
class StageCached:
    """A stage's result was cached; `earlier` has a line for each iteration logged when it was computed."""

    stage: str
    earlier: Sequence[Line] = ()


@dataclass(frozen=True)
class StageStarted:
    """A stage starts to compute, for these reasons; `earlier` has a line for each iteration of an interrupted run."""

    stage: str
    reasons: tuple[str, ...]
    earlier: Sequence[Line] = ()


@dataclass(frozen=True)
class StageEmitted:
    """A stage emitted progress or a note."""

    stage: str
    event: Progress | Note


@dataclass(frozen=True)
class PreviewSaved:
    """A preview of a running stage was saved in the work folder of that key, under that number."""

    stage: str
    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    number: Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class StageFinished:
    """A stage was computed and stored."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class StageFailed:
    """A stage, or the reading of an input, failed in a run that continues without it."""

    stage: str
    message: str


@dataclass(frozen=True)
class EngineNote:
    """A message for the user that is not an error; it concerns `stage`, or the whole run."""

    text: str
    stage: str | None = None


@dataclass(frozen=True)
class RunEnded:
    """A run ended: done, failed or interrupted."""

    status: str


Event = (
    RunStarted | StageCached | StageStarted | StageEmitted | PreviewSaved | StageFinished | StageFailed | EngineNote | RunEnded
)
Observer = Callable[[Event], None]
