"""Which stages are handed to workers, when, and what becomes of them: with workers that are not really there."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from stylepipe.engine import inputs
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.events import EngineNote, Event, StageCached, StageFinished, StageStarted
from stylepipe.engine.execution.held_artifacts import HeldArtifacts
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.job import Job
from stylepipe.engine.runner import RunResult, run
from stylepipe.engine.runs.records import list_runs
from stylepipe.engine.workers import tasks
from stylepipe.engine.workers.messages import Answer, Done, Failed, Left, Lost
from stylepipe.engine.workers.scheduler import Pool, Workers
from stylepipe.engine.workers.tasks import Task, compute_task
from stylepipe.errors import InputError, Interrupted, StageError
from stylepipe.recipe.resolved import ResolvedRecipe


class Pretended:
    """A pool in this process: of the tasks that have begun, the last is done when one listens, or lost so often as is said."""

    device = "cpu"

    def __init__(self, lab, size: int = 2, *, losses: dict[str, int] | None = None) -> None:
        self.lab = lab
        self.size = size
        self.alive = True
        self.losses = Counter(losses or {})
        self.tasks: list[Task] = []
        self.held = HeldArtifacts()
        self.log: list[str] = []

    @property
    def free(self) -> int:
        return self.size - len(self.tasks)

    def begin(self, task: Task) -> None:
        assert self.free > 0
        self.tasks.append(task)
        self.log.append(f"begin {task.stage}")

    def stop(self) -> None:
        self.log.append("stop")

    def listen(self) -> Iterator[Answer]:
        task = self.tasks.pop()
        self.log.append(f"end {task.stage}")
        if self.losses[task.stage]:
            self.losses[task.stage] -= 1
            yield Lost(task.stage, "Look into its log.")
            return
        events: list[Event] = []
        with self.lab.store.session() as session:
            answer = compute_task(task, session, self.held, StopRequest(), events.append)
        yield from [*events, answer]


def diamond(lab) -> ResolvedRecipe:
    """content → left, right → both: two stages that need nothing of each other."""
    return lab.recipe(
        [lab.image("content", 1)],
        [
            lab.node("left", "add", {"image": "content"}, amount=0.1),
            lab.node("right", "add", {"image": "content"}, amount=0.2),
            lab.node("both", "mix", {"first": "left", "second": "right"}),
        ],
    )


def run_with(lab, pool: Pool, job: Job, *, retries: int = 0, keep_going: bool = False) -> RunResult:
    lab.calls.clear()
    lab.events.clear()
    ahead = Workers(pool, job, lab.store, retries=retries, keep_going=keep_going)
    watch = lab.events.append
    return run(job, store=lab.store, outputs=lab.outputs, observe=watch, keep_going=keep_going, workers=ahead)


def test_stages_are_begun_as_soon_as_what_they_need_is_there(lab):
    pool = Pretended(lab)
    result = run_with(lab, pool, lab.job(diamond(lab)))
    assert pool.log == ["begin left", "begin right", "end right", "end left", "begin both", "end both"]
    assert sorted(lab.calls) == ["add", "add", "mix"]
    assert list(result.record.stages) == ["left", "right", "both"]
    assert not any(stage.cached for stage in result.record.stages.values())
    finished = [event.stage for event in lab.events if isinstance(event, StageFinished)]
    assert finished == ["right", "left", "both"]


def test_no_worker_gets_two_stages_at_once(lab):
    pool = Pretended(lab, size=1)
    run_with(lab, pool, lab.job(diamond(lab)))
    assert pool.log == ["begin left", "end left", "begin right", "end right", "begin both", "end both"]


def test_a_run_with_workers_comes_to_the_same_as_one_without(lab):
    alone = lab.run(diamond(lab)).record
    ahead = run_with(lab, Pretended(lab), lab.job(diamond(lab), force=True)).record
    for name, stage in alone.stages.items():
        assert (ahead.stages[name].key, ahead.stages[name].output) == (stage.key, stage.output)
    assert ahead.outputs == alone.outputs


def test_a_worker_reads_an_input_once(lab, monkeypatch):
    read: list[str] = []

    def read_input(source, *others, **options):
        read.append(source.file.name)
        return inputs.read_input(source, *others, **options)

    monkeypatch.setattr(tasks, "read_input", read_input)
    run_with(lab, Pretended(lab, size=1), lab.job(diamond(lab)))
    assert read == ["content"]


def test_what_is_in_the_store_is_not_handed_out_unless_it_is_forced(lab):
    lab.run(diamond(lab))
    pool = Pretended(lab)
    run_with(lab, pool, lab.job(diamond(lab), force=["right"]))
    assert pool.log == ["begin right", "end right"]
    assert [event.stage for event in lab.events if isinstance(event, StageCached)] == ["left", "both"]
    assert [event.reasons for event in lab.events if isinstance(event, StageStarted)] == [("it was forced",)]


@pytest.mark.parametrize("retries", [1, 3])
def test_a_stage_whose_worker_is_lost_is_computed_again(lab, retries):
    pool = Pretended(lab, losses={"left": retries})
    run_with(lab, pool, lab.job(diamond(lab)), retries=retries)
    assert pool.log.count("begin left") == retries + 1
    assert sorted(lab.calls) == ["add", "add", "mix"]
    notes = [event for event in lab.events if isinstance(event, EngineNote)]
    assert notes == [EngineNote("Its worker died. Another worker resumes it.", "left")] * retries


def test_a_stage_whose_worker_is_lost_once_more_fails(lab):
    pool = Pretended(lab, losses={"left": 3})
    with pytest.raises(StageError) as raised:
        run_with(lab, pool, lab.job(diamond(lab)), retries=2)
    assert raised.value.message == "Stage 'left': its worker died 3 times."
    assert raised.value.hint == "Look into its log."
    assert "begin both" not in pool.log


def failing(lab) -> ResolvedRecipe:
    """content → fails, and beside it content → first → second."""
    return lab.recipe(
        [lab.image("content", 1)],
        [
            lab.node("fails", "descend", {"image": "content"}, fail_at=0),
            lab.node("first", "add", {"image": "content"}, amount=0.1),
            lab.node("second", "add", {"image": "first"}, amount=0.1),
        ],
        fails="fails",
        second="second",
    )


def test_a_stage_that_fails_is_never_tried_again(lab):
    pool = Pretended(lab, size=1)
    with pytest.raises(StageError, match="Stage 'fails' failed with RuntimeError: no luck") as raised:
        run_with(lab, pool, lab.job(failing(lab)), retries=5)
    assert "Traceback" in str(raised.value.__cause__)
    assert pool.log == ["begin fails", "end fails", "stop"]


def test_others_go_on_where_the_run_is_to_keep_going(lab):
    pool = Pretended(lab, size=1)
    result = run_with(lab, pool, lab.job(failing(lab)), retries=5, keep_going=True)
    assert result.record.status == "failed"
    assert list(result.record.stages) == ["first", "second"]
    assert pool.log[2:] == ["begin first", "end first", "begin second", "end second"]


def test_without_workers_the_run_computes_by_itself(lab):
    pool = Pretended(lab, size=0)
    pool.alive = False
    result = run_with(lab, pool, lab.job(diamond(lab)))
    assert (result.record.status, pool.log) == ("done", [])
    assert sorted(lab.calls) == ["add", "add", "mix"]


@pytest.mark.parametrize("answer", [Left("left"), Done("left", "0" * 64, "0" * 64, computed=True)])
def test_what_is_not_made_under_its_own_key_is_left_to_the_run(lab, answer):
    pool = Pretended(lab)
    pool.listen = lambda: [answer]
    job = lab.job(diamond(lab))
    workers = Workers(pool, job, lab.store, retries=0, keep_going=False)
    assert not workers.wait_for("left", job.input_digests(), StopRequest(), lab.events.append)


def test_the_error_of_a_worker_keeps_its_kind(lab):
    pool = Pretended(lab)
    pool.listen = lambda: [Failed("left", "InputError", "Not here.", "Put it there.")]
    with pytest.raises(InputError, match="Not here"):
        run_with(lab, pool, lab.job(diamond(lab)))


def test_an_error_of_a_kind_of_its_own_is_answered_as_one_of_its_family(lab, monkeypatch):
    class Overexposed(StageError):
        def __init__(self, stops: float) -> None:
            super().__init__(f"It is {stops} EV too light.", hint="Take less light.")

    def compute(*_, **__):
        raise Overexposed(2)

    monkeypatch.setattr(tasks, "compute", compute)
    with pytest.raises(StageError) as raised:
        run_with(lab, Pretended(lab), lab.job(diamond(lab)))
    assert type(raised.value) is StageError
    assert (raised.value.message, raised.value.hint) == ("It is 2 EV too light.", "Take less light.")


def test_a_run_that_is_stopped_waits_for_no_worker(lab):
    job = lab.job(diamond(lab))
    stop = StopRequest()
    stop.ask()
    workers = Workers(Pretended(lab), job, lab.store, retries=0, keep_going=False)
    with pytest.raises(Interrupted):
        workers.wait_for("left", job.input_digests(), stop, lab.events.append)


def test_a_run_that_is_stopped_changes_nothing_where_a_worker_computes(lab, monkeypatch):
    pool, job = Pretended(lab), lab.job(diamond(lab))
    work = lab.store.root / "work" / key_of(job.stage_document("left", job.input_digests()))

    def stopped():
        work.mkdir()
        raise Interrupted("Stopped.")

    monkeypatch.setattr(pool, "listen", stopped)
    with pytest.raises(Interrupted, match=r"Stopped\."):
        run_with(lab, pool, job)
    assert [*lab.store.root.glob("work/*/*")] == []
    assert list_runs(lab.outputs)[0][1].status == "interrupted"


def test_a_task_holds_what_concerns_its_stage_alone(lab):
    pool = Pretended(lab)
    job = lab.job(diamond(lab))
    workers = Workers(pool, job, lab.store, retries=0, keep_going=False)
    workers.wait_for("right", job.input_digests(), StopRequest(), lab.events.append)
    [task] = [task for task in pool.tasks if task.stage == "left"]
    assert (task.stage, list(task.job.recipe.stages), list(task.job.inputs)) == ("left", ["left"], ["content"])
    assert task.digests == {"content": job.inputs["content"].digest}
    assert task.reasons == ("it has not run before",)


def test_a_worker_with_other_code_does_not_compute(lab):
    class Outdated(Pretended):
        def begin(self, task: Task) -> None:
            super().begin(replace(task, key="0" * 64))

    with pytest.raises(StageError, match="its worker has different code than this run, or a different kind of device"):
        run_with(lab, Outdated(lab), lab.job(diamond(lab)), retries=5)
    assert lab.calls == []


def test_a_machine_with_another_device_computes_nothing_that_is_left_to_it(lab):
    job = replace(lab.job(diamond(lab)), device="gpu")
    pool = Pretended(lab, size=0)
    pool.alive = False
    with pytest.raises(StageError, match="'left' needs a gpu, but fell back to this machine, which has a cpu"):
        run_with(lab, pool, job)
    assert lab.calls == []
