"""The table of a sweep's results."""

import csv

import pytest

from stylepipe.engine.runs.records import Failure
from stylepipe.engine.sweeps.results import SweepResults, VariantResult, write_results


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\tx", '=HYPERLINK("http://x","y")'])
def test_no_cell_is_a_formula(tmp_path, text):
    variant = VariantResult(
        name=text,
        status="failed",
        params={"amount": -0.5, "label": text},
        losses={"a": {"done": 1, "total": 1, "loss": -2.5, "terms": {}}},
        seconds=1.5,
        stages={},
        outputs={},
        error=Failure(stage="a", message=text, hint=None),
    )
    axes = {"amount": (-0.5,), "label": (text,)}
    write_results(SweepResults(id="x", recipe="look", axes=axes, outputs=(), variants=(variant,)), tmp_path)
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["variant"] == row["label"] == row["error"] == f"'{text}"
    assert (row["amount"], row["loss a"]) == ("-0.5", "-2.5"), "numbers stay numbers"


def test_a_carriage_return_begins_no_line(tmp_path):
    axes = {"label": ("x\r=1+1",)}
    variant = VariantResult(
        name="a", status="done", params={"label": "x\r=1+1"}, losses={}, seconds=1.0, stages={}, outputs={}, error=None
    )
    write_results(SweepResults(id="x", recipe="look", axes=axes, outputs=(), variants=(variant,)), tmp_path)
    assert (tmp_path / "results.csv").read_text().splitlines()[1].split(",")[2] == r"x\r=1+1"
