"""What a run's log tells of each stage: its iterations, its notes, and how far it came."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stylepipe.engine.events import Line
from stylepipe.engine.records import EVENTS


@dataclass
class StageHistory:
    """A stage in the log: a line for each iteration, those of an earlier run too, and what was noted."""

    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class History:
    """A run's log: how long it is; the stages that were to run, in order; those that began, by name; notes on the whole run."""

    seconds: float = 0.0
    planned: Sequence[str] = ()
    stages: dict[str, StageHistory] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_history(folder: Path) -> History:
    """Reads the log of a run. A last line that a killed process wrote in part is left out. Raises OSError."""
    history = History()
    for text in (folder / EVENTS).read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        _add(history, line)
    return history


def _add(history: History, line: Line) -> None:
    stage = line.get("stage")
    history.seconds = line["time"]
    match line["event"]:
        case "run started":
            history.planned = line["stages"]
        case "stage started" | "stage cached" if stage is not None:
            history.stages[stage] = StageHistory()  # a stage that is done again begins anew
        case "progress" if stage in history.stages:
            history.stages[stage].lines.append(line)
        case "note" if stage in history.stages:
            history.stages[stage].notes.append(line["text"])
        case "note":
            history.notes.append(f"{stage}: {line['text']}" if stage else line["text"])
