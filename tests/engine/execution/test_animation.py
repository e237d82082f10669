"""Animations, written and read a frame at a time."""

import weakref

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.engine.execution import spool
from stylepipe.engine.execution.animation import read_webp, write_gif, write_webp
from stylepipe.engine.execution.spool import Frames, last_frame


def picture(number, size=(40, 30)):
    """A smooth one: its colors survive compression."""
    ramp = np.linspace(0, 200, size[0] * size[1]).reshape(size[1], size[0])
    return Pillow.fromarray(np.stack([ramp, ramp[::-1], np.full_like(ramp, 20 * number)], -1).astype(np.uint8))


def difference(one, other):
    return np.abs(np.asarray(one.convert("RGB"), int) - np.asarray(other.convert("RGB"), int)).mean()


@pytest.mark.parametrize("size", [(40, 30), (41, 31), (1, 1)])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_webp_holds_every_frame_for_its_time(tmp_path, count, size):
    frames = [picture(number, size) for number in range(count)]
    write_webp(tmp_path / "a.webp", ((frame, 100) for frame in frames), last_milliseconds=2000)
    with Pillow.open(tmp_path / "a.webp") as animation:
        assert (animation.size, animation.n_frames, animation.info["loop"]) == (size, count, 0)
    again = list(read_webp(tmp_path / "a.webp"))
    assert [milliseconds for _, milliseconds in again] == [100] * (count - 1) + [2000]
    assert all(difference(frame, expected) < 6 for (frame, _), expected in zip(again, frames, strict=True))
    data = (tmp_path / "a.webp").read_bytes()
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_gif_holds_every_frame_for_its_time(tmp_path, count):
    frames = [(picture(number), 100 + 10 * number) for number in range(count)]
    write_gif(tmp_path / "a.gif", iter(frames))
    with Pillow.open(tmp_path / "a.gif") as animation:
        assert (animation.size, animation.n_frames, animation.info["loop"]) == ((40, 30), count, 0)
        for number, (frame, milliseconds) in enumerate(frames):
            animation.seek(number)
            assert animation.info["duration"] == milliseconds
            assert difference(animation, frame) < 4


@pytest.mark.parametrize("write", [lambda path, frames: write_webp(path, frames, last_milliseconds=1), write_gif])
def test_a_few_frames_are_in_memory_at_a_time(tmp_path, write):
    alive = []
    most = []

    def frames():
        for number in range(30):
            frame = picture(number % 10)
            alive.append(weakref.ref(frame))
            most.append(sum(each() is not None for each in alive))
            yield frame, 100
            del frame

    write(tmp_path / "a", frames())
    assert max(most) <= 3


def test_of_very_many_frames_every_second_or_third_is_taken_and_always_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "ANIMATION_FRAMES", 4)
    frames = Frames(tmp_path)
    for number in range(9):
        frames.add(np.full((4, 6, 3), number / 10, np.float32))
    frames.assemble(tmp_path / "a.webp")
    levels = [round(np.asarray(frame).mean() / 25.5) for frame, _ in read_webp(tmp_path / "a.webp")]
    assert levels == [2, 5, 8]


def test_frames_that_cannot_be_read_are_left_out(tmp_path):
    frames = Frames(tmp_path)
    for number in range(5):
        frames.add(np.full((4, 6, 3), number / 10, np.float32))
    (tmp_path / "frames" / "000001.png").write_bytes(b"garbage")
    (tmp_path / "frames" / "000004.png").write_bytes(b"")
    frames.assemble(tmp_path / "a.webp")
    levels = [round(np.asarray(frame).mean() / 25.5) for frame, _ in read_webp(tmp_path / "a.webp")]
    assert levels == [0, 2, 3]


def test_the_last_frame_of_a_work_folder_in_which_another_process_computes(tmp_path, monkeypatch):
    assert last_frame(tmp_path / "gone") is None
    assert last_frame(tmp_path) is None
    assert [*tmp_path.iterdir()] == []
    frames = Frames(tmp_path)
    for number in range(3):
        frames.add(np.full((4, 6, 3), number / 10, np.float32))
    assert last_frame(tmp_path) == frames.path(2).read_bytes()
    frames.path(2).write_bytes(b"half of it")
    assert last_frame(tmp_path) == frames.path(1).read_bytes()
    monkeypatch.setattr(spool, "_numbers", lambda folder: [0, 1, 7])  # what was there a moment ago
    assert last_frame(tmp_path) == frames.path(1).read_bytes()
