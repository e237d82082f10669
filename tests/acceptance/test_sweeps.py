"""Sweeps of the small job: what is left of one that is killed, again and again."""

import csv
import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SWEEP = "sweep: {grid: {iterations: [20, 30], sharpness: [0, 0.5]}}\n"


@pytest.fixture
def make_swept(make_desk):
    """Makes desks with a sweep of the small job, whose losses leave a layer of the network to measure its results at."""

    def make():
        desk = make_desk()
        recipe = (desk.root / "small.yaml").read_text().replace("relu1_1: 1, relu2_1: 1", "relu1_1: 1")
        (desk.root / "small.yaml").write_text(recipe.replace("layers: {relu2_1: 1}", "layers: {relu1_1: 1}") + SWEEP)
        return desk

    return make


def table(folder: Path) -> list[dict[str, str]]:
    """The results, without what is a matter of time."""
    with (folder / "results.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_a_sweep_that_was_killed_three_times_has_the_table_of_one_that_was_not(make_swept):
    desk, other = make_swept(), make_swept()
    for stage in ("stylized@48_20", "stylized@64_20", "stylized@64_30"):
        process = desk.start("sweep", "small.yaml")
        assert any(f"] {stage}: 8/" in line or f"] {stage}: 9/" in line for line in process.stderr)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert desk.damage() == []
    folder = desk.root / desk.call("sweep", "small.yaml", "--json").data["folder"]
    undisturbed = other.root / other.call("sweep", "small.yaml", "--json").data["folder"]

    rows = table(folder)
    assert rows == table(undisturbed)
    assert [row["status"] for row in rows] == ["done"] * 4
    assert len({row["digest"] for row in rows}) == 4
    assert all(0 < float(row["global effects"]) < 1 for row in rows)
    for row in rows:
        assert (folder / row["file"]).read_bytes() == (undisturbed / row["file"]).read_bytes()
    assert [run.record["status"] for run in desk.runs()] == ["done", "killed", "killed", "killed"]
    assert desk.runs()[0].record["stages"]["stylized@48_20"]["cached"]
    assert desk.damage() == []
