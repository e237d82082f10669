"""Longer computations go on from where shorter ones stopped, with the same bytes as at once."""

import json
import os
import signal
from datetime import timedelta

import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.engine.cache.store import Store
from stylepipe.engine.events import StageEmitted
from stylepipe.engine.execution import trajectories
from stylepipe.engine.garbage_collection import collect
from stylepipe.engine.runner import run
from stylepipe.errors import Interrupted
from stylepipe.stage import Checkpoint, Emit, Frame, Params, Progress, StageContractError, Trajectory, stage


class Way(Params):
    steps: int = 4
    factor: float = 0.5


WAY = Trajectory(("steps",), lambda params, state: int(state["done"]) <= params.steps)


@pytest.fixture
def walk(lab):
    """Runs a stage of so many steps; what `done` says is what it did."""

    @stage(version=1, trajectory=WAY)
    def walk(image: Image, params: Way, *, emit: Emit, checkpoint: Checkpoint) -> Image:
        """Scales all pixels again and again, with a frame for each time."""
        state = checkpoint.load()
        done, pixels = (int(state["done"]), state["pixels"]) if state else (0, np.array(image.pixels))
        while done < params.steps:
            lab.calls.append(done)
            pixels, done = pixels * np.float32(params.factor), done + 1
            emit(Progress(done, params.steps, loss=float(pixels.mean())))
            emit(Frame(pixels))
            checkpoint.offer(lambda done=done, pixels=pixels: {"done": np.asarray(done), "pixels": pixels})
        return Image(pixels)

    lab.stages["walk"] = walk

    def go(*, stop_at=None, name="w", force=(), **params):
        recipe = lab.recipe([lab.image("content", 1)], [lab.node(name, "walk", {"image": "content"}, **params)])

        def observe(event):
            lab.events.append(event)
            if isinstance(event, StageEmitted) and isinstance(event.event, Progress) and event.event.done == stop_at:
                os.kill(os.getpid(), signal.SIGINT)

        lab.calls.clear()
        return run(lab.job(recipe, force=force), store=lab.store, outputs=lab.outputs, observe=observe)

    return go


@pytest.fixture
def at_once(lab, walk):
    """The same in a cache of its own."""

    def go(**params):
        kept, lab.store = lab.store, Store(lab.root / "another cache")
        try:
            return walk(**params)
        finally:
            lab.store = kept

    return go


def progress(result):
    """The iterations in a run's log, with their losses."""
    logged = map(json.loads, (result.folder / "events.jsonl").read_text().splitlines())
    return [(event["done"], event["loss"]) for event in logged if event["event"] == "progress"]


def same(one, other):
    assert [record.output for record in one.record.stages.values()] == [
        record.output for record in other.record.stages.values()
    ]
    for name in ("result.png", "02-w.webp"):
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes()
    assert progress(one) == progress(other)


def test_more_steps_go_on_from_the_last_one(lab, walk, at_once):
    walk(steps=4)
    assert lab.calls == [0, 1, 2, 3]
    for more in (6, 7):
        result = walk(steps=more)
        assert lab.calls == list(range(more - 2 if more == 6 else more - 1, more))
        same(result, at_once(steps=more))
    assert len(list((lab.store.root / "trajectories").iterdir())) == 1
    assert not list((lab.store.root / "work").iterdir())


def test_fewer_steps_are_computed_anew_and_the_longest_way_is_kept(lab, walk, at_once):
    walk(steps=6)
    result = walk(steps=3)
    assert lab.calls == [0, 1, 2]
    same(result, at_once(steps=3))
    walk(steps=8)
    assert lab.calls == [6, 7]


def test_other_parameters_go_another_way(lab, walk, at_once):
    walk(steps=4)
    result = walk(steps=6, factor=0.25)
    assert lab.calls == list(range(6))
    same(result, at_once(steps=6, factor=0.25))


def test_a_stopped_way_is_continued_by_any_that_goes_as_far(lab, walk, at_once):
    with pytest.raises(Interrupted):
        walk(steps=9, stop_at=4)
    result = walk(steps=6)
    assert lab.calls == [4, 5]
    same(result, at_once(steps=6))
    result = walk(steps=9)  # from its own state, or from one that went further
    assert lab.calls == [4, 5, 6, 7, 8]
    same(result, at_once(steps=9))


def test_a_continuation_that_is_stopped_goes_on_itself(lab, walk, at_once):
    walk(steps=3)
    with pytest.raises(Interrupted):
        walk(steps=8, stop_at=5)
    assert lab.calls == [3, 4]
    result = walk(steps=8)
    assert lab.calls == [5, 6, 7]
    same(result, at_once(steps=8))


def test_a_stage_that_is_forced_goes_the_whole_way(lab, walk):
    walk(steps=4)
    walk(steps=6, force=["w"])
    assert lab.calls == list(range(6))


def test_what_takes_too_much_is_not_kept(lab, walk, monkeypatch):
    monkeypatch.setattr(trajectories, "LIMIT", 100)
    walk(steps=4)
    walk(steps=6)
    assert lab.calls == list(range(6))
    assert not list((lab.store.root / "trajectories").iterdir())


def test_those_used_longest_ago_make_room(lab, walk, monkeypatch):
    walk(steps=4)
    (one,) = (lab.store.root / "trajectories").iterdir()
    monkeypatch.setattr(
        trajectories, "LIMIT", int(1.5 * sum(path.stat().st_size for path in one.rglob("*.*") if path.is_file()))
    )
    os.utime(one, (1, 1))
    walk(steps=4, factor=0.25)
    (other,) = (lab.store.root / "trajectories").iterdir()
    assert other != one


@pytest.mark.parametrize(
    ("options", "left"), [({}, 1), ({"max_size": 10**9}, 1), ({"max_size": 0}, 0), ({"max_age": timedelta(0)}, 0)]
)
def test_a_collection_removes_them_by_age_and_by_size(lab, walk, options, left):
    walk(steps=4)
    collect(lab.store, **options)
    assert len(list((lab.store.root / "trajectories").iterdir())) == left
    assert walk(steps=5).record.status == "done"
    assert lab.calls == ([4] if left else [0, 1, 2, 3, 4])


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
@pytest.mark.parametrize("file", ["state.safetensors", "losses.jsonl", "frames", "frames/000001.png", ""])
def test_a_damaged_one_costs_its_own_work_at_most(lab, walk, at_once, file, damage):
    walk(steps=4)
    (kept,) = (lab.store.root / "trajectories").iterdir()
    path = kept / file
    if path.is_dir():
        path.rename(lab.root / "away")
    else:
        path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    result = walk(steps=6)
    assert lab.calls in ([4, 5], list(range(6)))
    assert result.record.stages["w"].output == at_once(steps=6).record.stages["w"].output
    walk(steps=7)
    assert lab.calls == [6]


def test_what_stops_a_way_is_a_parameter():
    with pytest.raises(StageContractError, match="its trajectory is stopped by 'paces'; allowed is a parameter of it"):

        @stage(version=1, trajectory=Trajectory(("paces",), lambda params, state: True))
        def lost(image: Image, params: Way) -> Image:
            """Goes nowhere."""
            return image
