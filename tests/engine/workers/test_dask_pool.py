"""Who of a Dask cluster is used, and what becomes of tasks there: with a client that only pretends to be connected."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest

from stylepipe import __version__
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.events import EngineNote, StageEmitted, StageFinished, StageStarted
from stylepipe.engine.workers import dask_pool as module
from stylepipe.engine.workers.dask_pool import Cluster, _introduction
from stylepipe.engine.workers.dask_worker import Introduction, compute_stage, introduce
from stylepipe.engine.workers.messages import Done, Failed, Left, Lost, decode, encode
from stylepipe.engine.workers.tasks import Task
from stylepipe.errors import ClusterError, InputError, UsageError

pytest.importorskip("distributed", reason="Dask is not installed (pip install 'stylepipe[dask]')")

from distributed import KilledWorker

FIT = Introduction(cache="/cache", shares=True, device="cpu", version=__version__, declared=False)


class PretendedFuture:
    """A task in Dask's hands, which ends when the test says so."""

    def __init__(self) -> None:
        self.status = "pending"
        self.error: Exception | None = None
        self.tell: Callable[[Any], None] = lambda future: None

    def add_done_callback(self, tell: Callable[[Any], None]) -> None:
        self.tell = tell

    def exception(self) -> Exception | None:
        return self.error

    def end(self, error: Exception | None = None) -> None:
        self.status, self.error = ("error" if error else "finished"), error
        self.tell(self)


class PretendedClient:
    """What `Cluster` wants of Dask's client: workers that say of themselves what is in `workers`."""

    def __init__(self, **workers: Introduction | Exception) -> None:
        self.workers = workers
        self.submitted: list[dict[str, Any]] = []
        self.futures: list[PretendedFuture] = []
        self.canceled: list[PretendedFuture] = []

    def subscribe_topic(self, topic: str, hear: Callable[[tuple[float, Any]], None]) -> None:
        self.hear = hear

    def wait_for_workers(self, count: int, timeout: float) -> None:
        if not self.workers:
            raise TimeoutError

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.workers, 1)

    def run(self, function: Callable, *arguments: object, workers: list[str], on_error: str) -> dict[str, Any]:
        said = {name: self.workers[name] for name in workers}
        return {name: each if isinstance(each, Exception) else json.dumps(asdict(each)) for name, each in said.items()}

    def submit(self, function: Callable, *arguments: object, **options: Any) -> PretendedFuture:
        self.submitted.append(options)
        self.futures.append(PretendedFuture())
        return self.futures[-1]

    def cancel(self, futures: list[PretendedFuture]) -> None:
        self.canceled += futures

    def say(self, number: int, answer: object) -> None:
        """A worker's word of the task that was submitted as such."""
        self.hear((0.0, {"attempt": self.submitted[number]["key"], "answer": encode(answer)}))


@pytest.fixture
def connect(lab, monkeypatch):
    """A cluster with that client, which calls the roll whenever it is listened to."""
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_UPDATE_SECONDS", 0.0)

    def make(client: PretendedClient) -> Cluster:
        @contextmanager
        def connected(*address: object) -> Iterator[PretendedClient]:
            yield client

        monkeypatch.setattr(module, "_connected", connected)
        return Cluster("dask://there:8786", lab.store, prepare=lambda: None)

    return make


@pytest.fixture
def task(lab) -> Task:
    """The task of the first stage of the lab's chain."""
    job = lab.job(lab.chain())
    digests = {"content": job.inputs["content"].digest}
    key = key_of(job.stage_document("brighter", digests))
    return Task("brighter", job.of_stage("brighter"), digests, key, ("it has not run before",))


# --- who is used ------------------------------------------------------------------------------------------------------


def test_without_workers_it_is_not_entered(connect):
    with pytest.raises(UsageError, match="The scheduler at dask://there:8786 has no workers"), connect(PretendedClient()):
        pass


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (ModuleNotFoundError("No module named 'stylepipe'"), "ModuleNotFoundError: No module named 'stylepipe'"),
        (replace(FIT, version="0.0.1"), f"it has stylepipe 0.0.1, and this run {__version__}"),
        (replace(FIT, shares=False), "it keeps its results in another folder than this run"),
        (replace(FIT, device="gpu"), "it computes on a gpu, and others on a cpu"),
    ],
)
def test_a_worker_that_cannot_be_used_is_named_and_so_is_why(connect, said, message):
    with pytest.raises(UsageError) as raised, connect(PretendedClient(first=FIT, second=said)):
        pass
    assert raised.value.message == f"The worker at second cannot be used: {message}."
    assert raised.value.hint


def test_where_some_have_declared_a_gpu_only_they_are_used(connect, task):
    gpu = replace(FIT, device="gpu", declared=True)
    client = PretendedClient(one=FIT, two=gpu, three=gpu)
    with connect(client) as cluster:
        assert (cluster.free, cluster.device) == (2, "gpu")
        cluster.begin(task)
        assert client.submitted[0]["workers"] == ["three"]
        assert client.submitted[0]["resources"] == {"GPU": 1}
        assert cluster.free == 1


def test_workers_that_come_later_are_used_unless_they_cannot_be(connect, task):
    client = PretendedClient(one=FIT)
    with connect(client) as cluster:
        cluster.begin(task)
        assert client.submitted[0]["resources"] is None
        client.workers |= {"two": FIT, "three": replace(FIT, device="gpu")}
        note = "A new worker is not used: it computes on a gpu, and others on a cpu."
        assert list(cluster.listen()) == [EngineNote(note)]
        assert cluster.free == 1
        assert list(cluster.listen()) == []


def test_the_error_for_an_address_comes_before_any_connection(lab):
    with pytest.raises(UsageError, match="expected dask://HOST:PORT"):
        Cluster("tcp://there:8786", lab.store, prepare=lambda: None)


# --- what becomes of tasks --------------------------------------------------------------------------------------------


def test_what_a_worker_says_is_handed_on_until_it_has_said_what_became_of_it(connect, task):
    client = PretendedClient(one=FIT)
    said = [StageStarted("brighter", ()), StageFinished("brighter", 1.0), Done("brighter", task.key, "0" * 64, computed=True)]
    with connect(client) as cluster:
        cluster.begin(task)
        for answer in said:
            client.say(0, answer)
        client.futures[0].end()
        assert list(cluster.listen()) == said
        assert cluster.free == 1
        client.say(0, Left("brighter"))
        assert list(cluster.listen()) == []


def test_a_task_whose_worker_is_gone_is_lost_and_taken_back(connect, task):
    client = PretendedClient(one=FIT, two=FIT)
    with connect(client) as cluster:
        cluster.begin(task)
        del client.workers[client.submitted[0]["workers"][0]]
        [answer] = cluster.listen()
        assert isinstance(answer, Lost)
        assert client.canceled == client.futures
        assert cluster.free == 1


@pytest.mark.parametrize("error", [KilledWorker("brighter", SimpleNamespace(address="one"), 3), None])
def test_a_task_that_ends_without_a_word_is_lost(connect, task, error):
    client = PretendedClient(one=FIT)
    with connect(client) as cluster:
        cluster.begin(task)
        client.futures[0].end(error)
        [answer] = cluster.listen()
        assert isinstance(answer, Lost)


def test_an_error_that_the_worker_does_not_expect_is_the_stages_failure(connect, task):
    client = PretendedClient(one=FIT)
    with connect(client) as cluster:
        cluster.begin(task)
        client.futures[0].end(ModuleNotFoundError("No module named 'toys'\nor so"))
        [answer] = cluster.listen()
        assert isinstance(answer, Failed)
        assert answer.message == "Stage 'brighter': its worker failed with ModuleNotFoundError: No module named 'toys'."
        assert "Traceback" in answer.traceback or "ModuleNotFoundError" in answer.traceback
        assert cluster.free == 1


def test_it_waits_for_workers_and_not_for_ever(connect, task, monkeypatch):
    client = PretendedClient(one=FIT)
    with pytest.raises(ClusterError, match=r"has had no worker for 0 s"), connect(client) as cluster:
        client.workers.clear()
        assert list(cluster.listen()) == []
        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.0)
        list(cluster.listen())


def test_leaving_takes_tasks_back_and_waits_for_those_that_have_begun(connect, task):
    client = PretendedClient(one=FIT, two=FIT)
    with connect(client) as cluster:
        cluster.begin(task)
        cluster.begin(task)
        client.say(0, StageStarted("brighter", ()))
        assert list(cluster.listen()) == [StageStarted("brighter", ())]
        client.say(0, Left("brighter"))
    assert client.canceled == client.futures


# --- in the worker ----------------------------------------------------------------------------------------------------


class PretendedWorker:
    """What a task wants of Dask's worker: it keeps what is logged, and takes the task back after so many words."""

    def __init__(self, patience: int = 99) -> None:
        self.patience = patience
        self.said: list[object] = []
        self.task = SimpleNamespace(state="executing")
        self.state = SimpleNamespace(tasks={"it": self.task}, total_resources={"GPU": 1.0})

    def get_current_task(self) -> str:
        return "it"

    def log_event(self, topic: str, message: dict[str, Any]) -> None:
        self.said.append(decode(message["answer"]))
        if len(self.said) >= self.patience:
            self.task.state = "cancelled"


@pytest.fixture
def compute(lab, monkeypatch):
    """What a worker says that computes a task."""
    monkeypatch.setenv("STYLEPIPE_CACHE", str(lab.store.root))

    def call(task: Task, patience: int = 99) -> list[object]:
        worker = PretendedWorker(patience)
        monkeypatch.setattr("distributed.get_worker", lambda: worker)
        compute_stage(task, "topic")
        return worker.said

    return call


def test_a_worker_computes_a_stage_for_the_store_of_the_run(lab, task, compute):
    *events, done = compute(task)
    assert [type(event) for event in events] == [StageStarted, StageFinished]
    action = lab.store.find(task.key)
    assert done == Done("brighter", task.key, action.output, computed=True)
    assert compute(task) == [Done("brighter", task.key, action.output, computed=False)]
    assert lab.calls == ["add"]


def test_a_worker_that_has_another_input_says_so(lab, task, compute):
    lab.image("content", 2)
    [failed] = compute(task)
    assert type(failed.error) is InputError
    assert failed.message == "Stage 'brighter': its worker has a different input 'content' than this run."


def test_a_worker_that_has_no_such_input_says_so(lab, task, compute):
    (lab.folder / "content.png").unlink()
    [failed] = compute(task)
    assert type(failed.error) is InputError
    assert "input 'content' names 'content.png': there is no such file" in failed.message


def test_a_worker_without_room_for_results_leaves_the_stage(lab, task, compute, monkeypatch):
    lab.store.root.parent.joinpath("file").touch()
    monkeypatch.setenv("STYLEPIPE_CACHE", str(lab.store.root.parent / "file"))
    assert compute(task) == [Left("brighter")]


def test_a_task_that_is_taken_back_saves_its_state_and_goes_on_later(lab, compute):
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("down", "descend", {"image": "content"}, steps=5)])
    job = lab.job(recipe)
    digests = job.input_digests()
    task = Task("down", job.of_stage("down"), digests, key_of(job.stage_document("down", digests)), ())
    *_, last = compute(task, patience=5)  # each step tells its progress and its preview
    assert last == Left("down")
    assert lab.calls == ["descend", "step 0", "step 1"]
    *said, done = compute(task)
    assert done.computed
    assert lab.calls[3:] == ["descend", "step 2", "step 3", "step 4"]
    assert len([event for event in said if isinstance(event, StageEmitted)]) == 4, "three steps and a note; no frames"


def test_an_introduction_says_what_the_run_must_know(lab, monkeypatch):
    monkeypatch.setenv("STYLEPIPE_CACHE", str(lab.store.root))
    called: list[str] = []
    with lab.store.session() as session:
        name = str(session.folder.relative_to(lab.store.root))
        said = _introduction(introduce(name, lambda: called.append("prepared"), PretendedWorker()))
    assert said == Introduction(str(lab.store.root), True, "cpu", __version__, True)
    assert called == ["prepared"]
    gone = _introduction(introduce(name, lambda: None, PretendedWorker()))
    assert isinstance(gone, Introduction)
    assert not gone.shares
