"""What a run leaves: a folder with the recipe, a record, a log of events, numbered pictures and the results.

outputs/<recipe>/<timestamp>-<id>/
    recipe.yaml   resolved.yaml   record.json   events.jsonl   01-content.png … 12-denoised.png   <output>.png
    13-stylized.last.png, the last preview of a stage that failed
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from stylepipe.engine.files import is_locked
from stylepipe.errors import StoreError, UsageError

FORMAT = 1
RECORD, EVENTS, TRACEBACK = "record.json", "events.jsonl", "traceback.txt"

Status = Literal["running", "done", "failed", "interrupted", "killed"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class InputRecord(_Model):
    """An input: what the recipe calls it, the SHA-256 of its file, and its picture in the run's folder."""

    kind: str
    reference: str
    sha256: str
    file: str | None = None


class StageRecord(_Model):
    """A stage: what it was given, where its result came from and why, how long it took, and its files in the run's folder.

    `inputs` binds its arguments to inputs and stages of the recipe; `output` is the digest of its result. `computed` says when,
    `seconds` how long, and `environment` where, if that was another than this run's.
    """

    stage: str
    params: Mapping[str, Any]
    inputs: Mapping[str, str | tuple[str, ...]]
    key: str
    cached: bool
    reasons: tuple[str, ...]
    computed: str
    seconds: float
    iterations: int | None
    output: str
    file: str | None = None
    animation: str | None = None
    environment: Mapping[str, str | int] | None = None


def names_of(bound: str | Sequence[str]) -> Sequence[str]:
    """The inputs and stages that an argument of a `StageRecord` is bound to."""
    return [bound] if isinstance(bound, str) else bound


class OutputRecord(_Model):
    """A result of the run: the stage it comes from, the digest of its content, and its file."""

    stage: str
    digest: str
    file: str


class Failure(_Model):
    """Why a run ended early; `last_frame` is the last preview of the stage that failed, a file in the run's folder."""

    stage: str | None
    message: str
    hint: str | None
    last_frame: str | None = None


class RunRecord(_Model):
    """All that is known of a run, as in record.json. A run is `killed` when its record says running and no process does it.

    `command` is what one types to run the same again, if the run was typed. `error` is what ended it early, `failures` are
    those of a run that went on without the stages that failed.
    """

    format: int = FORMAT
    id: str
    recipe: str
    status: Status
    command: tuple[str, ...] = ()
    started: str
    seconds: float = 0.0
    seed: int
    params: Mapping[str, Any]
    environment: Mapping[str, str | int]
    inputs: Mapping[str, InputRecord] = {}
    stages: Mapping[str, StageRecord] = {}
    outputs: Mapping[str, OutputRecord] = {}
    error: Failure | None = None
    failures: Mapping[str, Failure] = {}


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder, its record, and the files of its outputs by name."""

    folder: Path
    record: RunRecord
    outputs: Mapping[str, Path]


def file_name(name: str) -> str:
    """A name from a recipe as a file name that every system allows."""
    return re.sub(r"[^\w.@+=-]+", "_", name).lstrip(".") or "_"


def load_run(folder: Path) -> RunRecord:
    """The record of a run. Raises StoreError when there is none, or it cannot be read."""
    path = folder / RECORD
    try:
        data = json.loads(path.read_bytes())
        if data["format"] > FORMAT:
            raise StoreError(f"The record '{path}' is of the newer format {data['format']}.", hint="Update stylepipe.")
        record = RunRecord.model_validate(data)
        alive = record.status != "running" or is_locked(folder / EVENTS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"'{folder}' is not the folder of a run: its {RECORD} cannot be read.") from error
    return record if alive else record.model_copy(update={"status": "killed"})


def list_runs(outputs: Path) -> list[tuple[Path, RunRecord]]:
    """All runs under an output folder, the newest first; folders that hold no readable record are left out."""
    found: list[tuple[Path, RunRecord]] = []
    for path in outputs.glob(f"*/*/{RECORD}"):
        try:
            found.append((path.parent, load_run(path.parent)))
        except StoreError:
            continue
    return sorted(found, key=lambda run: datetime.fromisoformat(run[1].started), reverse=True)


def find_run(outputs: Path, reference: str) -> Path:
    """The folder of a run, by its path, by its id or the end of it, or the newest of a recipe by the recipe's name.

    Raises UsageError when there is none, or more than one.
    """
    if (Path(reference) / RECORD).is_file():
        return Path(reference)
    runs = list_runs(outputs)
    if by_recipe := [folder for folder, record in runs if record.recipe == reference]:
        return by_recipe[0]
    by_id = [folder for folder, record in runs if record.id.endswith(reference)]
    if len(by_id) != 1:
        found = f"There are {len(by_id)} runs" if by_id else "There is no run"
        raise UsageError(f"{found} '{reference}' in '{outputs}'.", hint="`stylepipe runs` lists them.")
    return by_id[0]
