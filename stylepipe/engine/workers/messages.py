"""What a worker says of its tasks, and the JSON in which it says so: nothing that comes from a worker is unpickled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stylepipe.engine.events import EngineNote, Event, PreviewSaved, StageEmitted, StageFinished, StageStarted
from stylepipe.errors import FAILURES, StylepipeError
from stylepipe.stage import Note, Progress


@dataclass(frozen=True)
class Done:
    """A task that came to its end; `computed` is False when another run had the result in the meantime."""

    stage: str
    key: str
    output: str
    computed: bool


@dataclass(frozen=True)
class Failed:
    """A stage that failed: the name of one of `errors.FAILURES`, its message and hint, and the traceback of another cause."""

    stage: str
    kind: str
    message: str
    hint: str | None
    traceback: str = ""

    @classmethod
    def of(cls, stage: str, error: StylepipeError, traceback: str = "") -> "Failed":
        """The failure that an error is, whose own class, which need not be known elsewhere, gives way to one of FAILURES."""
        kind = next(kind for kind in FAILURES if isinstance(error, kind))
        return cls(stage, kind.__name__, error.message, error.hint, traceback)

    @property
    def error(self) -> StylepipeError:
        """The error to raise for it."""
        kind = next(kind for kind in FAILURES if kind.__name__ == self.kind)
        return kind(self.message, hint=self.hint)


@dataclass(frozen=True)
class Left:
    """A stage that is left to the run: it is in the store already, or what it needs is damaged there."""

    stage: str


@dataclass(frozen=True)
class Lost:
    """A task whose worker is gone; `hint` says what may help. Said by a pool, not by a worker."""

    stage: str
    hint: str


Answer = Event | Done | Failed | Left | Lost

_SPOKEN = (StageStarted, PreviewSaved, StageFinished, EngineNote, Done, Failed, Left, Progress, Note)
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in _SPOKEN}


def encode(answer: Answer) -> str:
    """An answer of a worker as JSON. Progress and notes are of the stage that emits them; frames are not sent."""
    said = answer.event if isinstance(answer, StageEmitted) else answer
    return json.dumps({"kind": type(said).__name__, "stage": getattr(answer, "stage", None), "fields": vars(said)})


def decode(text: str) -> Answer:
    """The answer that was encoded. Raises ValueError for anything else."""
    try:
        document = json.loads(text)
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in document["fields"].items()}
        said = _ADAPTERS[document["kind"]].validate_python(fields)
        stage = document["stage"]
        if isinstance(said, Failed):
            said.error  # noqa: B018 (its kind is one that there is)
    except (AttributeError, KeyError, TypeError, StopIteration, RecursionError, ValidationError) as error:
        raise ValueError("This is no answer of a worker.") from error
    return StageEmitted(stage, said) if isinstance(said, Progress | Note) else said
