"""The commands runs, runs rm, and show of what is no run: recipes, re-saved pictures, photos."""

import shutil
from pathlib import Path

import PIL.Image
import pytest

RUNS = ("run", "recipe.yaml", "-q", "--json")


def test_only_the_newest(cli):
    ids = [cli(*RUNS).data["record"]["id"] for _ in range(3)]
    assert [each["record"]["id"] for each in cli("runs", "--json", "-n", "2").data] == ids[:0:-1]
    assert len(cli("runs", "-n", "1").out.splitlines()) == 2
    assert cli("runs", "-n", "0").code == 2


def test_ids_are_whole_in_narrow_terminals(cli, monkeypatch):
    run = cli(*RUNS).data["record"]["id"]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for columns in ("30", "60", "79", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        assert run in cli("runs").out


def test_runs_are_removed(cli, home):
    first, second, third = (cli(*RUNS).data for _ in range(3))
    said = cli("runs", "rm", first["record"]["id"][-6:], second["folder"], "--yes", "--json")
    assert said.data["removed"] == [first["folder"], second["folder"]]
    assert said.data["bytes"] > 0
    assert [each["folder"] for each in cli("runs", "--json").data] == [third["folder"]]
    assert cli(*RUNS).data["record"]["stages"]["dark"]["cached"]  # the cache has what it had


def test_it_asks_first(cli, home, monkeypatch):
    folder = Path(cli(*RUNS).data["folder"])
    said = cli("runs", "rm", str(folder))
    assert (said.code, said.err.splitlines()[0]) == (2, "error: Nobody can be asked whether to remove runs.")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or len(asked) > 1)
    assert "Nothing was removed" in cli("runs", "rm", str(folder)).err
    assert folder.is_dir()
    assert cli("runs", "rm", str(folder)).code == 0
    assert not folder.exists()
    assert asked[0].startswith("Remove 1 run, 0.0 MB?")


def test_only_folders_of_runs_are_removed(cli, home):
    run = cli(*RUNS).data
    (home / "mine").mkdir()
    (home / "mine" / "record.json").write_text("{}")
    copied = shutil.copytree(run["folder"], home / "copy")
    (home / run["record"]["id"]).symlink_to(home / run["folder"])
    for name in ("mine", "copy", run["record"]["id"], "toy", "nothing", ".", ""):
        if name != run["record"]["id"]:
            assert cli("runs", "rm", name, "--yes").code != 0, name
    assert "is not a run's own folder" in cli("runs", "rm", f"./{run['record']['id']}", "--yes").err
    assert copied.is_dir()
    assert Path(run["folder"]).is_dir()


def test_a_living_run_is_not_removed(cli, home, monkeypatch):
    folder = Path(cli(*RUNS).data["folder"])
    record = (folder / "record.json").read_text().replace('"status": "done"', '"status": "running"')
    (folder / "record.json").write_text(record)
    monkeypatch.setattr("stylepipe.engine.runs.records.is_locked", lambda _: True)
    said = cli("runs", "rm", folder, "--yes")
    assert (said.code, "is in progress." in said.err) == (2, True)
    monkeypatch.setattr("stylepipe.engine.runs.records.is_locked", lambda _: False)
    assert cli("runs", "rm", folder, "--yes").code == 0


def test_show_a_recipe(cli, home):
    said = cli("show", "recipe.yaml")
    assert [line.split() for line in said.out.splitlines()[-4:]] == [
        ["param", "takes", "default"],
        ["photo", "a", "picture", "photo.png"],
        ["amount", "a", "number", "0.25"],
        ["steps", "a", "whole", "number", "20"],
    ]
    data = cli("show", "ancient_city", "--json").data
    assert data["params"][0] == {"name": "content", "type": "a picture", "default": "assets/ancient_city.jpg"}
    types = {each["name"]: each["type"] for each in data["params"]}
    assert types["mask"] == "a mask"
    assert types["scales"] == "a list of whole numbers"
    assert types["network"] == "weights, by name or file"
    assert {each["name"]: each["type"] for each in cli("show", "many_styles", "--json").data["params"]}["styles"] == (
        "pictures: a list, a folder or a pattern"
    )


def test_a_run_goes_before_a_recipe_of_its_name(cli, home):
    (home / "recipe.yaml").write_text((home / "recipe.yaml").read_text().replace("name: toy", "name: gatys"))
    assert "record" not in cli("show", "gatys", "--json").data
    run = cli(*RUNS).data["record"]
    assert cli("show", "gatys", "--json").data["id"] == run["id"]


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".tif", ".png"])
def test_a_result_that_was_saved_anew(cli, home, ending):
    result = cli(*RUNS).data["outputs"]["bright_again"]
    with PIL.Image.open(result) as picture:
        picture.save(home / f"again{ending}")
    said = cli("show", f"again{ending}")
    assert said.code == 2
    assert "not say how it was made" in said.err
    assert "hint:" in said.err


@pytest.mark.parametrize("command", ["run", "validate", "sweep", "plan"])
@pytest.mark.parametrize("name", ["photo.jpg", "photo.tif", "photo", "photo.yaml"])
def test_a_photo_is_no_recipe(cli, home, command, name):
    with PIL.Image.open(home / "photo.png") as picture:
        picture.save(home / name, "JPEG")
    said = cli(command, name)
    assert said.code == 2
    assert f"error: {name}: {name} is a picture, not a recipe." in said.err
    assert "-p content=PICTURE" in said.err


def test_a_result_is_no_recipe_to_validate(cli, home):
    result = cli(*RUNS).data["outputs"]["bright_again"]
    assert "stylepipe run" in cli("validate", result).err


def test_a_failure_names_the_folder_of_its_run(cli, home):
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text(
        text.replace("use: walk, image: $bright, steps: $params.steps", "use: give_up, image: $bright")
    )
    said = cli("run", "recipe.yaml", "-q", "--json")
    assert said.code == 1
    assert said.data["error"]["message"]
    assert Path(said.data["error"]["folder"], "record.json").is_file()
    assert "folder" not in cli("run", "nothing.yaml", "--json").data["error"]


def test_doctor_has_types(cli):
    data = cli("doctor", "--json").data
    assert isinstance(data["memory"], int)
    assert isinstance(data["cache"]["free"], int)
    assert data["weights"]["vgg19-slim"].endswith("vgg19-slim.safetensors")
    assert "stylize" in data["stages"]
