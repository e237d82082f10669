"""Progress on stderr: a bar for the running stage on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.util import find_spec

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from stylepipe.engine.events import (
    EngineNote,
    Event,
    Observer,
    RunStarted,
    StageCached,
    StageEmitted,
    StageFailed,
    StageFinished,
    StageStarted,
)
from stylepipe.errors import reason_of
from stylepipe.escapes import visible_line
from stylepipe.formatting import duration
from stylepipe.stage import Note
from stylepipe.stage import Progress as StageProgress

LINES_PER_STAGE = 10  # progress lines, where there is no terminal
HEARTBEAT_SECONDS = 60.0


class _Terminal(Console):
    """Standard error that ignores a closed stream, where rich would end the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


@contextmanager
def observer(*, quiet: bool) -> Iterator[Observer]:
    """Yields an observer that shows the events of a run."""
    console = _Terminal(stderr=True, highlight=False, quiet=quiet)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}", markup=False),
        TimeRemainingColumn(),
    )
    disable = not (console.is_interactive or console.is_jupyter)
    with Progress(*columns, console=console, transient=True, disable=disable) as bars:
        display = _Display(console, bars)
        with _each_minute(display.heartbeat) if bars.disable and not quiet else nullcontext():
            yield display


@contextmanager
def bars() -> Iterator[Observer]:
    """Yields an observer that shows progress bars in terminals and in notebooks, and nothing elsewhere."""
    console = _Terminal(stderr=True)
    widgets = console.is_jupyter and find_spec("ipywidgets") is not None
    with observer(quiet=not (console.is_interactive or widgets)) as display:
        yield display


@contextmanager
def _each_minute(heartbeat: Callable[[], None]) -> Iterator[None]:
    """Calls a function once a minute from a thread until the block ends."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            heartbeat()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass
class _RunningStage:
    """The state of a running stage: its start, its first iteration, and its last progress."""

    started: float
    first: int
    progress: StageProgress | None = None

    def text(self, now: float) -> str:
        """Formats the progress of the stage and its estimated remaining time."""
        if self.progress is None:
            return f"running for {duration(now - self.started)}"
        done, total = self.progress.done, self.progress.total
        speed = (done - self.first) / (now - self.started)
        remaining = f", about {duration((total - done) / speed)} left" if speed > 0 else ""
        return f"{done}/{total} {_loss(self.progress)}".rstrip() + remaining


class _Display:
    """Shows events as lines, and running stages as bars."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console = console
        self._bars = bars
        self._running: dict[str, TaskID] = {}
        self._labels: dict[str, str] = {}
        self._tenths_shown: dict[str, int] = {}
        self._broken = False
        self._running_stages: dict[str, _RunningStage] = {}

    def __call__(self, event: Event) -> None:
        """Shows an event; after a failure (a closed stderr, a full disk) shows nothing more."""
        if self._broken:
            return
        try:
            self._show(event)
        except Exception as error:
            self._broken = True
            with suppress(Exception):
                self._line(f"Further progress cannot be shown: {reason_of(error)}")

    def _show(self, event: Event) -> None:
        match event:
            case RunStarted(folder, stages):
                self._labels = {name: f"[{number}/{len(stages)}] {visible_line(name)}" for number, name in enumerate(stages, 1)}
                self._line(f"run folder {folder}")
            case StageCached(stage):
                self._line(f"{self._labels[stage]}: cached")
            case StageStarted(stage, reasons, earlier):
                self._remove(stage)  # of a process that was lost
                self._tenths_shown[stage] = 0
                self._running_stages[stage] = _RunningStage(time.monotonic(), earlier[-1]["done"] if earlier else 0)
                why = f"resumes after iteration {earlier[-1]['done']}" if earlier else "; ".join(reasons)
                self._line(f"{self._labels[stage]}: {why}")
                self._running[stage] = self._bars.add_task(self._labels[stage], total=None, loss="")
            case StageEmitted(stage, StageProgress() as progress):
                self._show_progress(stage, progress)
            case StageEmitted(stage, Note(text)) | EngineNote(text, stage):
                self._line(f"{stage or 'run'}: {text}")
            case StageFinished(stage, seconds):
                self._remove(stage)
                self._line(f"{self._labels[stage]}: done in {seconds:.1f} s")
            case StageFailed(stage, message):
                self._remove(stage)
                self._line(f"{self._labels.get(stage, stage)}: failed. {message}")

    def _show_progress(self, stage: str, progress: StageProgress) -> None:
        self._running_stages[stage].progress = progress
        loss = _loss(progress)
        task = next(task for task in self._bars.tasks if task.id == self._running[stage])
        if progress.pictures and task.speed:
            loss += f", {task.speed * progress.pictures:.3g} pictures/s"
        self._bars.update(task.id, completed=progress.done, total=progress.total, loss=loss)
        if (
            self._bars.disable
            and (tenths := progress.done * LINES_PER_STAGE // max(progress.total, 1)) > self._tenths_shown[stage]
        ):
            self._tenths_shown[stage] = tenths
            self._line(f"{self._labels[stage]}: {progress.done}/{progress.total} {loss}".rstrip())

    def heartbeat(self) -> None:
        """Prints a line for each running stage, as a heartbeat for logs."""
        for stage, running in list(self._running_stages.items()):
            self._line(f"{self._labels[stage]}: {running.text(time.monotonic())}")

    def _remove(self, stage: str) -> None:
        self._running_stages.pop(stage, None)
        if stage in self._running:
            self._bars.remove_task(self._running.pop(stage))
            self._bars.refresh()

    def _line(self, text: str) -> None:
        with suppress(OSError):  # progress is optional: the run continues
            self._console.print(visible_line(text), markup=False, soft_wrap=True)


def _loss(progress: StageProgress) -> str:
    return "" if progress.loss is None else f"loss {progress.loss:.4g}"


@contextmanager
def download_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function that shows the received and total bytes of a download."""
    console = _Terminal(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bars:
        bar = bars.add_task(visible_line(name), visible=False)
        yield lambda done, total: bars.update(bar, completed=done, total=total, visible=True)
