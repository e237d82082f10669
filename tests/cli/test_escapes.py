"""Whatever strangers wrote, no command lets it steer the terminal: keys, params, names, records, pictures, weights, notes."""

import json
import re
from pathlib import Path

import PIL.Image
import pytest

from stylepipe.engine.events import EngineNote, RunStarted, StageFailed, StageStarted
from stylepipe.sharing.png_provenance import embed, read_picture

EVIL = "\x1b]0;PWNED\x07\x1b[2J\x9b31m\u202egnp.exe\u2066\u2028\r"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
QUOTED = json.dumps(EVIL)  # as YAML


def require_escaped(said, *, times: int = 1) -> None:
    """Nothing raw in what a command said, in which the text stands, escaped."""
    assert not RAW.search(said.out + said.err)
    assert (said.out + said.err).count(r"[2J") >= times
    assert "fault" not in said.err


@pytest.mark.parametrize(
    "change",
    [
        f"{QUOTED}: 1\n",
        f"extends: {QUOTED}\n",
        f"description: x\n? {QUOTED}\n: 1\n{QUOTED}: 2\n",
        f'"{"x" * 101}{QUOTED[1:]}: 1\n',
    ],
    ids=["unknown", "extends", "twice", "long"],
)
@pytest.mark.parametrize("command", ["validate", "run", "plan"])
def test_keys_and_values_of_a_recipe(cli, home, command, change):
    (home / "recipe.yaml").write_text((home / "recipe.yaml").read_text() + change, encoding="utf-8")
    said = cli(command, "recipe.yaml")
    assert said.code == 2
    assert not RAW.search(said.out + said.err)


@pytest.mark.parametrize("inner", ["stages", "inputs", "outputs", "params"])
def test_names_in_a_recipe(cli, home, inner):
    text = (
        f"stylepipe: 1\nname: toy\nstages: {{a: {{use: brighten, image: $b}}}}\noutput: $a\n{inner}: {{{QUOTED}: {QUOTED}}}\n"
    )
    (home / "bad.yaml").write_text(text, encoding="utf-8")
    said = cli("validate", "bad.yaml")
    assert said.code == 2
    assert not RAW.search(said.out + said.err)


@pytest.mark.parametrize(
    "arguments",
    [
        (EVIL,),
        ("run", EVIL),
        ("run", "recipe.yaml", f"--{EVIL}"),
        ("run", "recipe.yaml", "-p", EVIL),
        ("run", "recipe.yaml", "-p", f"photo={EVIL}"),
        ("run", "recipe.yaml", "--until", EVIL),
        ("sweep", "recipe.yaml", "--jobs", EVIL),
        ("stages", EVIL),
        ("show", EVIL),
        ("show", f"{EVIL}.png"),
        ("verify", f"{EVIL}.stylepipe"),
        ("weights", "verify", f"{EVIL}.h5"),
        ("weights", "pull", EVIL),
        ("cache", "gc", "--size", EVIL),
        ("cache", "ls", "--cache", EVIL),
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_command_lines(cli, arguments, form):
    said = cli(*arguments, *form)
    assert not RAW.search(said.out + said.err)
    if said.out and form:
        json.loads(said.out)


@pytest.fixture
def with_note(cli, home):
    """A run of a recipe with a param that is evil, and of one where it is another."""
    text = (home / "recipe.yaml").read_text().replace("params: {", f"params: {{note: {QUOTED}, ")
    (home / "recipe.yaml").write_text(text, encoding="utf-8")
    assert cli("run", "recipe.yaml", "-q").code == 0
    assert cli("run", "recipe.yaml", "-q", "-p", f'note={QUOTED[:-1]}2"').code == 0
    return cli


def test_params_and_records(with_note, home):
    require_escaped(with_note("show", "toy"))
    assert with_note("show", "toy", "--json").data["params"]["note"] == f"{EVIL}2"
    older, newer = sorted((home / "outputs" / "toy").iterdir())
    require_escaped(with_note("diff", older, newer), times=2)
    for path in (older, newer):
        data = json.loads((path / "record.json").read_text())
        data["recipe"] = EVIL
        (path / "record.json").write_text(json.dumps(data))
    require_escaped(with_note("runs"), times=2)
    assert EVIL not in (newer / "report.html").read_text(encoding="utf-8")


def test_a_value_is_no_line_of_its_own(with_note, home):
    folder = min((home / "outputs" / "toy").iterdir())
    data = json.loads((folder / "record.json").read_text())
    data["params"] = {"note": "1\nresult  safe: yes"}
    (folder / "record.json").write_text(json.dumps(data))
    assert r"param   note = 1\nresult  safe: yes" in with_note("show", folder).out.splitlines()


def test_pictures(with_note, home):
    picture = next((home / "outputs" / "toy").glob("*/bright_again.png"))
    provenance = read_picture(picture)
    PIL.Image.new("RGB", (8, 6)).save(picture)
    embed(picture, provenance.model_copy(update={"name": EVIL, "recipe": f'{QUOTED[:-1]}": [\n{EVIL}'}))
    require_escaped(with_note("show", picture))
    said = with_note("run", picture)
    assert said.code == 2
    assert not RAW.search(said.out + said.err)


def test_progress(monkeypatch, capsys):
    from stylepipe.report.progress import observer

    monkeypatch.setenv("NO_COLOR", "1")
    name = f"[bold]{EVIL}\n"
    with observer(quiet=False) as observe:
        observe(RunStarted(Path(EVIL), (name,)))
        observe(StageStarted(name, (EVIL,)))
        observe(EngineNote(EVIL, name))
        observe(StageFailed(name, EVIL))
    said = capsys.readouterr().err
    assert not RAW.search(said)
    assert said.count("PWNED") >= 4
    assert "[bold]" in said


def test_names_are_no_markup_of_a_progress_bar(monkeypatch, capsys):
    from stylepipe.report.progress import download_bar, observer

    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    with observer(quiet=False) as observe:
        observe(RunStarted(Path(), ("[red]a\x07",)))
        observe(StageStarted("[red]a\x07", ()))
    with download_bar("{task.nothing} [red]\x9b") as progress:
        progress(1, 2)
    said = capsys.readouterr().err
    assert r"[1/1] [red]a\x07" in said
    assert r"{task.nothing} [red]\x9b" in said


@pytest.mark.parametrize("name", ["one\ntwo", "one\n\terror: two"])
def test_a_line_break_in_a_path_that_is_a_result(cli, home, name):
    shown = name.replace("\n", r"\n").replace("\t", r"\t")
    assert cli("run", "recipe.yaml", "-q", "-o", f"{name}.png").out == f"{shown}.png\n"
    said = cli("run", "recipe.yaml", "--outputs", name)
    assert said.out.count("\n") == 1
    assert said.err.splitlines()[1].startswith(f"run folder {shown}/toy/")
    assert cli("export", "toy", "-o", f"{name}.stylepipe").out == f"{shown}.stylepipe\n"
    assert cli("import", f"{name}.stylepipe", "-o", f"{name} again").out == f"{shown} again\n"
    for command in (("show", name), ("run", name), ("diff", name, name)):
        lines = cli(*command).err.splitlines()
        assert all(line.startswith(("error: ", "hint: ", "       ")) for line in lines), lines
        assert sum(line.startswith("error: ") for line in lines) == 1, lines
