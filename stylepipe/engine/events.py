"""What a run tells while it goes on: to its log, and to whoever watches it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from stylepipe.stage import Note, Progress

Line = Mapping[str, Any]
"""A `Progress` as plain JSON: done, total, loss, terms."""


Loss = FiniteFloat | Literal["inf", "-inf", "nan"] | None
"""As logs have it: text where it was not finite, for which JSON has no number."""


class ProgressLine(BaseModel):
    """A `Line` as it is read back, whoever wrote it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    done: int = Field(0, ge=0, le=10**15)
    total: int = Field(0, ge=0, le=10**15)
    loss: Loss = None
    terms: Mapping[str, Loss] = {}

    def line(self) -> Line:
        """The line as plain data."""
        return {"done": self.done, "total": self.total, "loss": self.loss, "terms": self.terms}


class LogLine(ProgressLine):
    """A line of a run's log as it is read back; the fields that an event has not are empty."""

    time: float = Field(ge=0, le=1e10, allow_inf_nan=False)
    event: str
    stage: str | None = None
    stages: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class RunStarted:
    """A run begins: its folder, and the stages in the order in which they come."""

    folder: Path
    stages: tuple[str, ...]


@dataclass(frozen=True)
class StageCached:
    """A stage's result was there already; `earlier` has a line for each iteration that was logged when it was computed."""

    stage: str
    earlier: Sequence[Line] = ()


@dataclass(frozen=True)
class StageStarted:
    """A stage begins to compute, for these reasons; `earlier` has a line for each iteration that a stopped run has done."""

    stage: str
    reasons: tuple[str, ...]
    earlier: Sequence[Line] = ()


@dataclass(frozen=True)
class StageEmitted:
    """What a stage says of itself while it runs."""

    stage: str
    event: Progress | Note


@dataclass(frozen=True)
class PreviewSaved:
    """A preview of a stage that runs is in the work folder of that key, under that number."""

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
    """A stage, or the reading of an input, failed in a run that goes on without it."""

    stage: str
    message: str


@dataclass(frozen=True)
class EngineNote:
    """Something the user should know although nothing failed; it concerns `stage`, or the whole run."""

    text: str
    stage: str | None = None


@dataclass(frozen=True)
class RunEnded:
    """A run ends: done, failed or interrupted."""

    status: str


Event = (
    RunStarted | StageCached | StageStarted | StageEmitted | PreviewSaved | StageFinished | StageFailed | EngineNote | RunEnded
)
Observer = Callable[[Event], None]
