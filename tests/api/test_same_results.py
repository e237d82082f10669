"""The command, the function and several threads at once come to the same results."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

import stylepipe
from stylepipe.cli import main
from stylepipe.engine.events import EngineNote, RunEnded, RunStarted, StageFinished

STYLIZED = """\
stylepipe: 1
name: stylized
params: {iterations: 3}
inputs: {photo: {image: photo.png}, painting: {image: photo.png}, network: {weights: vgg19-slim}}
stages:
  stylized:
    use: stylize
    content: $photo
    styles: [$painting]
    extractor: $network
    size: 32
    iterations: $params.iterations
    losses: [{kind: content, layers: {relu2_1: 1}}, {kind: gram, layers: {relu1_1: 1}}]
output: $stylized
"""

SCRIPT = """
import stylepipe
run = stylepipe.run("stylized.yaml", iterations=2, cache="cache of the function")
print(run.record.outputs["stylized"].digest, run.cached)
"""


def test_the_command_line_computes_the_same_digest(home, capsys):
    result = stylepipe.run("look.yaml", amount=1, side=5)
    with pytest.raises(SystemExit):
        main(["run", "look.yaml", "-p", "amount=1", "-p", "side=5", "--json", "-q", "--cache", "another"])
    record = json.loads(capsys.readouterr().out)["record"]
    assert not any(stage["cached"] for stage in record["stages"].values())
    assert record["outputs"]["sharp"]["digest"] == result.record.outputs["sharp"].digest


@pytest.mark.slow
def test_a_stylization_has_the_same_digest_in_a_script_and_on_the_command_line(home):
    (home / "stylized.yaml").write_text(STYLIZED)
    script = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout.split()
    command = [
        sys.executable,
        "-m",
        "stylepipe",
        "run",
        "stylized.yaml",
        "-p",
        "iterations=2",
        "--json",
        "-q",
        "--cache",
        "its own",
    ]
    record = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["record"]
    assert script == [record["outputs"]["stylized"]["digest"], "False"]
    assert not record["stages"]["stylized"]["cached"]


def test_runs_of_two_threads_take_turns(home):
    """The second begins while the first runs, and waits; both come to their results, and the streams stay as they were."""
    streams = sys.stdout, sys.stderr
    running, waiting = Event(), Event()
    first, second, results = [], [], {}

    def watch_first(event):
        first.append(event)
        if isinstance(event, StageFinished) and event.stage == "small":
            running.set()
            assert waiting.wait(60)

    def watch_second(event):
        second.append((event, len(first)))
        if isinstance(event, EngineNote):
            waiting.set()

    def run(name, **options):
        results[name] = stylepipe.run("look.yaml", **options)

    threads = [
        Thread(target=run, args=("first",), kwargs={"amount": 1.0, "observe": watch_first}),
        Thread(target=run, args=("second",), kwargs={"amount": 2.0, "side": 5, "observe": watch_second}),
    ]
    threads[0].start()
    assert running.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert RunEnded("done") in first
    assert [seen for event, seen in second if isinstance(event, RunStarted)] == [len(first)]
    assert second[0][0] == EngineNote("Waits for the run of another thread.")
    assert (sys.stdout, sys.stderr) == streams
    alone = stylepipe.run("look.yaml", amount=1.0, cache="another")
    assert results["first"].record.outputs == alone.record.outputs
    assert results["second"].record.params["amount"] == 2.0
    assert results["second"].image.size == (5, 3)


def test_a_run_may_start_another_in_its_own_thread(home):
    inner = []

    def watch(event):
        if isinstance(event, RunStarted) and not inner:
            inner.append(stylepipe.run("look.yaml", side=5, observe=lambda event: None))

    stylepipe.run("look.yaml", observe=watch)
    assert inner[0].record.status == "done"


def test_stages_called_from_several_threads_at_once(home):
    with ThreadPoolExecutor(4) as threads:
        pictures = list(threads.map(lambda amount: stylepipe.apply("sharpen", image="photo.png", amount=amount), [1.0] * 8))
    alone = stylepipe.apply("sharpen", image="photo.png", amount=1.0)
    assert [picture.tobytes() == alone.tobytes() for picture in pictures] == [True] * 8
