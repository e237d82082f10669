"""Reads a run's log: each stage's iterations, notes and status."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from stylepipe.engine.events import Line, LogLine
from stylepipe.engine.runs.records import EVENTS
from stylepipe.paths import open_regular

MAX_BYTES = 500_000_000


@dataclass
class StageHistory:
    """A stage in the log: a line for each iteration, including those of an earlier run, and its notes."""

    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class History:
    """A run's log: its length, the stages to run in order, the started ones by name, and notes on the whole run."""

    seconds: float = 0.0
    planned: Sequence[str] = ()
    stages: dict[str, StageHistory] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_history(folder: Path) -> History:
    """Reads the log of a run, as much as `MAX_BYTES` of it.

    Lines that cannot be read are left out: a killed process may have written the last one in part. Raises OSError.
    """
    history = History()
    with open_regular(folder / EVENTS) as file:
        for text in file.read(MAX_BYTES).splitlines():
            with suppress(ValidationError):
                _add(history, LogLine.model_validate_json(text))
    return history


def _add(history: History, line: LogLine) -> None:
    stage = line.stage
    history.seconds = line.time
    match line.event:
        case "run started":
            history.planned = line.stages
        case "stage started" | "stage cached" if stage is not None:
            history.stages[stage] = StageHistory()  # a stage that is computed again starts over
        case "progress" if stage in history.stages:
            history.stages[stage].lines.append(line.line())
        case "note" if stage in history.stages:
            history.stages[stage].notes.append(line.text)
        case "note":
            history.notes.append(f"{stage}: {line.text}" if stage else line.text)
