"""The page about one run: what its folder holds, put in the order in which people ask for it; a sweep's variants first."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from stylepipe.engine.cache.atomic_files import output_errors, write_whole
from stylepipe.engine.runs.records import EVENTS, RECORD, TRACEBACK, Failure, RunRecord, StageRecord, load_run, names_of
from stylepipe.engine.sweeps.results import RESULTS, TABLE, load_results
from stylepipe.errors import Place, RecipeError
from stylepipe.escapes import visible
from stylepipe.formatting import duration
from stylepipe.recipe.syntax.recipe_files import read
from stylepipe.recipe.syntax.scalars import dump
from stylepipe.recipe.syntax.yaml_text import parse
from stylepipe.report.history import History, StageHistory, read_history
from stylepipe.report.linked_files import File, file_in, picture_in
from stylepipe.report.loss_chart import Chart, chart
from stylepipe.report.variants_table import variant_table

REPORT = "report.html"
DOCUMENTS = ("recipe.yaml", "resolved.yaml", RECORD, EVENTS, TRACEBACK)


@dataclass(frozen=True)
class Result:
    """An output: its file, and the picture that it was made from, by the name of the input."""

    name: str
    digest: str
    file: File | None
    before: tuple[str, File] | None


@dataclass(frozen=True)
class Stage:
    """A stage that began; `record` is None when it did not come to its end."""

    name: str
    record: StageRecord | None
    picture: File | None
    animation: File | None
    chart: Chart | None
    history: StageHistory


def write_report(folder: Path) -> Path:
    """Writes the page into the run's folder, anew where there is one; its path.

    Raises StoreError when the folder is not that of a run, or cannot be read or written.
    """
    with output_errors(folder):
        write_whole(folder / REPORT, render(folder).encode())
    return folder / REPORT


def render(folder: Path) -> str:
    """The page's HTML. It refers to the files beside it, and to nothing else. Raises StoreError and OSError."""
    record = load_run(folder)
    history = read_history(folder)
    results = load_results(folder)
    documents = [*DOCUMENTS, *([RESULTS, TABLE, *results.sheets] if results else [])]
    return _TEMPLATES.get_template("sweep.html" if results else "page.html").render(
        record=record,
        again=_again(record),
        sweep=variant_table(results, folder) if results else None,
        seconds=max(record.seconds, history.seconds),
        description=_description(folder),
        results=list(_results(folder, record)),
        failures=[(failure, picture_in(folder, failure.last_frame)) for failure in _failures(record)],
        inputs=[(name, found, picture_in(folder, found.file)) for name, found in record.inputs.items()],
        stages=list(_stages(folder, record, history)),
        not_reached=[name for name in history.planned if name not in history.stages],
        notes=history.notes,
        documents=[found for name in documents if (found := file_in(folder, name))],
    )


def _again(record: RunRecord) -> Sequence[str]:
    """The command that makes the run again with its inputs, wherever they are; a sweep has none."""
    if record.command[1:2] != ("run",) or not record.inputs:
        return ()
    until = record.command.index("--until") if "--until" in record.command else len(record.command)
    return ("stylepipe", "run", record.id, *record.command[until:])


def _failures(record: RunRecord) -> Sequence[Failure]:
    """What ended the run early, or what it went on without."""
    return [*record.failures.values(), *([record.error] if record.error else [])]


def _results(folder: Path, record: RunRecord) -> Iterator[Result]:
    for name, output in record.outputs.items():
        source = _source(record, output.stage)
        before = source and picture_in(folder, record.inputs[source].file)
        yield Result(name, output.digest, file_in(folder, output.file), (source, before) if source and before else None)


def _source(record: RunRecord, name: str) -> str | None:
    """The input that a result was made from: the one that each stage's first argument leads back to; None if it is no image."""
    for _ in record.stages:  # no more steps, should a stranger's record run in a circle
        if name not in record.stages:
            break
        bound = next(iter(record.stages[name].inputs.values()), ())
        name = bound if isinstance(bound, str) else next(iter(bound), "")
    return name if name in record.inputs and record.inputs[name].kind == "image" else None


def _stages(folder: Path, record: RunRecord, history: History) -> Iterator[Stage]:
    for name, told in history.stages.items():
        known = record.stages.get(name)
        yield Stage(
            name=name,
            record=known,
            picture=picture_in(folder, known and known.file),
            animation=picture_in(folder, known and known.animation),
            chart=chart(told.lines),
            history=told,
        )


def _description(folder: Path) -> str:
    """What the recipe says of itself."""
    path = folder / "resolved.yaml"
    try:
        document = parse(read(path, file=path.name, place=Place(path.name)), file=path.name).data
    except RecipeError:
        return ""
    return str(document.get("description") or "") if isinstance(document, Mapping) else ""


# --- how the page writes values -----------------------------------------------------------------------------------------


def _bytes(count: int) -> str:
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _moment(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%-d %B %Y, %H:%M}"


def _value(value: Any) -> str:
    """A parameter as its recipe would write it: on one line, unless it is a mapping or has one in it."""
    match value:
        case str():
            return value
        case list() | tuple() if not any(isinstance(item, Mapping | list | tuple) for item in value):
            return f"[{', '.join(map(_value, value))}]"
    return dump(value).removesuffix("...\n").strip()


def _shown(value: Any) -> Any:
    """What a template puts in: text without controls; what a macro has made is finished."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("stylepipe.report", "."),
    autoescape=True,
    finalize=_shown,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "duration": duration,
    "bytes": _bytes,
    "moment": _moment,
    "names": names_of,
    "value": _value,
    "command": shlex.join,
}
