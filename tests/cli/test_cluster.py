"""Sweeps on a real Dask cluster: a scheduler and three workers, each a process of its own, on this machine."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOYS = Path(__file__).parent / "toys"

SWEEP = """\
stylepipe: 1
name: toy
params: {steps: 4, amount: 0.25, pause: 0.3}
inputs: {photo: {image: photo.png}}
stages:
  bright: {use: brighten, image: $photo, amount: $params.amount}
  dark: {use: walk, image: $bright, steps: $params.steps, seconds: $params.pause}
output: $dark
sweep: {grid: {steps: [6, 7, 8]}}
"""

FAILING = """\
stylepipe: 1
name: toy
params: {reason: ""}
inputs: {photo: {image: photo.png}}
stages:
  gone: {use: give_up, image: $photo, reason: $params.reason}
output: $gone
sweep: {grid: {reason: [Too dark., ""]}}
"""


@dataclass
class Cluster:
    """A scheduler, and the processes of its workers; `cache` is what they share."""

    folder: Path
    scheduler: subprocess.Popen = field(init=False)
    workers: list[subprocess.Popen] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def executor(self) -> str:
        from distributed.utils import json_load_robust

        scheduler = json_load_robust(self.folder / "scheduler.json", timeout=60)  # which may be half written
        return scheduler["address"].replace("tcp://", "dask://")

    def start(self, *arguments: str) -> subprocess.Popen:
        """A process of Dask's own command line, which has the toys and the cache."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "site"), "STYLEPIPE_CACHE": str(self.cache)}
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(self.folder / "scheduler.json")]
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen([*command, "--no-dashboard"], env=environment, cwd=self.folder, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without workers."""
    pytest.importorskip("distributed", reason="Dask is not installed (pip install 'stylepipe[dask]')")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    pack = cluster.folder / "site" / "toys"
    pack.mkdir(parents=True)
    for path in TOYS.glob("*.py"):
        (pack / path.name).write_bytes(path.read_bytes())
    (pack / "__init__.py").touch()
    installed = pack.parent / "toys-1.0.dist-info"  # as `install_pack` has it here
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[stylepipe.stages]\ntoys = toys\n")
    cluster.scheduler = cluster.start("scheduler", "--host", "127.0.0.1", "--port", "0")
    try:
        while not (cluster.folder / "scheduler.json").exists():
            assert cluster.scheduler.poll() is None, (cluster.folder / "log.txt").read_text()
            time.sleep(0.05)
        yield cluster
    finally:
        for each in [*cluster.workers, cluster.scheduler]:
            with each:
                each.kill()


@pytest.fixture
def cluster(scheduler: Cluster) -> Cluster:
    """The same with three workers."""
    from distributed import Client

    scheduler.workers[:] = [worker for worker in scheduler.workers if worker.poll() is None]
    options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--local-directory", str(scheduler.folder))
    scheduler.workers += [scheduler.start("worker", *options) for _ in range(3 - len(scheduler.workers))]
    with Client(scheduler.executor.removeprefix("dask://"), set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
    return scheduler


@pytest.fixture
def recipe(home: Path) -> Path:
    (home / "recipe.yaml").write_text(SWEEP)
    return home / "recipe.yaml"


def told(folder: Path) -> dict[str, list[str]]:
    """The events of each stage."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    stages = {event["stage"] for event in events if event.get("stage")}
    return {stage: [event["event"] for event in events if event.get("stage") == stage] for stage in stages}


def digests(said) -> list[str]:
    return [variant["outputs"]["dark"]["digest"] for variant in said.data["results"]["variants"]]


def all_at_work(text: str) -> bool:
    return all(f'"progress", "stage": "dark@{steps}"' in text for steps in (6, 7, 8))


def when_all_are_at_work(act: Callable[[], None]) -> threading.Thread:
    """Does something as soon as three stages have done a step in the run to come."""
    before = set(Path("outputs").glob("*/*/events.jsonl"))

    def watch() -> None:
        while not any(all_at_work(path.read_text()) for path in set(Path("outputs").glob("*/*/events.jsonl")) - before):
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


# --- what is wrong with the cluster -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1:8786", "tcp://127.0.0.1:8786", "dask://", "dask://127.0.0.1", "dask://:8786", "dask://127.0.0.1:port"),
        *("dask://127.0.0.1:99999", "dask://127.0.0.1:0", "dask://a:1/path", "dask://me@a:1", "dask://[::1:8786"),
    ],
)
def test_a_wrong_address_is_refused(cli, recipe, address):
    said = cli("sweep", recipe.name, "--executor", address, "-q")
    assert said.code == 2
    assert said.err == f"error: --executor {address}: expected dask://HOST:PORT.\nhint: For example dask://127.0.0.1:8786.\n"


def test_a_cluster_and_processes_are_not_both_used(cli, recipe):
    said = cli("sweep", recipe.name, "--executor", "dask://127.0.0.1:8786", "--jobs", "2", "-q")
    assert (said.code, said.err.count("Give one of them.")) == (2, 1)


def test_without_dask_the_extra_is_named(cli, recipe, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = cli("sweep", recipe.name, "--executor", "dask://127.0.0.1:8786", "-q")
    assert said.code == 2
    assert said.err.endswith("Dask is not installed.\nhint: Install it by: pip install 'stylepipe[dask]'\n")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, r"\[Errno \d+\] Connection refused|Timed out trying to connect to .*"),
        (b"", "another kind of server answers there"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "another kind of server answers there"),
    ],
)
def test_no_scheduler_is_there(cli, recipe, monkeypatch, answer, reason):
    pytest.importorskip("distributed", reason="Dask is not installed (pip install 'stylepipe[dask]')")
    monkeypatch.setattr("stylepipe.engine.workers.dask_pool._CONNECT_SECONDS", 2)
    with socket.socket() as server, ExitStack() as stack:
        server.bind(("127.0.0.1", 0))

        def reply() -> None:
            stack.enter_context(server.accept()[0]).sendall(answer)

        if answer is not None:
            server.listen()
            threading.Thread(target=reply, daemon=True).start()
        address = f"dask://127.0.0.1:{server.getsockname()[1]}"
        said = cli("sweep", recipe.name, "--executor", address, "-q")
    assert said.code == 2
    first, hint = said.err.splitlines()
    assert re.fullmatch(rf"error: There is no Dask scheduler at {address}: (\w+: )?({reason})\.", first)
    assert hint.startswith("hint: Start one with `dask scheduler`.")


@pytest.mark.slow
def test_a_scheduler_without_workers(cli, recipe, scheduler, monkeypatch):
    assert not scheduler.workers
    monkeypatch.setattr("stylepipe.engine.workers.dask_pool._CONNECT_SECONDS", 2)
    said = cli("sweep", recipe.name, "--executor", scheduler.executor, "-q")
    assert said.code == 2
    assert f"The scheduler at {scheduler.executor} has no workers.\nhint: Start some" in said.err
    assert not Path("outputs").exists()


@pytest.mark.slow
def test_workers_with_another_cache_are_refused(cli, recipe, cluster, tmp_path):
    said = cli("sweep", recipe.name, "--executor", cluster.executor, "--cache", tmp_path / "other", "-q")
    assert said.code == 2
    assert "cannot be used: it keeps its results in another folder than this run.\nhint: Set STYLEPIPE_CACHE to" in said.err
    assert f"there it is {cluster.cache}, here {tmp_path / 'other'}." in said.err


# --- sweeps -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_fails_in_a_worker_is_told_as_if_it_had_not_and_never_tried_again(cli, home, cluster):
    (home / "fails.yaml").write_text(FAILING)
    alone = cli("sweep", "fails.yaml", "--json", "-q")
    there = cli("sweep", "fails.yaml", "--json", "-q", "--executor", cluster.executor, "--cache", cluster.cache)
    assert there.code == alone.code == 3
    one, other = (said.data["results"]["variants"] for said in (alone, there))
    assert [variant["error"] for variant in other] == [variant["error"] for variant in one]
    folder = Path(there.data["folder"])
    assert "ZeroDivisionError: division by zero" in (folder / "traceback.txt").read_text()
    assert all(events.count("stage started") == 1 for events in told(folder).values())


@pytest.mark.slow
def test_a_worker_is_killed_and_the_sweep_comes_to_the_same_as_alone(cli, recipe, cluster):
    alone = cli("sweep", recipe.name, "--json", "-q", "-p", "pause=0")
    killer = when_all_are_at_work(cluster.workers[0].kill)
    there = cli("sweep", recipe.name, "--json", "-q", "--executor", cluster.executor, "--cache", cluster.cache)
    killer.join()
    assert (there.code, there.err) == (0, "")
    assert digests(there) == digests(alone)
    events = told(Path(there.data["folder"]))
    assert {stage: found.count("stage finished") for stage, found in events.items()} == dict.fromkeys(events, 1)
    started = sorted(found.count("stage started") for found in events.values())
    assert started == [1, 1, 1, 2], "each is computed once, but the one that was lost"
    text = (Path(there.data["folder"]) / "events.jsonl").read_text()
    assert text.count("Its worker died. Another worker resumes it.") == 1
    assert "127.0.0.1" not in text
    losses = [variant["losses"] for variant in there.data["results"]["variants"]]
    assert losses == [variant["losses"] for variant in alone.data["results"]["variants"]]


@pytest.mark.slow
def test_a_sweep_that_is_stopped_stops_the_workers_and_goes_on_later(cli, recipe, cluster):
    options = ("--json", "-q", "--executor", cluster.executor, "--cache", cluster.cache, "-p", "amount=0.125")
    stopper = when_all_are_at_work(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert cli("sweep", recipe.name, *options).code == 130
    stopper.join()
    assert not list((cluster.cache / "locks").iterdir())
    assert len(list((cluster.cache / "work").glob("*/state.safetensors"))) == 3
    there = cli("sweep", recipe.name, *options)
    assert there.code == 0, there.err
    lines = (Path(there.data["folder"]) / "events.jsonl").read_text().splitlines()
    steps = [json.loads(line)["done"] for line in lines if '"progress", "stage": "dark@6"' in line]
    assert steps == [1, 2, 3, 4, 5, 6], "those of both runs, each once"
    assert digests(there) == digests(cli("sweep", recipe.name, "--json", "-q", "-p", "amount=0.125", "-p", "pause=0"))


@pytest.mark.slow
def test_a_cluster_without_workers_ends_the_sweep(cli, recipe, cluster, monkeypatch):
    monkeypatch.setattr("stylepipe.engine.workers.dask_pool._PATIENCE_SECONDS", 1.0)
    killer = when_all_are_at_work(lambda: [worker.kill() for worker in cluster.workers])
    options = ("-q", "--executor", cluster.executor, "--cache", cluster.cache, "-p", "amount=0.5")
    said = cli("sweep", recipe.name, *options)
    killer.join()
    assert said.code == 1
    assert said.err.startswith("error: The cluster has had no worker for 1 s.\nhint: Finished results are kept")


@pytest.mark.slow
def test_a_cluster_without_its_scheduler_ends_the_sweep(cli, recipe, cluster, monkeypatch):
    monkeypatch.setattr("stylepipe.engine.workers.dask_pool._CONNECT_SECONDS", 2)
    killer = when_all_are_at_work(cluster.scheduler.kill)
    options = ("-q", "--executor", cluster.executor, "--cache", cluster.cache, "-p", "amount=0.75")
    said = cli("sweep", recipe.name, *options)
    killer.join()
    assert said.code == 1
    assert said.err.endswith(
        "error: The scheduler of the cluster is gone.\nhint: Finished results are kept: "
        "run the same command again when it is back.\n"
    )
