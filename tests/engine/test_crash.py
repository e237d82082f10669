"""Processes that die or meet: nothing is lost, nothing is corrupt, nothing is computed twice."""

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from stylepipe.engine.cache.store import Store
from stylepipe.engine.garbage_collection import verify
from stylepipe.engine.runs.records import list_runs

pytestmark = pytest.mark.slow  # a process for each


def finish(worker, root: Path) -> dict:
    said, _ = worker("run", root).communicate()
    return json.loads(said)


def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(worker, place):
    undisturbed = finish(worker, place("undisturbed"))
    root = place("disturbed")
    said, _ = worker("crash", root, 12).communicate()
    assert said.split().count("killed") == 12
    store = Store(root / "cache")
    assert verify(store).damaged == ()

    final = finish(worker, root)
    assert final["digest"] == undisturbed["digest"]
    assert verify(store).damaged == ()
    for name in ("mean.png", *(f"{number:02}-walk@{number - 2}.webp" for number in range(2, 7))):
        assert (Path(final["folder"]) / name).read_bytes() == (Path(undisturbed["folder"]) / name).read_bytes()
    with Pillow.open(Path(final["folder"]) / "02-walk@0.webp") as animation:
        assert animation.n_frames == 6
    lines = [json.loads(line) for line in (Path(final["folder"]) / "events.jsonl").read_text().splitlines()]
    for walk in range(5):
        assert [line["done"] for line in lines if line.get("stage") == f"walk@{walk}" and "done" in line] == list(range(1, 31))
    statuses = [record.status for _, record in list_runs(root / "outputs")]
    assert statuses.count("killed") >= 10  # the other two may have died before they had a folder
    assert statuses.count("running") == 0
    leftovers = [path for name in ("sessions", "work", "locks") for path in (store.root / name).iterdir()]
    assert leftovers == []


def test_a_sweep_killed_at_random_moments_ends_with_the_same_results(worker, place):
    undisturbed = json.loads(worker("sweep", place("undisturbed")).communicate()[0])
    walks = [*(f"wander {n}" for n in range(5)), "average", "wander 4", "average", "wander 4", "average"]
    assert undisturbed["calls"] == walks
    root = place("disturbed")
    said, _ = worker("crash", root, 12, "sweep").communicate()
    assert said.split().count("killed") == 12
    final = json.loads(worker("sweep", root).communicate()[0])
    assert final["rows"] == undisturbed["rows"]
    assert final["sheet"] == undisturbed["sheet"]
    assert verify(Store(root / "cache")).damaged == ()
    finished = [
        line["stage"]
        for log in (root / "outputs").rglob("events.jsonl")
        for line in map(json.loads, log.read_text().splitlines())
        if line["event"] == "stage finished"
    ]
    assert len(set(finished)) == len(finished)  # nothing was computed twice


def test_two_runs_at_once_compute_each_stage_once(worker, place):
    root = place("shared")
    both = [worker("run", root), worker("run", root)]
    said = [json.loads(process.communicate()[0]) for process in both]
    assert said[0]["digest"] == said[1]["digest"]
    assert sorted(said[0]["calls"] + said[1]["calls"]) == ["average", *(f"wander {n}" for n in range(5))]
    assert verify(Store(root / "cache")).damaged == ()
