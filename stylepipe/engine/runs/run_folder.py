"""Writes a run's folder during the run; `records` describes the folder and reads it back."""

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from stylepipe.engine.cache.atomic_files import copy, output_errors, remove, write_whole
from stylepipe.engine.cache.file_locks import lock
from stylepipe.engine.environment import environment
from stylepipe.engine.events import (
    EngineNote,
    Event,
    Line,
    RunEnded,
    RunStarted,
    StageCached,
    StageEmitted,
    StageFailed,
    StageFinished,
    StageStarted,
)
from stylepipe.engine.execution.animation import read_webp, write_gif
from stylepipe.engine.execution.spool import progress_line
from stylepipe.engine.job import Job
from stylepipe.engine.runs.records import (
    EVENTS,
    RECORD,
    TRACEBACK,
    Failure,
    InputRecord,
    OutputRecord,
    RunRecord,
    StageRecord,
    Status,
    file_name,
    load_run,
)
from stylepipe.engine.runs.redaction import Redactor, shareable
from stylepipe.errors import StageError, StylepipeError
from stylepipe.escapes import decoded
from stylepipe.image.files.metadata_removal import copy_without_metadata
from stylepipe.recipe.syntax.scalars import dump
from stylepipe.stage import Note, Progress


@dataclass(frozen=True)
class Previews:
    """How a run's folder shows a finished stage's previews: the animation's format, and whether single frames are kept."""

    animation: Literal["webp", "gif"] = "webp"
    frames: bool = False


class RunFolder:
    """A run's folder, from its creation to its end. Every method that writes raises StoreError on failure."""

    def __init__(
        self,
        outputs: Path,
        job: Job,
        redactor: Redactor,
        command: Sequence[str] = (),
        previews: Previews = Previews(),
    ) -> None:
        started = datetime.now().astimezone()
        run_id = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        self._recipe = recipe = job.recipe
        self.path = outputs / file_name(recipe.name) / run_id
        self._outputs = outputs
        self._previews = previews
        self._redactor = redactor
        self._start_time = time.monotonic()
        numbered = [name for name in job.selection.names if name not in job.inputs or job.inputs[name].file.is_picture]
        self._numbers = {name: number for number, name in enumerate(numbered, 1)}
        with output_errors(outputs):
            self.path.mkdir(parents=True)
            self._events = (self.path / EVENTS).open(
                "ab", buffering=0
            )  # buffered data refused by a full disk would be written at the end
            lock(self._events.fileno())  # held while the run is alive
            (self.path / "recipe.yaml").write_text(recipe.text, encoding="utf-8")
            (self.path / "resolved.yaml").write_text(dump(shareable(recipe, recipe.document)), encoding="utf-8")
        self.record = RunRecord(
            id=run_id,
            recipe=recipe.name,
            status="running",
            command=tuple(map(decoded, command)),
            started=started.isoformat(timespec="milliseconds"),
            seed=recipe.seed,
            params=shareable(recipe, recipe.params),
            environment=environment(),
        )
        self.save()

    def write(self, event: Event) -> None:
        """Writes an event to the log; pictures are not logged."""
        match event:
            case RunStarted(_, stages):
                self._log("run started", stages=stages)
            case StageCached(stage, earlier):
                self._log("stage cached", stage=stage)
                self._log_earlier(stage, earlier)
            case StageStarted(stage, reasons, earlier):
                self._log("stage started", stage=stage, reasons=[*map(self._redactor.text, reasons)])
                self._log_earlier(stage, earlier)
            case StageEmitted(stage, Progress() as progress):
                self._log("progress", stage=stage, **progress_line(progress))
            case StageEmitted(stage, Note(text)) | EngineNote(text, stage):
                self._log("note", stage=stage, text=self._redactor.text(text))
            case StageFinished(stage, seconds):
                self._log("stage finished", stage=stage, seconds=round(seconds, 3))
            case StageFailed(stage, message):
                self._log("stage failed", stage=stage, text=self._redactor.text(message))
            case RunEnded(status):
                self._log("run ended", status=status)

    def add_picture(self, name: str, source: Path) -> str:
        """Copies the picture or animation of an input or a stage under its number; returns the file's name."""
        file = self._numbered(name, source.suffix)
        with output_errors(self._outputs):
            copy(source, self.path / file)
        return file

    def add_shareable(self, name: str, source: Path) -> str | None:
        """Copies an input's own file without its metadata; returns None where that is impossible."""
        file = self._numbered(name, source.suffix.lower())
        with output_errors(self._outputs):
            return file if copy_without_metadata(source, self.path / file) else None

    def add_preview(self, name: str, source: Path) -> None:
        """Copies a preview of a running stage atomically, for programs that watch the folder."""
        path = self._frames(name) / source.name
        with output_errors(self._outputs):
            path.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # the stage has ended meanwhile, in a worker
                copy(source, path.with_suffix(".part"))
                path.with_suffix(".part").replace(path)

    def add_animation(self, name: str, source: Path) -> str:
        """Writes the animation of a finished stage, and removes previews that are not kept; returns the file's name."""
        frames = self._frames(name)
        with output_errors(self._outputs):
            if not self._previews.frames:
                remove(frames)
            elif not frames.exists():  # it was cached
                frames.mkdir()
                for number, (frame, _) in enumerate(read_webp(source)):
                    frame.save(frames / f"{number:06}.png")
            if self._previews.animation == "webp":
                return self.add_picture(name, source)
            path = frames.with_suffix(".gif")
            write_gif(path, read_webp(source))
            return path.name

    def _frames(self, name: str) -> Path:
        """Returns the folder of a stage's single previews."""
        return self.path / self._numbered(name, ".frames")

    def add_input(self, name: str, record: InputRecord) -> None:
        """Adds an input to the record."""
        self.record = self.record.model_copy(update={"inputs": {**self.record.inputs, name: record}})

    def add_stage(self, name: str, record: StageRecord) -> None:
        """Adds a finished stage to the record."""
        reasons = tuple(map(self._redactor.text, record.reasons))
        record = record.model_copy(update={"reasons": reasons, "params": shareable(self._recipe, record.params)})
        self.record = self.record.model_copy(update={"stages": {**self.record.stages, name: record}})

    def add_output(self, name: str, stage: str, source: Path) -> None:
        """Copies the result of a stage under the output's name, and adds it to the record."""
        record = OutputRecord(stage=stage, digest=self.record.stages[stage].output, file=file_name(name) + source.suffix)
        with output_errors(self._outputs):
            copy(source, self.path / record.file)
        self.record = self.record.model_copy(update={"outputs": {**self.record.outputs, name: record}})

    def save(self) -> None:
        """Writes the current record."""
        seconds = round(time.monotonic() - self._start_time, 3)
        self.record = self.record.model_copy(update={"seconds": seconds})
        with output_errors(self._outputs):
            write_whole(self.path / RECORD, (self.record.model_dump_json(indent=2) + "\n").encode())

    def fail(self, error: BaseException, stage: str | None, last_frame: bytes | None) -> None:
        """Records why the run ended early."""
        self.record = self.record.model_copy(update={"error": self._describe(error, stage, last_frame)})

    def add_failure(self, error: BaseException, stage: str, last_frame: bytes | None) -> None:
        """Records the failure of a stage that the run skips."""
        failures = {**self.record.failures, stage: self._describe(error, stage, last_frame)}
        self.record = self.record.model_copy(update={"failures": failures})
        self.save()

    def _describe(self, error: BaseException, stage: str | None, last_frame: bytes | None) -> Failure:
        """Returns the failure; writes the failed stage's last frame, and the traceback of an unexpected error."""
        expected = isinstance(error, StylepipeError)
        message, hint = (error.message, error.hint) if expected else (f"{type(error).__name__}: {error}", None)
        if not expected or (isinstance(error, StageError) and error.__cause__):
            with output_errors(self._outputs), (self.path / TRACEBACK).open("a", encoding="utf-8") as file:
                file.write(self._redactor.traceback(error))
        return Failure(
            stage=stage,
            message=self._redactor.text(message),
            hint=hint and self._redactor.text(hint),
            last_frame=self._write_last_frame(stage, last_frame) if stage and last_frame else None,
        )

    def _write_last_frame(self, stage: str, data: bytes) -> str:
        file = self._numbered(stage, ".last.png")
        with output_errors(self._outputs):
            (self.path / file).write_bytes(data)
        return file

    def _numbered(self, name: str, suffix: str) -> str:
        return f"{self._numbers[name]:02}-{file_name(name)}{suffix}"

    def end(self, status: Status) -> None:
        """Writes the final record."""
        self.record = self.record.model_copy(update={"status": status})
        self.save()

    def close(self) -> None:
        """Closes the log."""
        with suppress(OSError):  # network file systems may report write errors only on close
            self._events.close()

    def _log_earlier(self, stage: str, lines: Iterable[Line]) -> None:
        for line in lines:
            self._log("progress", stage=stage, **line, earlier=True)

    def _log(self, event: str, **fields: Any) -> None:
        line = {"time": round(time.monotonic() - self._start_time, 3), "event": event, **fields}
        with output_errors(self._outputs):
            self._events.write(f"{json.dumps(line, ensure_ascii=False)}\n".encode(errors="backslashreplace"))


def add_note(folder: Path, text: str) -> EngineNote:
    """Adds a note on a finished run to its log; returns the event to report. Raises StoreError."""
    line = {"time": load_run(folder).seconds, "event": "note", "stage": None, "text": Redactor([]).text(text)}
    with output_errors(folder), (folder / EVENTS).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
    return EngineNote(text)
