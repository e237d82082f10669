"""Whatever happens to the working files of a stopped stage: it comes to its end, from its last good state."""

import json
import os
import signal

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.engine.cache.store import Store
from stylepipe.engine.events import EngineNote, StageEmitted
from stylepipe.engine.runner import run
from stylepipe.errors import Interrupted
from stylepipe.stage import Progress

STEPS, STOP = 8, 4


def flipped(data):
    draw = np.random.default_rng(len(data))
    for place in draw.integers(len(data), size=3):
        data = data[:place] + bytes([data[place] ^ 1 << int(draw.integers(8))]) + data[place + 1 :]
    return data


CONTENTS = {
    "empty": lambda data: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "cut off at the end": lambda data: data[:-1],
    "longer": lambda data: data + b"more\n",
    "bits flipped": flipped,
    "the first byte": lambda data: bytes([data[0] ^ 0x80]) + data[1:],
    "garbage": lambda data: np.random.default_rng(0).bytes(len(data)),
    "of another kind": lambda data: b'{"done": "x"}\n[[1]]\nnull\n{"done": 1, "total": 2, "loss": NaN, "terms": {}}\n',
    "deep": lambda data: b"[" * 100_000,
}


def replaced(path, data):
    path.unlink()
    path.write_bytes(data)


def folder(path):
    path.unlink()
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "file").write_bytes(b"x")


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def loop(path):
    path.unlink()
    path.symlink_to(path)


def unreadable(path):
    path.chmod(0)
    if os.geteuid() == 0:
        pytest.skip("the superuser reads anything")


IN_ITS_PLACE = {"missing": os.unlink, "a folder": folder, "a pipe": pipe, "a loop": loop, "unreadable": unreadable}


@pytest.fixture
def stopped(lab):
    """A recipe of which a run was stopped, and its work folder."""
    recipe = lab.recipe([lab.image("content", 1)], [lab.node("d", "descend", {"image": "content"}, steps=STEPS)])

    def observe(event):
        if isinstance(event, StageEmitted) and isinstance(event.event, Progress) and event.event.done == STOP:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        run(lab.job(recipe), store=lab.store, outputs=lab.outputs, observe=observe)
    (work,) = (lab.store.root / "work").iterdir()
    return recipe, work


def shown_by(result):
    """The numbers of the iterations in a run's log."""
    logged = map(json.loads, (result.folder / "events.jsonl").read_text().splitlines())
    return [event["done"] for event in logged if event["event"] == "progress"]


def finishes(lab, recipe, *, from_the_state):
    """Runs the recipe to its end; the numbers of the iterations that it shows, and what it noted."""
    result = lab.run(recipe)
    assert lab.calls[1] == (f"step {STOP}" if from_the_state else "step 0")
    assert not list((lab.store.root / "work").iterdir())
    noted = [event.text for event in lab.events if isinstance(event, EngineNote)]
    shown = shown_by(result)
    assert shown == sorted(set(shown)), "each once"
    assert shown[-(STEPS - STOP) :] == list(range(STOP + 1, STEPS + 1))
    with Pillow.open(result.folder / "02-d.webp") as animation:
        assert STEPS - STOP <= animation.n_frames <= STEPS
    again = lab.run(recipe)
    assert (lab.calls, again.record.stages["d"].cached) == ([], True)
    lab.store = Store(lab.root / "another cache")
    assert lab.run(recipe).record.stages["d"].output == result.record.stages["d"].output
    return shown, noted


@pytest.mark.parametrize("damage", CONTENTS)
@pytest.mark.parametrize("file", ["state.safetensors", "losses.jsonl", "frames/000001.png", "frames/000003.png"])
def test_files_of_another_content(lab, stopped, file, damage):
    recipe, work = stopped
    before = (work / file).read_bytes()
    replaced(work / file, CONTENTS[damage](before))
    shown, _ = finishes(lab, recipe, from_the_state=file != "state.safetensors")
    if file != "losses.jsonl" or damage == "longer":
        assert shown == list(range(1, STEPS + 1))


@pytest.mark.parametrize("damage", IN_ITS_PLACE)
@pytest.mark.parametrize("file", ["state.safetensors", "losses.jsonl", "frames/000001.png", "frames/000003.png"])
def test_something_else_in_the_place_of_a_file(lab, stopped, file, damage):
    recipe, work = stopped
    IN_ITS_PLACE[damage](work / file)
    _, noted = finishes(lab, recipe, from_the_state=file != "state.safetensors")
    assert len(noted) == (0 if (file, damage) == ("state.safetensors", "missing") else 1)


@pytest.mark.parametrize(
    ("name", "in_its_place"),
    [("frames", "nothing"), ("frames", "a file"), ("frames", "a loop"), ("", "nothing"), ("", "a file")],
)
def test_something_else_in_the_place_of_a_folder(lab, stopped, name, in_its_place):
    recipe, work = stopped
    (work / name).rename(lab.root / "away")
    if in_its_place == "a file":
        (work / name).write_bytes(b"x")
    elif in_its_place == "a loop":
        (work / name).symlink_to(work / name)
    finishes(lab, recipe, from_the_state=name == "frames")


def test_leftovers_beside_them(lab, stopped):
    recipe, work = stopped
    (work / "state.tmp").mkdir()
    (work / "frames" / "new.png").write_bytes(b"x")
    (work / "frames" / "000004.png").mkdir()
    (work / "frames" / "notes.txt").write_bytes(b"x")
    assert finishes(lab, recipe, from_the_state=True) == (list(range(1, STEPS + 1)), [])


def test_damage_of_a_line_costs_that_line_even_if_it_is_stopped_again(lab, stopped):
    recipe, work = stopped
    data = bytearray((work / "losses.jsonl").read_bytes())
    data[3] ^= 0x80
    (work / "losses.jsonl").write_bytes(data)

    def observe(event):
        if isinstance(event, StageEmitted) and isinstance(event.event, Progress) and event.event.done == STOP + 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        run(lab.job(recipe), store=lab.store, outputs=lab.outputs, observe=observe)
    result = lab.run(recipe)
    assert lab.calls == ["descend", "step 6", "step 7"]
    assert shown_by(result) == [2, 3, 4, 5, 6, 7, 8]
