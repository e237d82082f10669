"""The results of a sweep: a table with a row for each variant, as results.csv and results.json in the sweep's folder."""

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, FiniteFloat

from stylepipe.engine.cache.atomic_files import output_errors, write_whole
from stylepipe.engine.events import Line, ProgressLine
from stylepipe.engine.runs.records import (
    MAX_BYTES,
    BoundedText,
    Count,
    Data,
    Failure,
    FileName,
    OutputRecord,
    RunRecord,
    Seconds,
)
from stylepipe.engine.runs.redaction import shareable
from stylepipe.engine.sweeps.merge import MergedVariant, SweepJob
from stylepipe.errors import StoreError
from stylepipe.escapes import visible
from stylepipe.models import StoredModel
from stylepipe.paths import open_regular

FORMAT = 1
_FORMULAS = ("=", "+", "-", "@", "\t", "\n")
RESULTS, TABLE = "results.json", "results.csv"


@dataclass(frozen=True)
class Measured:
    """The measurements of a run's results.

    `measures` describes each measure by name; `values` holds the numbers by output and measure; `notes` say why others are
    missing.
    """

    measures: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Measure = Callable[[RunRecord, Path], Measured]
"""Measures the results of a run, from its record and its folder."""


LastLine = Annotated[Line, AfterValidator(lambda line: ProgressLine.model_validate(line).line())]


class VariantResult(StoredModel):
    """A variant: its values of the axes, the names of its stages in the run's record, and its results.

    `losses` are the final ones of each stage that minimizes a loss, `quality` the measures of each output, `seconds` the time
    of all its stages, including shared and cached ones.
    """

    name: str
    status: Literal["done", "failed", "not run"]
    params: Mapping[str, Data]
    losses: Mapping[str, LastLine]
    quality: Mapping[str, Mapping[str, FiniteFloat]] = {}
    seconds: Seconds
    stages: Mapping[str, str]
    outputs: Mapping[str, OutputRecord]
    error: Failure | None = None


class SweepResults(StoredModel):
    """The content of results.json.

    `measures` describes each measure of quality; `sheets` are the files of its contact sheets.
    """

    format: Count = FORMAT
    id: BoundedText
    recipe: BoundedText
    axes: Mapping[str, tuple[Data, ...]]
    outputs: tuple[str, ...]
    measures: Mapping[str, str] = {}
    variants: tuple[VariantResult, ...]
    sheets: tuple[FileName, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every variant has all of its results."""
        return all(variant.status == "done" for variant in self.variants)

    @property
    def quality_columns(self) -> Mapping[str, tuple[str, str]]:
        """The output and measure of each quality column, by the column's name."""
        several = len(self.outputs) > 1
        pairs = [(output, measure) for output in self.outputs for measure in self.measures]
        return {f"{measure} {output}" if several else measure: (output, measure) for output, measure in pairs}


def results_of(sweep: SweepJob, record: RunRecord, losses: Mapping[str, Line], measured: Measured) -> SweepResults:
    """Returns the results of a sweep's run; `losses` holds the last line of each stage that reported any."""
    failures = dict(record.failures)
    if record.error:
        unread = next(
            (name for name in sweep.job.inputs if name not in record.inputs), ""
        )  # an input whose reading ended the run
        failures[record.error.stage or unread] = record.error
    recipe = sweep.job.recipe

    def row(variant: MergedVariant) -> VariantResult:
        outputs = {own: record.outputs[name] for own, name in variant.outputs.items() if name in record.outputs}
        finished = [record.stages[name] for name in variant.stages.values() if name in record.stages]
        needed = {*variant.stages.values(), *(name for node in variant.stages.values() for name in recipe.stages[node].needs)}
        error = next((failure for name, failure in failures.items() if name in needed), None)
        return VariantResult(
            name=variant.name,
            status="done" if len(outputs) == len(variant.outputs) else "failed" if error else "not run",
            params=shareable(recipe, variant.values),
            losses={own: losses[name] for own, name in variant.stages.items() if name in losses},
            quality={own: _finite(measured.values[name]) for own, name in variant.outputs.items() if name in measured.values},
            seconds=round(sum(stage.seconds for stage in finished), 3),
            stages=variant.stages,
            outputs=outputs,
            error=error,
        )

    return SweepResults(
        id=record.id,
        recipe=record.recipe,
        axes=shareable(recipe, dict(sweep.axes)),
        outputs=tuple(dict.fromkeys(output for variant in sweep.variants for output in variant.outputs)),
        measures=measured.measures,
        variants=tuple(map(row, sweep.variants)),
    )


def _finite(measures: Mapping[str, float]) -> Mapping[str, float]:
    """Returns the finite measures, which JSON can represent."""
    return {name: value for name, value in measures.items() if math.isfinite(value)}


def write_results(results: SweepResults, folder: Path) -> None:
    """Writes results.json and results.csv. Raises StoreError."""
    with output_errors(folder):
        write_whole(folder / RESULTS, (results.model_dump_json(indent=2) + "\n").encode())
        write_whole(folder / TABLE, _table(results).encode())


def load_results(folder: Path) -> SweepResults | None:
    """Returns the results of a sweep; None for a run that is not a sweep. Raises StoreError when they cannot be read."""
    path = folder / RESULTS
    try:
        with open_regular(path) as file:
            results = SweepResults.model_validate_json(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"The results '{path}' cannot be read.") from error
    if results.format > FORMAT:
        raise StoreError(f"The results '{path}' are of the newer format {results.format}.", hint="Update stylepipe.")
    return results


def _table(results: SweepResults) -> str:
    """Returns the CSV: for each variant its parameters, losses, quality, seconds, and the digests and files of its outputs."""
    stages = dict.fromkeys(stage for variant in results.variants for stage in variant.losses)
    outputs = results.outputs
    suffixes = {output: f" {output}" if len(outputs) > 1 else "" for output in outputs}
    columns = [
        *("variant", "status", *results.axes, *(f"loss {stage}" for stage in stages)),
        *(*results.quality_columns, "seconds"),
        *(f"{column}{suffixes[output]}" for output in outputs for column in ("digest", "file")),
        "error",
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    for variant in results.variants:
        files = [variant.outputs.get(output) for output in outputs]
        cells = [
            *(variant.name, variant.status, *(variant.params[axis] for axis in results.axes)),
            *(variant.losses[stage]["loss"] if stage in variant.losses else "" for stage in stages),
            *(variant.quality.get(output, {}).get(measure, "") for output, measure in results.quality_columns.values()),
            variant.seconds,
            *(cell for file in files for cell in ((file.digest, file.file) if file else ("", ""))),
            variant.error.message if variant.error else "",
        ]
        writer.writerow(map(_cell, cells))
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Returns a cell's value: a number, or a text without controls, with an apostrophe before formula characters.

    Follows OWASP's advice against CSV injection, https://owasp.org/www-community/attacks/CSV_Injection.
    """
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
