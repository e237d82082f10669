"""Runs from Python: the same results as the command line's, with values and pictures of Python."""

import json

import numpy as np
import pytest
from PIL import Image as Pillow

import stylepipe
from stylepipe.cli import main
from stylepipe.engine.events import RunEnded, RunStarted, StageFinished
from stylepipe.errors import RecipeError, UsageError


def test_a_run_has_its_pictures_times_and_files(home):
    result = stylepipe.run("look.yaml", amount=1.0)
    assert result.path.parts[:2] == ("outputs", "look")
    assert result.image.size == (6, 4)
    assert list(result.files) == ["sharp"]
    assert (result.path / "record.json").is_file()
    assert result["small"].image.size == (6, 4)
    assert result["small"].losses == {}
    assert not result.cached
    assert result["small"].seconds > 0
    assert result.record.command == ("stylepipe", "run", "look.yaml", "-p", "amount=1.0")
    assert stylepipe.run("look.yaml", amount=1.0).cached


def test_the_command_line_comes_to_the_same_digest(home, capsys):
    result = stylepipe.run("look.yaml", amount=1, side=5)
    with pytest.raises(SystemExit):
        main(["run", "look.yaml", "-p", "amount=1", "-p", "side=5", "--json", "-q"])
    record = json.loads(capsys.readouterr().out)["record"]
    assert record["outputs"]["sharp"]["digest"] == result.record.outputs["sharp"].digest
    assert record["command"] == list(result.record.command)
    assert all(stage["cached"] for stage in record["stages"].values())


def test_pictures_in_memory_are_inputs(home):
    from_file = stylepipe.run("look.yaml")
    with Pillow.open("photo.png") as photo:
        from_image = stylepipe.run("look.yaml", photo=photo)
        samples = np.asarray(photo)
    for other in (from_image, stylepipe.run("look.yaml", photo=samples), stylepipe.run("look.yaml", photo=samples / 255)):
        assert other.record.outputs == from_file.record.outputs
        assert other.record.inputs["photo"].reference == "photo.png"


def test_the_result_is_also_written_to_a_file(home):
    result = stylepipe.run("look.yaml", output="made.jpg", quality=80)
    assert {name: str(path) for name, path in result.written.items()} == {"sharp": "made.jpg"}
    with pytest.raises(UsageError, match="exists already"):
        stylepipe.run("look.yaml", output="made.jpg")
    stylepipe.run("look.yaml", output="made.jpg", overwrite=True)


def test_events_are_observed(home):
    events = []
    stylepipe.run("look.yaml", observe=events.append)
    assert isinstance(events[0], RunStarted)
    assert [event.stage for event in events if isinstance(event, StageFinished)] == ["small", "sharp"]
    assert RunEnded("done") in events


def test_nothing_is_printed(home, capsys):
    stylepipe.run("look.yaml")
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_the_picture(home):
    run = stylepipe.run("look.yaml")
    assert repr(run) == f"<Run '{run.path}': done, {run.seconds:.1f} s>"
    html = run._repr_html_()
    assert html.count("data:image/png;base64,") == 1
    assert "<figcaption>sharp</figcaption>" in html


def test_what_cannot_be_run(home):
    with pytest.raises(RecipeError, match="no param 'amont'"):
        stylepipe.run("look.yaml", amont=1)
    with pytest.raises(UsageError, match=r"'amount' is given twice"):
        stylepipe.run("look.yaml", amount=1, params={"amount": "2"})
    with pytest.raises(UsageError, match=r"'amount' is a object; expected one of text"):
        stylepipe.run("look.yaml", amount=object())
    with pytest.raises(UsageError, match="There is no file 'lok'"):
        stylepipe.run("lok")
    with pytest.raises(KeyError, match="no stage 'shrp'"):
        stylepipe.run("look.yaml")["shrp"]


def test_a_run_and_its_picture_run_again(home):
    first = stylepipe.run("look.yaml", amount=1.0)
    for source in (str(first.path), first.record.id[-6:], first.files["sharp"]):
        again = stylepipe.run(source)
        assert again.record.outputs == first.record.outputs
    other = stylepipe.run(first.files["sharp"], amount=0.1)
    assert other.record.params["amount"] == 0.1
