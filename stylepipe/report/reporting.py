"""Writes the report of a run when it ends."""

from pathlib import Path

from stylepipe.engine.events import EngineNote, Event, Observer, RunEnded, RunStarted
from stylepipe.errors import reason_of
from stylepipe.report.page import write_report


def reporting(observe: Observer) -> Observer:
    """Passes events on to `observe`, and writes the report when the run ends, also after a failure."""
    folder = Path()

    def pass_on(event: Event) -> None:
        nonlocal folder
        observe(event)
        match event:
            case RunStarted(started, _):
                folder = started
            case RunEnded():
                try:
                    text = f"report {write_report(folder)}"
                except Exception as error:  # the run itself has its result, or another error
                    text = f"There is no report. {reason_of(error)}"
                observe(EngineNote(text))

    return pass_on
