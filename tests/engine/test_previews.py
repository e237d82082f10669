"""What a run's folder shows of a stage before it is done, and of one that was stopped; and by which signal it was."""

import os
import signal

import numpy as np
import pytest
from PIL import Image as Pillow

from stylepipe.engine.events import StageEmitted
from stylepipe.engine.runner import run
from stylepipe.engine.runs.records import list_runs
from stylepipe.engine.runs.run_folder import Previews
from stylepipe.errors import Interrupted
from stylepipe.stage import Progress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def handlers():
    return {number: signal.getsignal(number) for number in SIGNALS}


@pytest.fixture
def recipe(lab):
    return lab.recipe([lab.image("content", 1)], [lab.node("halved", "descend", {"image": "content"}, steps=6)])


def go(lab, recipe, *, at=None, do=lambda: None, **options):
    """Runs it; `do` is called when it has done so many steps."""

    def observe(event):
        if isinstance(event, StageEmitted) and isinstance(event.event, Progress) and event.event.done == at:
            do()

    return run(lab.job(recipe), store=lab.store, outputs=lab.outputs, observe=observe, **options)


def frames_in(folder):
    return sorted(path.name for path in (folder / "02-halved.frames").iterdir())


def named(count):
    return [f"{number:06}.png" for number in range(count)]


def test_previews_appear_while_the_stage_runs_and_the_animation_takes_their_place(lab, recipe):
    seen = []
    result = go(lab, recipe, at=4, do=lambda: seen.extend(frames_in(list_runs(lab.outputs)[0][0])))
    assert seen == named(3)
    assert not (result.folder / "02-halved.frames").exists()
    assert result.record.stages["halved"].animation == "02-halved.webp"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_the_previews_and_the_picture_so_far(lab, recipe, number, code):
    before = handlers()
    with pytest.raises(Interrupted) as caught:
        go(lab, recipe, at=4, do=lambda: os.kill(os.getpid(), number))
    assert str(caught.value).startswith("Stage 'halved': Stopped; its state is saved. ")
    assert caught.value.exit_code == code
    assert handlers() == before
    folder, record = list_runs(lab.outputs)[0]
    assert (record.status, record.error.last_frame) == ("interrupted", "02-halved.last.png")
    assert frames_in(folder) == named(4)
    with Pillow.open(folder / "02-halved.last.png") as last, Pillow.open(lab.folder / "content.png") as content:
        assert np.abs(np.asarray(last, int) - np.asarray(content, int) / 16).max() <= 1
    resumed = go(lab, recipe, previews=Previews(frames=True))
    assert frames_in(resumed.folder) == named(6)
    assert (lab.calls[-2:], resumed.record.status) == (["step 4", "step 5"], "done")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_stops_at_once(lab, recipe, number):
    def twice():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match="Stopped at once") as caught:
        go(lab, recipe, at=4, do=twice)
    assert caught.value.exit_code == 128 + number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_is_ignored_stays_so(lab, recipe, number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert go(lab, recipe, at=4, do=lambda: os.kill(os.getpid(), number)).record.status == "done"
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("cached", [False, True])
def test_single_frames_and_a_gif_on_request(lab, recipe, cached):
    if cached:
        go(lab, recipe)
    result = go(lab, recipe, previews=Previews("gif", frames=True))
    assert result.record.stages["halved"].cached is cached
    assert result.record.stages["halved"].animation == "02-halved.gif"
    assert not (result.folder / "02-halved.webp").exists()
    with Pillow.open(result.folder / "02-halved.gif") as animation:
        assert (animation.n_frames, animation.size) == (6, (8, 6))
    assert frames_in(result.folder) == named(6)
    with Pillow.open(result.folder / "02-halved.frames" / "000000.png") as first:
        assert first.size == (8, 6)
