"""Pictures as recipes: what runs embed, `show`, `run` and `plan` of a picture."""

import html
import json
import shutil
from pathlib import Path

import PIL.Image
import pytest

from stylepipe.sharing.png_provenance import embed, read_picture


@pytest.fixture
def picture(cli, home) -> Path:
    """The result of a run of the toy recipe, alone in another folder, as one gets it from somebody."""
    result = cli("run", "recipe.yaml", "-q").out.strip()
    (home / "got").mkdir()
    return Path(shutil.copy(result, home / "got" / "look.png"))


def test_a_picture_carries_its_recipe_and_its_pixels_stay(cli, home, picture):
    (folder,) = (home / "outputs" / "toy").iterdir()
    with PIL.Image.open(picture) as embedded, PIL.Image.open(folder / "04-bright_again.png") as plain:
        assert embedded.tobytes() == plain.tobytes()
        assert list(embedded.text) == ["stylepipe"]
        assert plain.text == {}
    assert str(home).encode() not in picture.read_bytes()


def test_show_a_picture(cli, home, picture):
    record = cli("show", "toy", "--json").data
    sha256, digest = record["inputs"]["photo"]["sha256"], record["outputs"]["bright_again"]["digest"]
    lines = cli("show", picture).out.splitlines()
    assert lines[:3] == [
        "recipe  toy",
        f"input   photo: photo.png ({sha256[:12]})",
        f"result  bright_again ({digest[:12]})",
    ]
    assert lines[3].startswith(f"made by stylepipe {record['environment']['stylepipe']}, python")
    assert "    image: $params.photo" in lines
    data = cli("show", picture, "--json").data
    assert (data["environment"], data["outputs"]) == (record["environment"], {"bright_again": digest})


def test_a_picture_runs_again_and_comes_to_the_same(cli, home, picture):
    said = cli("run", picture, "--json")  # the photo is in the current folder
    assert said.code == 0
    assert all(stage["cached"] for stage in said.data["record"]["stages"].values())
    assert Path(said.data["outputs"]["bright_again"]).read_bytes() == picture.read_bytes()
    assert said.data["record"]["command"] == ["stylepipe", "run", "look.png"]
    assert [stage["state"] for stage in cli("plan", picture, "--json").data] == ["cached"] * 3
    assert cli("explain", picture, "dark").out == "'dark' is cached.\n"


def test_inputs_are_known_by_their_bytes(cli, home, picture):
    (home / "photo.png").rename(home / "got" / "IMG_1.PNG")
    assert cli("run", picture, "-q").code == 0
    (home / "got" / "IMG_1.PNG").rename(home / "elsewhere.png")
    assert cli("run", picture, "-q").code == 0


def test_an_input_that_is_nowhere_is_asked_for(cli, home, picture):
    sha256 = cli("show", picture, "--json").data["inputs"]["photo"]["sha256"]
    (home / "hidden").mkdir()
    (home / "photo.png").rename(home / "hidden" / "photo.png")
    said = cli("run", picture)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"error: Input 'photo', 'photo.png' of SHA-256 {sha256}: it is not here.\nhint: Name a replacement: -p photo=FILE\n"
    )
    said = cli("run", picture, "-p", "photo=hidden/photo.png", "--json")
    assert all(stage["cached"] for stage in said.data["record"]["stages"].values())


def test_another_input_may_be_given(cli, home, picture):
    PIL.Image.new("RGB", (8, 6), "red").save(home / "red.png")
    said = cli("run", picture, "-p", "photo=red.png", "--json")
    assert said.code == 0
    assert said.data["record"]["inputs"]["photo"]["reference"] == "red.png"
    assert Path(said.data["outputs"]["bright_again"]).read_bytes() != picture.read_bytes()


def test_nothing_is_embedded_unless_wanted(cli, home):
    result = cli("run", "recipe.yaml", "-q", "--no-embed").out.strip()
    with PIL.Image.open(result) as plain:
        assert plain.text == {}
    said = cli("show", result)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: '{result}' does not say how it was made.\n")


def test_a_recipe_that_is_too_large_is_left_out(cli, home, monkeypatch):
    monkeypatch.setattr("stylepipe.sharing.png_provenance.MAX_BYTES", 100)
    said = cli("run", "recipe.yaml")
    note = "'bright_again.png' does not carry its recipe, which is larger than 1048576 bytes."
    assert f"run: {note}" in said.err
    events = [json.loads(line) for line in (Path(said.out.strip()).parent / "events.jsonl").read_text().splitlines()]
    assert [(event["stage"], event["text"]) for event in events if event["event"] == "note"][-1] == (None, note)
    assert note in html.unescape((Path(said.out.strip()).parent / "report.html").read_text())
    with PIL.Image.open(said.out.strip()) as plain:
        assert plain.text == {}


def test_what_a_terminal_would_obey_is_escaped(cli, home, picture):
    read = read_picture(picture)
    (home / "odd.png").write_bytes((home / "photo.png").read_bytes())
    embed(home / "odd.png", read.model_copy(update={"name": "toy\x1b[2J\r", "recipe": "\u202eabc\ndef\n"}))
    lines = cli("show", "odd.png").out.splitlines()
    assert lines[0] == r"recipe  toy\x1b[2J\r"
    assert lines[-2:] == [r"\u202eabc", "def"]


def test_what_others_send_is_limited_unless_allowed(cli, home, picture, monkeypatch):
    monkeypatch.setattr("stylepipe.sharing.limits.MAX_MEMORY", 10_000_000)
    said = cli("run", picture)
    assert (said.code, said.out) == (2, "")
    asked = "It asks for 3 stages, pictures of up to 0.0 million pixels, 0.9 GB of memory, 1 minute of a processor core"
    assert said.err == (
        f"error: {asked}; recipes of others are limited to "
        "100 stages, pictures of up to 100.0 million pixels, 0.01 GB of memory, 30 minutes of a processor core.\n"
        "hint: --no-limits runs it nevertheless.\n"
    )
    assert cli("plan", picture).err.startswith(f"{asked}.\n")
    assert cli("run", picture, "-q", "--no-limits").code == 0
    assert cli("run", "recipe.yaml", "-q").code == 0
    assert cli("verify", picture, "-q").code == 2
    assert cli("verify", picture, "-q", "--no-limits").code == 0
