"""The messages of workers about their tasks, and their JSON form: nothing from a worker is unpickled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stylepipe.engine.events import EngineNote, Event, PreviewSaved, StageEmitted, StageFinished, StageStarted
from stylepipe.errors import FAILURES, StylepipeError
from stylepipe.stage import Note, Progress


@dataclass(frozen=True)
class Done:
    """A finished task; `computed` is False when another run had the result already."""

    stage: str
    key: str
    output: str
    computed: bool


@dataclass(frozen=True)
class Failed:
    """A failed stage: the name of one of `errors.FAILURES`, its message and hint, and the traceback of another cause."""

    stage: str
    kind: str
    message: str
    hint: str | None
    traceback: str = ""

    @classmethod
    def of(cls, stage: str, error: StylepipeError, traceback: str = "") -> "Failed":
        """Returns the failure for an error; its class, which other processes may not know, is replaced by one of FAILURES."""
        kind = next(kind for kind in FAILURES if isinstance(error, kind))
        return cls(stage, kind.__name__, error.message, error.hint, traceback)

    @property
    def error(self) -> StylepipeError:
        """The error to raise."""
        kind = next(kind for kind in FAILURES if kind.__name__ == self.kind)
        return kind(self.message, hint=self.hint)


@dataclass(frozen=True)
class Left:
    """A stage that is left to the run: it is in the store already, or its inputs are damaged there."""

    stage: str


@dataclass(frozen=True)
class Lost:
    """A task whose worker died, with a hint. Sent by a pool, not by a worker."""

    stage: str
    hint: str


Answer = Event | Done | Failed | Left | Lost

_MESSAGES = (StageStarted, PreviewSaved, StageFinished, EngineNote, Done, Failed, Left, Progress, Note)


@cache
def _adapters() -> Mapping[str, TypeAdapter[Any]]:
    return {kind.__name__: TypeAdapter(kind) for kind in _MESSAGES}


def encode(answer: Answer) -> str:
    """Encodes a worker's answer as JSON. Progress and notes carry their stage's name; frames are not sent."""
    message = answer.event if isinstance(answer, StageEmitted) else answer
    return json.dumps({"kind": type(message).__name__, "stage": getattr(answer, "stage", None), "fields": vars(message)})


def decode(text: str) -> Answer:
    """Decodes an answer. Raises ValueError for anything else."""
    try:
        document = json.loads(text)
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in document["fields"].items()}
        message = _adapters()[document["kind"]].validate_python(fields)
        stage = document["stage"]
        if isinstance(message, Failed):
            message.error  # noqa: B018 (checks its kind)
    except (AttributeError, KeyError, TypeError, StopIteration, RecursionError, ValidationError) as error:
        raise ValueError("This is not an answer of a worker.") from error
    return StageEmitted(stage, message) if isinstance(message, Progress | Note) else message
