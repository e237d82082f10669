"""Running a sweep: the graph of all variants as one run, whose folder gets the results and contact sheets besides."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stylepipe.engine.contact_sheet import write_sheets
from stylepipe.engine.events import Event, Line, Observer, RunStarted, StageCached, StageEmitted, StageStarted
from stylepipe.engine.merge import SweepJob
from stylepipe.engine.records import load_run
from stylepipe.engine.results import SweepResults, results_of, write_results
from stylepipe.engine.runner import run
from stylepipe.engine.spool import progress_line
from stylepipe.engine.store import Store
from stylepipe.errors import InputError, StageError, WeightsError
from stylepipe.stage import Progress


@dataclass(frozen=True)
class SweepResult:
    """A sweep that came to its end: its folder, and what became of each variant."""

    folder: Path
    results: SweepResults


def run_sweep(
    sweep: SweepJob,
    *,
    store: Store,
    outputs: Path,
    keep_going: bool = True,
    observe: Observer = lambda event: None,
    command: Sequence[str] = (),
) -> SweepResult:
    """Computes what is not in the store, each stage once, and leaves one folder as `run` does, for all variants.

    A stage that fails takes with it the variants that need it; unless the sweep is to keep going, it ends there. What was
    computed is in the store, so that a sweep that was killed goes on when it is run again. Raises Interrupted and StoreError
    as `run` does.
    """
    watch = _Watch(observe)
    try:
        folder = run(sweep.job, store=store, outputs=outputs, keep_going=keep_going, observe=watch, command=command).folder
    except (StageError, InputError, WeightsError):
        folder = watch.folder
    results = results_of(sweep, load_run(folder), watch.losses)
    results = results.model_copy(update={"sheets": write_sheets(results, folder)})
    write_results(results, folder)
    return SweepResult(folder, results)


class _Watch:
    """Hands events on, and keeps of them the run's folder and the last losses of each stage."""

    def __init__(self, observe: Observer) -> None:
        self.folder = Path()
        self.losses: dict[str, Line] = {}
        self._observe = observe

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(folder):
                self.folder = folder
            case StageCached(stage, earlier) | StageStarted(stage, _, earlier):
                self._keep(stage, earlier[-1:])
            case StageEmitted(stage, Progress() as progress):
                self._keep(stage, [progress_line(progress)])
        self._observe(event)

    def _keep(self, stage: str, lines: Sequence[Line]) -> None:
        self.losses.update((stage, line) for line in lines if line["loss"] is not None)
