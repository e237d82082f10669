"""Runs a sweep: the merged graph as one run, whose folder also gets the results and contact sheets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stylepipe.engine.cache.store import Store
from stylepipe.engine.events import Event, Line, Observer, RunEnded, RunStarted, StageCached, StageEmitted, StageStarted
from stylepipe.engine.execution.spool import progress_line
from stylepipe.engine.runner import run
from stylepipe.engine.runs.records import load_run
from stylepipe.engine.runs.run_folder import add_note
from stylepipe.engine.sweeps.contact_sheet import write_sheets
from stylepipe.engine.sweeps.merge import SweepJob
from stylepipe.engine.sweeps.results import Measure, Measured, SweepResults, results_of, write_results
from stylepipe.engine.workers.scheduler import Workers
from stylepipe.errors import FAILURES, StoreError, reason_of
from stylepipe.stage import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class SweepResult:
    """A finished sweep: its folder, and the results of each variant."""

    folder: Path
    results: SweepResults


def run_sweep(
    sweep: SweepJob,
    *,
    store: Store,
    outputs: Path,
    keep_going: bool = True,
    observe: Observer = lambda event: None,
    measure: Measure = lambda record, folder: Measured(),
    command: Sequence[str] = (),
    workers: Workers | None = None,
) -> SweepResult:
    """Computes what is not cached, each stage once, and writes one folder, as `run` does, for all variants.

    A failed stage fails the variants that need it; without `keep_going` the sweep ends there. Results are stored as they are
    computed, so that a killed sweep resumes when it is run again. At the end `measure` measures the results, and contact sheets
    are drawn, unless the user stopped the sweep. Raises Interrupted and StoreError as `run` does.
    """
    observer = _SweepObserver(sweep, observe, measure)
    try:
        run(sweep.job, store=store, outputs=outputs, keep_going=keep_going, observe=observer, command=command, workers=workers)
    except FAILURES:
        if not observer.has_started:
            raise
    return observer.result()


class _SweepObserver:
    """Forwards events, records the last losses of each stage, and writes the results when the run ends in any way."""

    def __init__(self, sweep: SweepJob, observe: Observer, measure: Measure) -> None:
        self._folder = Path()
        self._results: SweepResults | None = None
        self._sweep = sweep
        self._losses: dict[str, Line] = {}
        self._observe = observe
        self._measure = measure

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(folder):
                self._folder = folder
            case StageCached(stage, earlier) | StageStarted(stage, _, earlier):
                self._keep(stage, earlier[-1:])
            case StageEmitted(stage, Progress() as progress):
                self._keep(stage, [progress_line(progress)])
            case RunEnded(status):
                self._end(status)
        self._observe(event)

    @property
    def has_started(self) -> bool:
        """Whether there is a folder, whose results record failures."""
        return self._folder != Path()

    def result(self) -> SweepResult:
        """Returns the sweep's result. Raises StoreError when it could not be written."""
        if self._results is None:
            raise StoreError(f"The results of the sweep in '{self._folder}' could not be written.", hint="Make room there.")
        return SweepResult(self._folder, self._results)

    def _end(self, status: str) -> None:
        """Writes the results twice: as soon as the record is written, and with measurements and contact sheets."""
        record = load_run(self._folder)
        self._write(results_of(self._sweep, record, self._losses, Measured()))
        if status == "interrupted":
            return
        measured = self._attempted("The results are not measured", lambda: self._measure(record, self._folder), Measured())
        for text in measured.notes:
            self._note(text)
        results = results_of(self._sweep, record, self._losses, measured)
        sheets = self._attempted("There is no contact sheet", lambda: write_sheets(results, self._folder), ())
        self._write(results.model_copy(update={"sheets": sheets}))

    def _write(self, results: SweepResults) -> None:
        write_results(results, self._folder)
        self._results = results

    def _attempted(self, failed: str, attempt: Callable[[], T], otherwise: T) -> T:
        """Returns the attempt's result; on an error, which must not cost the results, adds a note and returns `otherwise`."""
        try:
            return attempt()
        except Exception as error:
            self._note(f"{failed}: {reason_of(error).rstrip('.')}.")
            return otherwise

    def _note(self, text: str) -> None:
        self._observe(add_note(self._folder, text))

    def _keep(self, stage: str, lines: Sequence[Line]) -> None:
        self._losses.update((stage, line) for line in lines if line["loss"] is not None)
