"""The files that a run leaves: a folder with the recipe, a record, a log of events, numbered pictures and the results.

outputs/<recipe>/<timestamp>-<id>/
    recipe.yaml   resolved.yaml   record.json   events.jsonl   01-content.png … 12-denoised.png   <output>.png
    13-stylized.frames/000000.png …, previews of a running or unfinished stage; of all stages with `--frames`
    13-stylized.last.png, the last preview of a failed stage, or the current picture of an interrupted one
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from stylepipe.engine.cache.atomic_files import permits
from stylepipe.engine.cache.file_locks import is_locked
from stylepipe.errors import StoreError, UsageError
from stylepipe.models import StoredModel
from stylepipe.paths import is_file, is_folder, open_regular
from stylepipe.recipe.model import Channel
from stylepipe.recipe.resolved import FileKind

FORMAT = 1
RECORD, EVENTS, TRACEBACK = "record.json", "events.jsonl", "traceback.txt"
MAX_BYTES = 64_000_000
MAX_DEPTH = 64
YEARS = range(1970, 3000)


def file_name(name: str) -> str:
    """Returns a name from a recipe as a file name that every system allows; valid names stay unchanged."""
    return re.sub(r"[^\w.@+=-]+", "_", name).lstrip(".") or "_"


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in YEARS:
        raise ValueError("expected a date and time with its time zone")
    return text


def _plain(data: Any) -> Any:
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level if isinstance(value, dict | list) for inner in _inside(value)]
        if not level:
            return data
    raise ValueError(f"nested more than {MAX_DEPTH} deep")


def _inside(value: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return list(value.values()) if isinstance(value, dict) else value


# Types that bound what a record may hold: records come from anywhere.
BoundedText = Annotated[str, StringConstraints(max_length=500)]
FileName = Annotated[str, AfterValidator(file_name)]  # never a path, so that it stays inside the run's folder
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{0,64}$")]
Moment = Annotated[str, AfterValidator(_moment)]
Seconds = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Data = Annotated[Any, AfterValidator(_plain)]
Environment = Mapping[str, Annotated[str, StringConstraints(max_length=10_000)] | Annotated[int, Field(ge=-(2**63), lt=2**63)]]

Status = Literal["running", "done", "failed", "interrupted", "killed"]


class InputRecord(StoredModel):
    """An input: its reference in the recipe, the SHA-256 of its file, and its picture in the run's folder.

    `channel` and `invert` say how a mask is read from a picture; None is the default.
    """

    kind: FileKind
    reference: str
    sha256: Digest
    file: FileName | None = None
    channel: Channel | None = None
    invert: bool | None = None


class StageRecord(StoredModel):
    """A stage: its parameters and inputs, the origin of its result, how long it took, and its files in the run's folder.

    `inputs` binds its arguments to inputs and stages of the recipe; `output` is the digest of its result. `computed` is the
    time of the computation, `seconds` its duration, and `environment` where it ran, if not in this run's environment.
    """

    stage: BoundedText
    params: Mapping[str, Data]
    inputs: Mapping[str, str | tuple[str, ...]]
    key: Digest
    cached: bool
    reasons: tuple[str, ...]
    computed: Moment
    seconds: Seconds
    iterations: Count | None
    output: Digest
    file: FileName | None = None
    animation: FileName | None = None
    environment: Environment | None = None


def names_of(bound: str | Sequence[str]) -> Sequence[str]:
    """Returns the inputs and stages that an argument of a `StageRecord` is bound to."""
    return [bound] if isinstance(bound, str) else bound


class OutputRecord(StoredModel):
    """A result of the run: its stage, the digest of its content, and its file."""

    stage: BoundedText
    digest: BoundedText
    file: FileName


class Failure(StoredModel):
    """Why a run ended early; `last_frame` is the file of the last preview of the stage that failed or was stopped."""

    stage: str | None
    message: str
    hint: str | None
    last_frame: FileName | None = None


class RunRecord(StoredModel):
    """The content of record.json. A run is `killed` when its record says running and no process runs it.

    `command` is the command line that repeats a typed run, with files from elsewhere by their names; with the `id` in place of
    the recipe and its parameters, `stylepipe run` locates them. `error` is what ended the run early; `failures` are those of a
    run that continued without the failed stages.
    """

    format: Count = FORMAT
    id: BoundedText
    recipe: BoundedText
    status: Status
    command: tuple[str, ...] = ()
    started: Moment
    seconds: Seconds = 0.0
    seed: Count
    params: Mapping[str, Data]
    environment: Environment
    inputs: Mapping[BoundedText, InputRecord] = {}
    stages: Mapping[BoundedText, StageRecord] = {}
    outputs: Mapping[BoundedText, OutputRecord] = {}
    error: Failure | None = None
    failures: Mapping[BoundedText, Failure] = {}


class _AnyRecord(StoredModel):
    """The part that records of all formats share."""

    format: Count


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder, its record, and the files of its outputs by name."""

    folder: Path
    record: RunRecord
    outputs: Mapping[str, Path]


class UnreadableRecord(ValueError):
    """A record that cannot be used: the reason, as a clause, and a hint."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"{reason} ({hint})")
        self.reason, self.hint = reason, hint


def read_record(path: Path, *, max_bytes: int = MAX_BYTES) -> RunRecord:
    """Returns the record in a file. Raises UnreadableRecord when it is unreadable, damaged, too large, or too new."""
    unreadable = f"its {RECORD} cannot be read"
    try:
        with open_regular(path) as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise UnreadableRecord(unreadable, f"It is larger than {max_bytes // 10**6} MB.")
        written = _AnyRecord.model_validate_json(data).format
        if written > FORMAT:
            raise UnreadableRecord(f"its {RECORD} is of the newer format {written}", "Update stylepipe.")
        return RunRecord.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise UnreadableRecord(unreadable, f"In {where[:200]}: {first['msg'][:200]}.") from error
    except OSError as error:
        raise UnreadableRecord(unreadable, f"The system says: {error.strerror}.") from error


def load_run(folder: Path) -> RunRecord:
    """Returns the record of a run. Raises StoreError when there is none, or it cannot be read."""
    try:
        record = read_record(folder / RECORD)
        alive = record.status != "running" or is_locked(folder / EVENTS)
    except UnreadableRecord as error:
        raise StoreError(f"'{folder}' is not the folder of a run: {error.reason}.", hint=error.hint) from error
    except OSError as error:
        raise StoreError(f"'{folder}' is not the folder of a run: its {EVENTS} cannot be read.") from error
    return record if alive else record.model_copy(update={"status": "killed"})


def list_runs(
    outputs: Path, *, unreadable: Callable[[StoreError], object] = lambda error: None
) -> list[tuple[Path, RunRecord]]:
    """Returns all runs under an output folder, newest first.

    A folder with an unreadable record is left out and passed to `unreadable`. Raises StoreError where the output folder itself
    cannot be read.
    """
    if is_folder(outputs) and not permits(outputs, os.R_OK | os.X_OK):
        raise StoreError(f"The output folder '{outputs}' cannot be read.", hint="Check its permissions.")
    runs: list[tuple[Path, RunRecord]] = []
    for path in sorted(outputs.glob(f"*/*/{RECORD}") if is_folder(outputs) else ()):
        try:
            runs.append((path.parent, load_run(path.parent)))
        except StoreError as error:
            unreadable(error)
    return sorted(runs, key=lambda run: datetime.fromisoformat(run[1].started), reverse=True)


def find_run(outputs: Path, reference: str, *, by_recipe: bool = True) -> Path:
    """Returns the folder of a run, by path, by id or its end, or (if `by_recipe`) a recipe's newest by the recipe's name.

    Raises UsageError when there is none, or more than one.
    """
    if is_file(Path(reference) / RECORD):
        return Path(reference)
    runs = list_runs(outputs)
    of_recipe = [folder for folder, record in runs if record.recipe == reference]
    if by_recipe and of_recipe:
        return of_recipe[0]
    by_id = [folder for folder, record in runs if record.id.endswith(reference)]
    if len(by_id) != 1:
        count = f"There are {len(by_id)} runs" if by_id else "There is no run"
        raise UsageError(f"{count} '{reference}' in '{outputs}'.", hint="`stylepipe runs` lists them.")
    return by_id[0]
