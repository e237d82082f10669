"""Renders the report of one run from the contents of its folder; a sweep's variants come first."""

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
    """An output: its file, and the name and picture of the input that it was made from."""

    name: str
    digest: str
    file: File | None
    before: tuple[str, File] | None


@dataclass(frozen=True)
class StageSection:
    """A started stage; `record` is None when it did not finish."""

    name: str
    record: StageRecord | None
    picture: File | None
    animation: File | None
    chart: Chart | None
    history: StageHistory


def write_report(folder: Path) -> Path:
    """Writes the page into the run's folder, replacing an old one, and returns its path.

    Raises StoreError when the folder is not that of a run, or cannot be read or written.
    """
    with output_errors(folder):
        write_whole(folder / REPORT, render(folder).encode())
    return folder / REPORT


def render(folder: Path) -> str:
    """Returns the page's HTML, which links only to files beside it. Raises StoreError and OSError."""
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
        inputs=[(name, input_record, picture_in(folder, input_record.file)) for name, input_record in record.inputs.items()],
        stages=list(_stages(folder, record, history)),
        not_reached=[name for name in history.planned if name not in history.stages],
        notes=history.notes,
        documents=[file for name in documents if (file := file_in(folder, name))],
    )


def _again(record: RunRecord) -> Sequence[str]:
    """Returns the command that repeats the run with its inputs, wherever they are; empty for a sweep."""
    if record.command[1:2] != ("run",) or not record.inputs:
        return ()
    until = record.command.index("--until") if "--until" in record.command else len(record.command)
    return ("stylepipe", "run", record.id, *record.command[until:])


def _failures(record: RunRecord) -> Sequence[Failure]:
    """Returns the failures that ended the run early, or that it skipped."""
    return [*record.failures.values(), *([record.error] if record.error else [])]


def _results(folder: Path, record: RunRecord) -> Iterator[Result]:
    for name, output in record.outputs.items():
        source = _source(record, output.stage)
        before = source and picture_in(folder, record.inputs[source].file)
        yield Result(name, output.digest, file_in(folder, output.file), (source, before) if source and before else None)


def _source(record: RunRecord, name: str) -> str | None:
    """Returns the image input that a result's chain of first arguments leads back to; None if there is none."""
    for _ in record.stages:  # bounded, because an untrusted record may hold a cycle
        if name not in record.stages:
            break
        bound = next(iter(record.stages[name].inputs.values()), ())
        name = bound if isinstance(bound, str) else next(iter(bound), "")
    return name if name in record.inputs and record.inputs[name].kind == "image" else None


def _stages(folder: Path, record: RunRecord, history: History) -> Iterator[StageSection]:
    for name, stage_history in history.stages.items():
        stage_record = record.stages.get(name)
        yield StageSection(
            name=name,
            record=stage_record,
            picture=picture_in(folder, stage_record and stage_record.file),
            animation=picture_in(folder, stage_record and stage_record.animation),
            chart=chart(stage_history.lines),
            history=stage_history,
        )


def _description(folder: Path) -> str:
    """Returns the recipe's description."""
    path = folder / "resolved.yaml"
    try:
        document = parse(read(path, file=path.name, place=Place(path.name)), file=path.name).data
    except RecipeError:
        return ""
    return str(document.get("description") or "") if isinstance(document, Mapping) else ""


# --- formatting of values ------------------------------------------------------------------------------------------------


def _bytes(count: int) -> str:
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _moment(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%-d %B %Y, %H:%M}"


def _value(value: Any) -> str:
    """Returns a parameter as its recipe would write it: on one line, unless it contains a mapping."""
    match value:
        case str():
            return value
        case list() | tuple() if not any(isinstance(item, Mapping | list | tuple) for item in value):
            return f"[{', '.join(map(_value, value))}]"
    return dump(value).removesuffix("...\n").strip()


def _shown(value: Any) -> Any:
    """Escapes what a template inserts: text without controls; the output of a macro is kept."""
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
