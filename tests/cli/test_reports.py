"""The report of a run, as `run` writes it and `show --open` opens it."""

import json
import os
import re
import webbrowser
from pathlib import Path

import pytest

from stylepipe.api.sources.command_line import shareable_command
from stylepipe.recipe.load import load_recipe


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The addresses that were opened in the browser."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def report_of(said) -> Path:
    return Path(re.search(r"^run: report (.*)$", said.err, re.MULTILINE)[1])


def test_every_run_writes_one(cli, home):
    said = cli("run", "recipe.yaml")
    html = report_of(said).read_text()
    for file in ("01-photo.png", "02-bright.png", "03-dark.png", "04-bright_again.png", "bright_again.png"):
        assert f'src="{file}"' in html
    assert "Done" in html


def test_a_failed_run_writes_one_with_its_error(cli, home):
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text(
        text.replace("use: walk, image: $bright, steps: $params.steps", "use: give_up, image: $bright")
    )
    said = cli("run", "recipe.yaml")
    html = report_of(said).read_text()
    assert said.code == 1
    assert "failed with ZeroDivisionError: division by zero." in html
    assert 'src="03-dark.last.png"' in html
    assert 'href="traceback.txt"' in html
    assert "Not reached: bright_again." in html


def test_a_run_whose_report_cannot_be_written_is_done_all_the_same(cli, home, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stylepipe.report.page.write_whole", full)
    said = cli("run", "recipe.yaml")
    assert said.code == 0
    assert said.err.splitlines()[-1].startswith("run: There is no report. The output folder 'outputs/toy/")
    assert Path(said.out.strip()).is_file()


def test_no_folder_of_this_machine_is_in_it(cli, home, tmp_path):
    elsewhere = tmp_path / "jane" / "portrait.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes((home / "photo.png").read_bytes())
    for photo in (elsewhere, os.path.relpath(elsewhere)):
        html = report_of(cli("run", home / "recipe.yaml", "-p", f"photo={photo}")).read_text()
        assert "stylepipe run recipe.yaml -p photo=portrait.png" in html
        assert "jane" not in html
        assert str(tmp_path) not in html


def test_the_command_in_the_record_runs_the_same_again(cli, home):
    record = cli("run", "recipe.yaml", "--json", "-p", "amount=0.5", "-p", "steps=3", "--until", "dark").data["record"]
    assert record["command"] == ["stylepipe", "run", "recipe.yaml", "-p", "amount=0.5", "-p", "steps=3", "--until", "dark"]
    again = cli(*record["command"][1:], "--json").data["record"]
    assert again["stages"]["dark"]["output"] == record["stages"]["dark"]["output"]
    assert again["command"] == record["command"]


def test_values_are_written_as_they_are_typed(home):
    values = {"text": "a b", "quoted": "'x'", "number": 2.0, "items": ["a", "ü"], "on": True}
    (home / "values.yaml").write_text(
        "stylepipe: 1\nname: values\n"
        f"params: {json.dumps(values, ensure_ascii=False)}\n"
        "inputs: {photo: {image: photo.png}}\nstages: {s: {use: brighten, image: $photo}}\noutput: $s\n"
    )
    first = ["text=c: d", "quoted=\"'y'\"", "number=3", "items=[b, ö]", "on=false"]
    recipe = load_recipe(Path("values.yaml"), overrides=dict(each.split("=", 1) for each in first))
    command = shareable_command(Path("values.yaml"), recipe, params=[each.partition("=")[0] for each in first])
    typed = [part for part in command[3:] if part != "-p"]
    assert typed == ["text=c: d", "quoted=\"'y'\"", "number=3", 'items=["b", "ö"]', "on=false"]
    again = load_recipe(Path("values.yaml"), overrides=dict(each.split("=", 1) for each in typed))
    assert again.params == recipe.params


def test_show_opens_it_written_anew(cli, home, opened):
    report = report_of(cli("run", "recipe.yaml"))
    report.unlink()
    said = cli("show", "toy", "--open")
    assert said.code == 0
    assert opened == [(home / report).as_uri()]
    assert said.err == f"report {report}\n"
    assert "Done" in report.read_text()


def test_show_alone_opens_nothing(cli, opened):
    cli("run", "recipe.yaml")
    cli("show", "toy")
    assert opened == []
