"""Records that somebody damaged or forged: each is left out with a warning, and breaks no command for other runs."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DEEP = "[" * 20_000
HUGE = 10**400


def changed(**fields: Any) -> Callable[[dict[str, Any]], str]:
    return lambda record: json.dumps({**record, **fields})


def in_stage(**fields: Any) -> Callable[[dict[str, Any]], str]:
    return lambda record: json.dumps({**record, "stages": {name: {**s, **fields} for name, s in record["stages"].items()}})


def replaced(name: str, text: str) -> Callable[[dict[str, Any]], str]:
    """The record with a field in words that JSON has not, or that `dumps` would not write."""
    return lambda record: json.dumps({**record, name: "@@"}).replace('"@@"', text)


ODD: dict[str, Callable[[dict[str, Any]], str]] = {
    "no date": changed(started="yesterday"),
    "a number as date": changed(started=5),
    "no time zone": changed(started="2026-01-01T00:00:00"),
    "the end of time": changed(started="9999-12-31T23:59:59-23:59"),
    "infinite seconds": replaced("seconds", "Infinity"),
    "seconds that are none": replaced("seconds", "NaN"),
    "seconds of ages": replaced("seconds", "1e300"),
    "seconds before": changed(seconds=-1),
    "a deep param": replaced("params", f'{{"x": {DEEP}}}'),
    "a param of some depth": replaced("params", f'{{"x": {"[" * 100}{"]" * 100}}}'),
    "params in a list": changed(params=[]),
    "a vast number": replaced("seed", str(HUGE)),
    "a fraction as seed": changed(seed=0.5),
    "a vast number in a param": replaced("params", f'{{"x": {"9" * 5000}}}'),
    "no inputs": changed(inputs=None),
    "inputs of another kind": changed(inputs={"photo": {"kind": "code", "reference": "x", "sha256": "0"}}),
    "a sum that is none": changed(inputs={"photo": {"kind": "image", "reference": "x", "sha256": "\x1b[2J"}}),
    "no stages": changed(stages=[]),
    "a stage's time": in_stage(computed="then"),
    "a stage's seconds": in_stage(seconds="long"),
    "a stage's iterations": in_stage(iterations=-(10**30)),
    "a status": changed(status="fine"),
    "a format that is none": changed(format="one"),
    "a newer format": changed(format=2),
    "no id": lambda record: json.dumps({name: value for name, value in record.items() if name != "id"}),
    "a vast id": changed(id="x" * 1000),
    "half a character": replaced("recipe", r'"\ud800"'),
    "an empty file": lambda record: "",
    "half of it": lambda record: json.dumps(record)[:200],
    "a list": lambda record: f"[{json.dumps(record)}]",
    "brackets": lambda record: DEEP,
    "mappings": lambda record: '{"params":' * 20_000,
}


@pytest.fixture
def sound(cli, home) -> Path:
    """The folder of a run with which nothing is wrong."""
    assert cli("run", "recipe.yaml", "-q").code == 0
    return next((home / "outputs" / "toy").iterdir())


@pytest.fixture
def odd(home, sound) -> Path:
    """Beside the sound run, the folder of another."""
    return Path(shutil.copytree(sound, home / "outputs" / "bad" / "run"))


def commands(run: str, target: str) -> list[list[str]]:
    return [
        ["show", run],
        ["show", run, "--json"],
        ["diff", run, run],
        ["verify", run, "-q"],
        ["export", run, "-o", f"{target}.stylepipe"],
        ["export", run, "-o", target, "--crate"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("case", ODD)
def test_one_odd_record_breaks_nothing(cli, home, odd, case):
    (odd / "record.json").write_text(ODD[case](json.loads((odd / "record.json").read_text())))
    listed = cli("runs")
    assert listed.code == 0
    assert len(listed.out.splitlines()) == 2
    assert listed.err.startswith("warning: 'outputs/bad/run' is not the folder of a run: its record.json ")
    assert len(cli("runs", "--json").data) == 1
    for number, command in enumerate(commands("outputs/bad/run", "x")):
        said = cli(*command)
        assert said.code in (1, 2), command
        assert said.err.startswith("error: 'outputs/bad/run' is not the folder of a run"), command
        assert not (home / f"x{number}").exists()
    assert cli("show", "toy").code == 0


def test_the_other_runs_are_found(cli, odd):
    (odd / "record.json").write_text(ODD["no date"](json.loads((odd / "record.json").read_text())))
    for command in commands("toy", "y"):
        assert cli(*command).code == 0, command


def test_a_pipe_in_the_place_of_a_record_or_a_log(cli, odd):
    (odd / "record.json").rename(odd / "kept.json")
    os.mkfifo(odd / "record.json")
    said = cli("runs")
    assert (said.code, len(said.out.splitlines())) == (0, 2)
    assert "it is a named pipe" in said.err
    (odd / "record.json").unlink()
    record = json.loads((odd / "kept.json").read_text())
    (odd / "record.json").write_text(json.dumps({**record, "status": "running"}))
    (odd / "events.jsonl").unlink()
    os.mkfifo(odd / "events.jsonl")
    assert cli("runs").code == 0
    assert cli("diff", "toy", odd).code == 1


LINES = [
    *("[]", "5", '"x"', "{}", DEEP, "\\ud800", "\x00"),
    '{"time": 1, "event": "progress", "stage": "dark"}',
    '{"time": "x", "event": "note"}',
    '{"time": 1e999, "event": "note", "text": "x"}',
    '{"time": 1, "event": "run started", "stages": 5}',
    '{"time": 1, "event": "progress", "stage": "dark", "done": 1e99, "loss": "much", "terms": []}',
]


def test_odd_lines_in_a_log_are_left_out(cli, odd, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: None)
    with (odd / "events.jsonl").open("a") as log:
        log.write("\n".join(LINES))
    assert cli("diff", "toy", odd).code == 0
    assert cli("show", odd, "--open").code == 0


MENDED = "inputs: {photo: {image: 5}}"  # what is passed on has the record's path in its place


@pytest.mark.parametrize("document", ["[]", "5", "inputs: 5", "inputs: {photo: x}", MENDED, f"inputs: {DEEP}", "&a [*a]", ""])
def test_odd_recipes_in_the_folder(cli, odd, monkeypatch, document):
    monkeypatch.setattr("webbrowser.open", lambda address: None)
    (odd / "resolved.yaml").write_text(document)
    assert cli("show", odd, "--open").code == 0
    for command in (["verify", odd, "-q"], ["export", odd, "-o", "x.stylepipe"]):
        said = cli(*command)
        assert said.code in (1, 2) or document == MENDED
        assert "fault" not in said.err


def test_stages_in_a_circle(cli, odd, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: None)
    record = json.loads((odd / "record.json").read_text())
    for name in record["stages"]:
        record["stages"][name]["inputs"] = {"image": name}
    (odd / "record.json").write_text(json.dumps(record))
    assert cli("show", odd, "--open").code == 0


OUT = ["../../../loot.png", "/tmp/loot.png", "a/../../../loot.png", "..\\loot.png", "NUL.png", "C:loot.png", "x\x00.png"]


@pytest.mark.parametrize("name", OUT)
@pytest.mark.parametrize("form", [[], ["--crate"]])
def test_nothing_is_written_or_read_outside(cli, home, odd, name, form):
    """Whatever a record calls a result or an input, in a file, a zip and a folder alike."""
    kept = json.loads((odd / "record.json").read_text())
    (home.parent / "loot.png").write_bytes(b"secret")
    before = {path for path in home.parent.rglob("*") if "crates" not in path.parts}
    (home / "crates").mkdir()
    output = {"photo": {**kept["outputs"]["bright_again"], "file": name}}
    inputs = {name: kept["inputs"]["photo"]}
    for number, fields in enumerate(({"outputs": output}, {"inputs": inputs})):
        (odd / "record.json").write_text(json.dumps({**kept, **fields}))
        (home / "crates" / str(number)).mkdir()
        for target in ("x", "x.zip") if form else ("x.stylepipe",):
            said = cli("export", odd, "-o", f"crates/{number}/{target}", *form)
            assert "fault" not in said.err
    (odd / "record.json").write_text(json.dumps(kept))
    assert {path for path in home.parent.rglob("*") if "crates" not in path.parts} == before
    assert not any(path.read_bytes() == b"secret" for path in (home / "crates").rglob("*") if path.is_file())


def test_a_link_in_the_place_of_a_result_is_not_followed(cli, home, odd):
    (home.parent / "secret.png").write_bytes(b"secret")
    (odd / "bright_again.png").unlink()
    (odd / "bright_again.png").symlink_to(home.parent / "secret.png")
    said = cli("export", odd, "-o", "x", "--crate")
    assert (said.code, (home / "x").exists()) == (2, False)
    assert "'bright_again.png' is no longer in the run's folder, or is a link." in said.err


@pytest.mark.parametrize(
    "change",
    [
        changed(outputs={"other": {"stage": "dark", "digest": "0" * 64, "file": "dark.png"}}),
        changed(outputs={"a\n\x1b[2J": {"stage": "dark", "digest": "0" * 64, "file": "dark.png"}}),
        changed(outputs={"bright_again": {"stage": "dark", "digest": "\x1b[2J", "file": "dark.png"}}),
        changed(outputs={"bright_again": {"stage": "dark", "digest": "A" * 64, "file": "dark.png"}}),
        changed(command=["stylepipe", "run", "x" * 5000]),
        changed(command=["stylepipe", "run", f"{'y/' * 3000}z.yaml"]),
        changed(command=["stylepipe", "run", "\0/z.yaml"]),
    ],
    ids=["an output", "an evil output", "a digest", "capitals", "a long command", "a deep command", "a zero byte"],
)
def test_a_record_that_does_not_fit_its_recipe(cli, home, odd, change):
    path = odd / "record.json"
    path.write_text(change(json.loads(path.read_text())))
    for command in (
        ["run", odd, "-q"],
        ["plan", odd],
        ["verify", odd, "-q"],
        ["export", odd, "-o", "x.stylepipe"],
        ["show", odd],
    ):
        said = cli(*command)
        assert said.code in (0, 2), (command, said.err)
        assert "TRACEBACK" not in said.err, command
        assert "\x1b" not in said.err + said.out
