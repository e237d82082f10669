"""What is shown while a run goes on: a bar on a terminal, lines elsewhere (as test_runs checks)."""

import io
import re
import signal
import threading
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from stylepipe.engine.events import RunStarted, StageEmitted, StageFailed, StageFinished, StageStarted
from stylepipe.report import progress
from stylepipe.stage import Progress as Iterated

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[[0-9;]*3[0-7][;m]")


@pytest.fixture
def walk(cli, home, monkeypatch):
    """Runs a walk of ten slow steps, with stderr taken for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text(text.replace("steps: $params.steps", "steps: 10, seconds: 0.05"))
    return lambda *options: cli("run", "recipe.yaml", *options)


def test_a_bar_shows_iteration_loss_and_time_left(walk):
    said = walk()
    assert said.code == 0
    assert COLOR.search(said.err)
    shown = ESCAPES.sub("", said.err)
    assert re.search(r"\[2/3\] dark [━╺╸]+ +[1-9]/10 loss 0\.\d+ 0:\d\d:\d\d", shown)
    lines = [line.strip() for line in re.split("[\r\n]+", shown)]
    assert "[2/3] dark: it has not run before" in lines
    assert any(re.fullmatch(r"\[2/3\] dark: done in \d+\.\d s", line) for line in lines)
    assert "[2/3] dark: 1/10" not in shown


def test_the_bar_goes_when_the_stage_is_done(walk):
    """At the end the cursor is shown again, and the last lines are the last stage's and the report's."""
    shown = walk().err
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
    stage, report = [line.strip() for line in re.split("[\r\n]+", ESCAPES.sub("", shown).strip())][-2:]
    assert re.fullmatch(r"\[3/3\] bright_again: done in \d+\.\d s", stage)
    assert report.startswith("run: report outputs/toy/")


def test_without_color(walk, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    shown = walk().err
    assert "━" in shown
    assert not COLOR.search(shown)


def test_a_dumb_terminal_gets_lines(walk, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    said = walk()
    assert "\x1b[" not in said.err
    assert "[2/3] dark: 5/10 loss 0.2\n" in said.err


def test_quiet(walk):
    assert "dark:" not in walk("--quiet").err


def test_a_stage_that_goes_on_says_where(cli, home, monkeypatch):
    """The first attempt is interrupted in its third step."""
    steps = iter([None, None, signal.raise_signal])

    def sleep(seconds: float) -> None:
        if press := next(steps, None):
            press(signal.SIGINT)

    monkeypatch.setattr("time.sleep", sleep)
    assert cli("run", "recipe.yaml").code == 130
    said = cli("run", "recipe.yaml")
    assert said.code == 0
    assert "[2/3] dark: resumes after iteration 3\n" in said.err
    assert "[2/3] dark: 4/20 loss 0.25\n" in said.err
    assert "[2/3] dark: 2/20" not in said.err


# --- the line a minute where there is no terminal ------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def display(clock):
    """What shows the events of a run of two stages, in no terminal; and what it has written."""
    text = io.StringIO()
    console = Console(file=text, highlight=False)
    shown = progress._Display(console, Progress(console=console, disable=True))
    shown(RunStarted(Path("outputs/trial/1"), ("stylized", "sharp")))
    return shown, lambda: text.getvalue().splitlines()[1:]


def test_a_beat_tells_iteration_loss_and_time_left(display, clock):
    show, lines = display
    show(StageStarted("stylized", ("new",)))
    clock[0] += 60
    show.heartbeat()
    for done in range(1, 13):
        clock[0] += 10
        show(StageEmitted("stylized", Iterated(done, 1000, loss=2 / done)))
    show.heartbeat()
    clock[0] += 820
    show.heartbeat()
    assert lines() == [
        "[1/2] stylized: new",
        "[1/2] stylized: running for 1 min 00 s",
        "[1/2] stylized: 12/1000 loss 0.1667, about 4 h 07 min left",
        "[1/2] stylized: 12/1000 loss 0.1667, about 22 h 52 min left",
    ]


def test_the_time_left_is_that_of_this_run(display, clock):
    show, lines = display
    show(StageStarted("stylized", ("new",), [{"done": 900}]))
    clock[0] += 60
    show(StageEmitted("stylized", Iterated(930, 1000)))
    show.heartbeat()
    assert lines()[-1] == "[1/2] stylized: 930/1000, about 2 min 20 s left"


def test_stages_that_have_ended_are_silent(display):
    show, lines = display
    show(StageStarted("stylized", ("new",)))
    show(StageStarted("sharp", ("new",)))
    show(StageFinished("stylized", 1.0))
    show(StageFailed("sharp", "No."))
    before = lines()
    show.heartbeat()
    assert lines() == before


def test_it_beats_until_the_run_ends(monkeypatch, capsys):
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    told = threading.Event()
    monkeypatch.setattr(progress._Display, "heartbeat", lambda self: told.set())
    before = threading.active_count()
    with progress.observer(quiet=False):
        assert told.wait(30)
    assert threading.active_count() == before
    with progress.observer(quiet=True):
        assert threading.active_count() == before
