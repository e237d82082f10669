"""The content of a sweep's table of variants, which can be sorted and filtered."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylepipe.engine.runs.records import Failure
from stylepipe.engine.sweeps.results import SweepResults, VariantResult
from stylepipe.recipe.params.labels import axis_labels
from stylepipe.report.linked_files import File, file_in


@dataclass(frozen=True)
class Cell:
    """A value as text, and the number that it is sorted by; None for a missing one."""

    text: str
    order: float | None


@dataclass(frozen=True)
class Row:
    """A variant. `files` holds its results by output, `cells` the values in the table's columns."""

    name: str
    status: str
    files: Mapping[str, File]
    cells: Mapping[str, Cell]
    error: Failure | None


@dataclass(frozen=True)
class VariantTable:
    """All variants of a sweep, a row for each.

    `axes` holds the labels of the values of each param that varies, and `measures` a description of each measure of quality.
    """

    axes: Mapping[str, Sequence[str]]
    columns: Sequence[str]
    measures: Mapping[str, str]
    outputs: Sequence[str]
    rows: Sequence[Row]


def variant_table(results: SweepResults, folder: Path) -> VariantTable:
    """Returns the table of a sweep; the files of its variants are in `folder`."""
    axes = {name: values for name, values in results.axes.items() if len(values) > 1}
    stages = list(dict.fromkeys(stage for variant in results.variants for stage in variant.losses))
    rows = [
        Row(
            name=variant.name,
            status=variant.status,
            files={name: file for name, output in variant.outputs.items() if (file := file_in(folder, output.file))},
            cells=_cells(variant, axes, stages, results.quality_columns),
            error=variant.error,
        )
        for variant in results.variants
    ]
    columns = [*axes, *map(_loss_column, stages), *results.quality_columns, "seconds"]
    labels = {name: axis_labels(values) for name, values in axes.items()}
    return VariantTable(labels, columns, results.measures, results.outputs, rows)


def _cells(
    variant: VariantResult,
    axes: Mapping[str, Sequence[Any]],
    stages: Sequence[str],
    quality_columns: Mapping[str, tuple[str, str]],
) -> Mapping[str, Cell]:
    params = {name: _param(variant.params[name], values) for name, values in axes.items()}
    losses = {
        _loss_column(stage): _number(variant.losses[stage]["loss"] if stage in variant.losses else None) for stage in stages
    }
    quality = {
        column: _number(variant.quality.get(output, {}).get(measure)) for column, (output, measure) in quality_columns.items()
    }
    return {**params, **losses, **quality, "seconds": Cell(f"{variant.seconds:.1f} s", variant.seconds)}


def _param(value: Any, values: Sequence[Any]) -> Cell:
    """Returns a cell: numbers are sorted by value, anything else by position in its axis."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(axis_labels(values)[values.index(value)], float(value if number else values.index(value)))


def _number(value: float | str | None) -> Cell:
    """Returns the cell of a number; non-finite ones, strings in JSON, are sorted like missing ones."""
    if value is None:
        return Cell("", None)
    number = float(value)
    return Cell(f"{number:.4g}", number if math.isfinite(number) else None)


def _loss_column(stage: str) -> str:
    return f"loss {stage}"
