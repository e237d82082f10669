"""Everything at once in one cache, for as long as $STYLEPIPE_SOAK_SECONDS says: runs, sweeps in several processes, collections,
listings, kills and requests to stop. Nobody sees a traceback, nothing is damaged, and results are those of a quiet cache.
"""

import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("STYLEPIPE_SOAK_SECONDS", "40"))
ONE_CORE = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
"""For every command, so that all compute with as many threads as the workers of a sweep: else results differ by rounding."""
SHARPNESS = (0.3, 0.5, 0.7)
STOPPED = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT, 128 + signal.SIGTERM}


@dataclass
class Tally:
    """What came of all commands: how many ended with which exit code, what was wrong, and the digests of what was computed."""

    codes: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    outputs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def test_a_soak(desk, make_desk):
    desk.environment = {name: value for name, value in desk.environment.items() if not name.startswith("JAX_")}
    end, tally, lock = time.monotonic() + SECONDS, Tally(), threading.Lock()

    def call(chance: random.Random, what: str, *arguments: str, disturbed: bool = False) -> None:
        process = desk.start(*arguments, prelude=ONE_CORE)
        if disturbed and chance.random() < 0.6:
            with_signal = threading.Timer(
                chance.uniform(0.5, 12), process.send_signal, [chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])]
            )
            with_signal.start()
        out, err = process.communicate()
        with lock:
            tally.codes[what, process.returncode] += 1
            expected = {0} | (STOPPED if disturbed else set())
            if process.returncode not in expected or "Traceback" in err or "fault" in err or "damaged" in err:
                tally.wrong.append(f"{arguments}: {process.returncode}: {out[-300:]} {err[-1500:]}")

    def runs(chance: random.Random) -> None:
        value = chance.choice(SHARPNESS)
        force = chance.choice([[], [], ["--force", "denoised"], ["--force", "all"]])
        call(chance, "run", "run", "small.yaml", "-q", "-p", f"sharpness={value}", *force, disturbed=True)

    def sweeps(chance: random.Random) -> None:
        jobs = chance.choice([[], ["--jobs", "2"]])
        call(chance, "sweep", "sweep", "small.yaml", "-q", "-p", f"sharpness={list(SHARPNESS)}", *jobs, disturbed=True)

    def collections(chance: random.Random) -> None:
        call(chance, "gc", "cache", "gc", *chance.choice([[], ["--days", "0"], ["--size", "1KB"], ["--size", "200KB"]]))
        time.sleep(chance.uniform(0, 3))

    def looks(chance: random.Random) -> None:
        arguments = chance.choice([["cache", "ls"], ["cache", "verify"], ["plan", "small.yaml"], ["runs"]])
        call(chance, " ".join(arguments[:2]), *arguments)

    def repeated(do: Callable[[random.Random], None], seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            do(chance)

    loops = [runs, runs, sweeps, collections, looks]
    threads = [threading.Thread(target=repeated, args=(loop, seed)) for seed, loop in enumerate(loops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{SECONDS:.0f} s: {sum(tally.codes.values())} commands, {dict(tally.codes)}")
    assert tally.wrong == []
    assert desk.damage() == []
    for value in SHARPNESS:
        for place in (desk, make_desk()):  # the second has a quiet cache
            answer = place.call("run", "small.yaml", "--json", "-p", f"sharpness={value}", prelude=ONE_CORE)
            tally.outputs[f"sharpness={value}"].add(answer.data["record"]["outputs"]["denoised"]["digest"])
    for run in desk.runs():
        for stage in run.record["stages"].values():
            tally.outputs[stage["key"]].add(stage["output"])
    assert {name: found for name, found in tally.outputs.items() if len(found) > 1} == {}
    desk.call("cache", "gc")
    assert [path for name in ("sessions", "locks") for path in (desk.cache / name).iterdir()] == []
    assert desk.damage() == []
