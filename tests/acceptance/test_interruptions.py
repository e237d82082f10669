"""Runs that are killed, stopped, or not alone: nothing is lost, nothing is corrupt, nothing is computed twice."""

import random
import signal
import time
from collections import Counter

import pytest

pytestmark = pytest.mark.slow

LINES = 35
"""About as many as a run of the small job prints."""


def test_a_run_killed_at_ten_random_moments_ends_with_the_same_bytes(desk, undisturbed):
    chance = random.Random(0)
    killed = 0
    for _ in range(40):
        if killed == 10:
            break
        options = ["--force", "all"] if killed % 2 else []  # with it there is always something to be killed
        process = desk.start("run", "small.yaml", *options)
        for _ in range(chance.randrange(LINES)):
            process.stderr.readline()
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed == 10
    assert desk.damage() == []
    final = desk.run()
    assert final.digest == undisturbed.digest
    assert (final.folder / "denoised.png").read_bytes() == (undisturbed.folder / "denoised.png").read_bytes()
    assert desk.damage() == []
    statuses = [run.record["status"] for run in desk.runs()]
    assert statuses.count("killed") >= 5  # the others had no folder yet, or were done but for the last line
    desk.call("cache", "gc")
    left = [path for name in ("sessions", "locks", "work") for path in (desk.cache / name).iterdir()]
    assert left == []


def test_two_runs_at_once_compute_each_stage_once(desk, undisturbed):
    both = [desk.start("run", "small.yaml") for _ in range(2)]
    for process in both:
        _, err = process.communicate()
        assert process.returncode == 0, err
    runs = desk.runs()
    assert [run.digest for run in runs] == [undisturbed.digest] * 2
    started = Counter(event["stage"] for run in runs for event in run.events("stage started"))
    assert started == Counter(undisturbed.computed)
    assert sorted(runs[0].computed + runs[1].computed) == sorted(undisturbed.computed)


def test_ctrl_c_saves_the_state_says_how_to_go_on_and_the_next_run_does(desk, make_desk):
    long = ("run", "small.yaml", "-p", "iterations=300")
    process = desk.start(*long)
    for line in process.stderr:
        if line.startswith("[1/7] stylized@48: 60/300 "):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-2:] == [
        "error: Stage 'stylized@48': Stopped; its state is saved.",
        "hint: Run the same command again to resume.",
    ]
    (stopped,) = desk.runs()
    assert stopped.record["status"] == "interrupted"

    resumed = desk.run(*long[2:])
    lines = [event for event in resumed.events("progress") if event["stage"] == "stylized@48"]
    assert [event["done"] for event in lines] == list(range(1, 301))
    earlier = [event["done"] for event in lines if event.get("earlier")]
    assert earlier == list(range(1, len(earlier) + 1))
    assert 60 <= len(earlier) < 300
    assert resumed.digest == make_desk().run(*long[2:]).digest
