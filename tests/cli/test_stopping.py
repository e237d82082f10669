"""Stopping `sweep --jobs`: whatever its workers do at that moment, it ends, and so do they."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # processes

HEAD = """\
import itertools
import time

from stylepipe.artifacts import Image
from stylepipe.stage import Emit, Note, Params, stage


class Number(Params):
    number: int = 0


@stage(version=1)
"""

STAGES = {
    "brief": "def brief(image: Image, params: Number) -> Image:\n    return image\n",
    "deaf": "def deaf(image: Image, params: Number) -> Image:\n    time.sleep(600)\n    return image\n",
    "chatty": "def chatty(image: Image, params: Number, *, emit: Emit) -> Image:\n"
    "    for number in itertools.count():\n        emit(Note(str(number)))\n",
    "parent": "def parent(image: Image, params: Number) -> Image:\n"
    "    import subprocess\n    subprocess.run(['sleep', '600'])\n    return image\n",
}

SWEEP = """\
stylepipe: 1
name: many
params: {number: 0}
inputs: {photo: {image: photo.png}}
stages: {first: {use: STAGE, image: $photo, number: $params.number}, second: {use: STAGE, image: $first}}
output: $second
sweep: {grid: {number: [NUMBERS]}}
"""


class Sweep:
    """A sweep in two worker processes; the first stage has begun."""

    def __init__(self, home: Path, site: Path, stage: str, *options: str) -> None:
        shutil.rmtree(home / "outputs", ignore_errors=True)
        numbers = ", ".join(map(str, range(200)))
        (home / "many.yaml").write_text(SWEEP.replace("STAGE", stage).replace("NUMBERS", numbers))
        command = [sys.executable, "-P", "-m", "stylepipe", "sweep", "many.yaml", "--jobs", "2", "-q", *options]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        self.log = home / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log, start_new_session=True)
        started = '"stage finished"' if stage == "brief" else '"stage started"'
        self.wait_until(lambda: any(started in path.read_text() for path in home.glob("outputs/many/*/events.jsonl")))
        self.workers = children(self.process.pid)
        assert len(self.workers) == 2
        self.family = [*self.workers, *(pid for worker in self.workers for pid in children(worker))]

    def wait_until(self, fulfilled) -> None:
        deadline = time.monotonic() + 100
        while not fulfilled():
            assert self.process.poll() in (None, -signal.SIGKILL), self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def ends(self) -> int:
        """The exit code of the sweep; all that it started ends, too."""
        code = self.process.wait(60)
        self.wait_until(lambda: not any(map(alive, self.family)))
        assert "Traceback" not in self.log.read_text()
        return code


def children(pid: int) -> list[int]:
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def sweep(home, install_pack):
    if sys.platform != "linux":
        pytest.skip("the processes are found in /proc")
    site = install_pack("moments", {name: HEAD + body for name, body in STAGES.items()})
    started: list[Sweep] = []

    def start(stage: str, *options: str) -> Sweep:
        started.append(Sweep(home, site, stage, *options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        for pid in filter(alive, each.family):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("stage", ["deaf", "chatty", "parent"])
def test_one_ctrl_c_ends_it(sweep, stage):
    stopped = sweep(stage)
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.ends() == 130
    assert "Stopped between two steps." in stopped.log.read_text()


@pytest.mark.parametrize("options", [(), ("--fail-fast",)])
def test_one_ctrl_c_ends_it_between_short_stages(sweep, options):
    for pause in (0.0, 0.03, 0.3):
        stopped = sweep("brief", *options, "--force", "all")
        time.sleep(pause)
        stopped.process.send_signal(signal.SIGINT)
        assert stopped.ends() == 130


def test_a_second_ctrl_c_ends_it_at_once(sweep):
    stopped = sweep("deaf")
    stopped.process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.ends() == 130


@pytest.mark.parametrize("stage", ["deaf", "chatty"])
def test_workers_end_when_it_is_killed(sweep, stage):
    killed = sweep(stage)
    killed.process.kill()
    assert killed.ends() == -signal.SIGKILL


def test_it_ends_when_its_outputs_are_deleted(sweep, home):
    broken = sweep("brief")
    (home / "outputs").rename(home / "elsewhere")
    (home / "outputs").touch()
    assert broken.ends() == 1
    assert "error: The output folder 'outputs' cannot be used: it is not a folder." in broken.log.read_text()
