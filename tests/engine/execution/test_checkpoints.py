"""Checkpoints and what is spooled with them."""

import json

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.engine.execution import checkpoints
from stylepipe.engine.execution.checkpoints import DiskCheckpoint
from stylepipe.engine.execution.signals import StopRequest
from stylepipe.engine.execution.spool import Frames, Losses
from stylepipe.errors import Interrupted
from stylepipe.stage import Progress

STATE = {
    "done": np.asarray(7),
    "pixels": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3),
    "flags": np.array([True, False]),
}


class Desk:
    """One computation's work folder, opened again and again."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.stop = StopRequest()
        self.notes: list[str] = []

    def open(self) -> DiskCheckpoint:
        self.frames, self.losses = Frames(self.folder), Losses(self.folder)
        return DiskCheckpoint(
            self.folder,
            self.frames,
            self.losses,
            stop=self.stop,
            note=self.notes.append,
        )

    def add(self, done: int) -> None:
        self.losses.add(Progress(done, 9, loss=1 / done))
        self.frames.add(np.full((4, 6, 3), done / 10, np.float32))


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def often(monkeypatch):
    """The state is saved each time that it is offered."""
    monkeypatch.setattr(checkpoints, "SAVE_SECONDS", 0.0)


def test_the_first_start_has_no_state(desk):
    assert desk.open().load() is None
    assert desk.notes == []


def test_a_saved_state_comes_back_as_it_was(desk, often):
    desk.open().offer(lambda: STATE)
    state = desk.open().load()
    assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in state.items()} == {
        name: (a.dtype, a.shape, a.tobytes()) for name, a in STATE.items()
    }


def test_the_state_is_only_taken_when_it_is_time(desk):
    checkpoint = desk.open()
    checkpoint.offer(lambda: pytest.fail("too early"))
    assert desk.open().load() is None


def test_saving_that_takes_long_is_done_less_often(desk, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock[0])
    saved: list[float] = []

    def slow_state():
        saved.append(clock[0])
        clock[0] += 1.0
        return STATE

    checkpoint = desk.open()
    while clock[0] < 200:
        checkpoint.offer(slow_state)
        clock[0] += 0.5
    assert saved == [10.0, 61.0, 112.0, 163.0]  # one second is a fiftieth of fifty


def test_a_stop_saves_the_state_first(desk):
    checkpoint = desk.open()
    desk.stop.ask()
    with pytest.raises(Interrupted) as caught:
        checkpoint.offer(lambda: STATE)
    assert str(caught.value) == "Stopped; its state is saved. Run the same command again to resume."
    assert desk.open().load()["done"] == 7


def test_seconds_of_earlier_attempts_are_kept(desk, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock[0])
    for expected in (0.0, 30.0, 60.0):
        checkpoint = desk.open()
        assert checkpoint.seconds == expected
        clock[0] += 30
        checkpoint.offer(lambda: STATE)


def test_spools_go_back_to_where_the_state_was_saved(desk, often):
    checkpoint = desk.open()
    for done in (1, 2, 3):
        desk.add(done)
    checkpoint.offer(lambda: STATE)
    for done in (4, 5):  # then the process dies
        desk.add(done)
    desk.open()
    assert (desk.frames.count, desk.losses.count, desk.losses.done) == (3, 3, 3)
    for done in (4, 5, 6):
        desk.add(done)
    assert [line["done"] for line in desk.losses.lines()] == [1, 2, 3, 4, 5, 6]
    desk.frames.assemble(desk.folder / "a.webp")
    with Pillow.open(desk.folder / "a.webp") as animation:
        assert animation.n_frames == 6


def test_without_a_state_the_spools_begin_anew(desk):
    desk.open()
    desk.add(1)
    desk.open()
    assert (desk.frames.count, desk.losses.count, desk.losses.done) == (0, 0, None)


@pytest.mark.parametrize("damage", ["truncated", "a bit flipped", "empty", "other"])
def test_a_damaged_state_is_not_used_and_a_note_says_so(desk, often, damage):
    checkpoint = desk.open()
    desk.add(1)
    checkpoint.offer(lambda: STATE)
    path = desk.folder / "state.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes({"truncated": data[:-4], "a bit flipped": data, "empty": b"", "other": b"hello"}[damage])
    assert desk.open().load() is None
    assert desk.notes == ["The saved state of an earlier run was damaged and is not used."]
    assert (desk.frames.count, desk.losses.count) == (0, 0)


def test_frames_of_other_sizes_take_the_last_one_s(desk):
    desk.open()
    desk.frames.add(np.zeros((4, 6, 3), np.float32))
    desk.frames.add(np.ones((8, 12, 3), np.float32))
    desk.frames.assemble(desk.folder / "a.webp")
    with Pillow.open(desk.folder / "a.webp") as animation:
        assert animation.size == (12, 8)
        assert animation.n_frames == 2
        levels = []
        for index in range(2):
            animation.seek(index)
            levels.append(int(np.asarray(animation.convert("RGB")).mean()))
    assert levels == [0, 255]


@pytest.mark.parametrize(("size", "expected"), [((300, 2048), (1024, 150)), ((3000, 4), (1, 1024)), ((512, 1024), (1024, 512))])
def test_an_animation_is_at_most_1024_pixels_wide_or_high(desk, size, expected):
    desk.open()
    desk.frames.add(np.zeros((*size, 3), np.float32))
    desk.frames.assemble(desk.folder / "a.webp")
    with Pillow.open(desk.folder / "a.webp") as animation:
        assert animation.size == expected


def test_losses_that_are_no_numbers_are_still_json(desk):
    desk.open()
    desk.losses.add(Progress(1, 2, loss=float("nan"), terms={"gram": float("inf"), "content": 0.5}))
    desk.losses.add(Progress(2, 2))
    assert desk.losses.lines() == [
        {"done": 1, "total": 2, "loss": "nan", "terms": {"gram": "inf", "content": 0.5}},
        {"done": 2, "total": 2, "loss": None, "terms": {}},
    ]
    json.loads((desk.folder / "losses.jsonl").read_text().splitlines()[0], parse_constant=pytest.fail)


def test_a_line_cut_off_by_a_crash_is_dropped(desk, often):
    checkpoint = desk.open()
    desk.add(1)
    checkpoint.offer(lambda: STATE)
    with (desk.folder / "losses.jsonl").open("a") as file:
        file.write('{"done": 2, "to')
    desk.open()
    desk.losses.add(Progress(2, 2))
    assert [line["done"] for line in desk.losses.lines()] == [1, 2]
