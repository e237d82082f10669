"""Progress on stderr: a bar for the running stage on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

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
from stylepipe.stage import Progress as Iterated

LINES_PER_STAGE = 10  # about its iterations, where there is no terminal
HEARTBEAT_SECONDS = 60.0


class _Terminal(Console):
    """Standard error that ignores a closed stream, where rich would end the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


@contextmanager
def observer(*, quiet: bool) -> Iterator[Observer]:
    """Returns an observer that shows the events of a run."""
    console = _Terminal(stderr=True, highlight=False, quiet=quiet)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bars:
        display = _Display(console, bars)
        with _each_minute(display.beat) if bars.disable and not quiet else nullcontext():
            yield display


@contextmanager
def _each_minute(beat: Callable[[], None]) -> Iterator[None]:
    """Calls a function once a minute from a thread until the block ends."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            beat()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass
class _Pulse:
    """The state of a running stage: its start, its first iteration, and its last progress."""

    began: float
    first: int
    progress: Iterated | None = None

    def text(self, now: float) -> str:
        """Formats the progress of the stage and its estimated remaining time."""
        if self.progress is None:
            return f"running for {duration(now - self.began)}"
        done, total = self.progress.done, self.progress.total
        speed = (done - self.first) / (now - self.began)
        left = f", about {duration((total - done) / speed)} left" if speed > 0 else ""
        return f"{done}/{total} {_loss(self.progress)}".rstrip() + left


class _Display:
    """Shows events as lines, and running stages as bars."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console = console
        self._bars = bars
        self._running: dict[str, TaskID] = {}
        self._labels: dict[str, str] = {}
        self._told: dict[str, int] = {}
        self._broken = False
        self._pulses: dict[str, _Pulse] = {}

    def __call__(self, event: Event) -> None:
        """Shows an event; after a failure (a closed stderr, a full disk) shows nothing more."""
        if self._broken:
            return
        try:
            self._show(event)
        except Exception as error:
            self._broken = True
            with suppress(Exception):
                self._line(f"What follows cannot be shown: {reason_of(error)}")

    def _show(self, event: Event) -> None:
        match event:
            case RunStarted(folder, stages):
                self._labels = {name: f"[{number}/{len(stages)}] {visible_line(name)}" for number, name in enumerate(stages, 1)}
                self._line(f"run folder {folder}")
            case StageCached(stage):
                self._line(f"{self._labels[stage]}: cached")
            case StageStarted(stage, reasons, earlier):
                self._remove(stage)  # of a process that was lost
                self._told[stage] = 0
                self._pulses[stage] = _Pulse(time.monotonic(), earlier[-1]["done"] if earlier else 0)
                why = f"goes on after iteration {earlier[-1]['done']}" if earlier else "; ".join(reasons)
                self._line(f"{self._labels[stage]}: {why}")
                self._running[stage] = self._bars.add_task(self._labels[stage], total=None, loss="")
            case StageEmitted(stage, Iterated() as progress):
                self._iterated(stage, progress)
            case StageEmitted(stage, Note(text)) | EngineNote(text, stage):
                self._line(f"{stage or 'run'}: {text}")
            case StageFinished(stage, seconds):
                self._remove(stage)
                self._line(f"{self._labels[stage]}: done in {seconds:.1f} s")
            case StageFailed(stage, message):
                self._remove(stage)
                self._line(f"{self._labels.get(stage, stage)}: failed. {message}")

    def _iterated(self, stage: str, progress: Iterated) -> None:
        self._pulses[stage].progress = progress
        loss = _loss(progress)
        task = next(task for task in self._bars.tasks if task.id == self._running[stage])
        if progress.pictures and task.speed:
            loss += f", {task.speed * progress.pictures:.3g} pictures/s"
        self._bars.update(task.id, completed=progress.done, total=progress.total, loss=loss)
        if self._bars.disable and (tenths := progress.done * LINES_PER_STAGE // max(progress.total, 1)) > self._told[stage]:
            self._told[stage] = tenths
            self._line(f"{self._labels[stage]}: {progress.done}/{progress.total} {loss}".rstrip())

    def beat(self) -> None:
        """Prints a line for each running stage, as a heartbeat for logs."""
        for stage, pulse in list(self._pulses.items()):
            self._line(f"{self._labels[stage]}: {pulse.text(time.monotonic())}")

    def _remove(self, stage: str) -> None:
        self._pulses.pop(stage, None)
        if stage in self._running:
            self._bars.remove_task(self._running.pop(stage))
            self._bars.refresh()

    def _line(self, text: str) -> None:
        with suppress(OSError):  # where nobody can be told, the work goes on
            self._console.print(visible_line(text), markup=False, soft_wrap=True)


def _loss(progress: Iterated) -> str:
    return "" if progress.loss is None else f"loss {progress.loss:.4g}"


@contextmanager
def download_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Formats the received and total bytes of a download."""
    console = _Terminal(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bars:
        bar = bars.add_task(visible_line(name), visible=False)
        yield lambda done, total: bars.update(bar, completed=done, total=total, visible=True)
