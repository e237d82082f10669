"""Files and folders whose names are not UTF-8, or very long: run and shown, or refused with a sentence."""

import json
import os
import shutil
from pathlib import Path

import pytest

ODD = b"caf\xe9".decode("utf-8", "surrogateescape")


@pytest.fixture
def place(home) -> Path:
    """A recipe and its picture, both of odd names, in a folder of such a name."""
    folder = home / ODD
    folder.mkdir()
    shutil.copy(home / "photo.png", folder / "photo.png")
    (folder / f"{ODD}.yaml").write_text((home / "recipe.yaml").read_text())
    return home


@pytest.mark.parametrize("folders", [[], ["--outputs", f"{ODD}/out", "--cache", f"{ODD}/cache"]])
def test_a_run(cli, place, folders):
    said = cli("run", f"{ODD}/{ODD}.yaml", "-q", *folders)
    assert said.code == 0, said.err
    outputs = place / (folders[1] if folders else "outputs")
    (folder,) = (outputs / "toy").iterdir()
    assert json.loads((folder / "record.json").read_text())["command"][2] == "caf\ufffd/caf\ufffd.yaml"
    assert (folder / "report.html").exists()
    for command in (
        ["show", folder],
        ["show", folder / "bright_again.png"],
        ["runs", "--outputs", outputs],
        ["diff", folder, folder],
    ):
        assert cli(*command).code == 0, command


def test_a_sweep_over_such_files(cli, place):
    """A pattern finds them; typed by hand they are refused, since a recipe is text."""
    (place / "many").mkdir()
    for name in ("a", "b"):
        shutil.copy(place / "photo.png", place / "many" / f"{ODD}{name}.png")
    said = cli("sweep", "recipe.yaml", "-q", "-p", "photo=[many/*.png]")
    assert "fault" not in said.err
    assert said.code == 0, said.err
    (folder,) = (place / "outputs" / "toy").iterdir()
    assert "caf\ufffda.png" in (folder / "results.csv").read_text(encoding="utf-8")
    said = cli("run", "recipe.yaml", "-p", f"photo=many/{ODD}a.png")
    assert (said.code, "not UTF-8 text" in said.err) == (2, True)


@pytest.mark.parametrize("name", [ODD, "x" * 300, f"{ODD}/none", "é", "\u202e"])
def test_what_is_not_there(cli, name):
    for command in (
        *(["run", name], ["run", f"{name}.png"], ["run", f"{name}.stylepipe"], ["validate", name], ["show", name]),
        *(["show", f"{name}.png"], ["verify", name], ["verify", f"{name}.stylepipe"], ["diff", name, name]),
        *(["export", name, "-o", f"{name}.stylepipe"], ["import", f"{name}.stylepipe"], ["weights", "verify", f"{name}.h5"]),
        *(["weights", "convert", f"{name}.h5", f"{name}.safetensors"], ["plan", name], ["explain", name, "x"]),
    ):
        said = cli(*command)
        assert said.code in (1, 2), command
        assert said.err.startswith("error: "), command
        assert "fault" not in said.err, command


LONG = ["x" * 300, "y/" * 3000, f"{'z' * 300}/inner"]


@pytest.mark.parametrize("name", LONG, ids=["name", "path", "folder"])
def test_what_can_never_be_there(cli, name):
    """As of a name that is not there: no command says that its trace is to be looked at."""
    for command in (
        *(["run", name], ["run", f"{name}.yaml"], ["plan", name], ["validate", name], ["sweep", name], ["explain", name, "x"]),
        *(["show", name], ["show", f"{name}.jpg"], ["verify", name], ["diff", name, name], ["runs", "rm", "--yes", name]),
        *(["export", name, "-o", "x.stylepipe"], ["import", f"{name}.stylepipe"], ["weights", "verify", f"{name}.npz"]),
        *(["run", "recipe.yaml", "-p", f"photo={name}.png"], ["sweep", "recipe.yaml", "-p", f"photo=[{name}, '{name}*']"]),
        *(["run", "recipe.yaml", "-o", f"{name}.png"], ["run", "recipe.yaml", "--cache", name], ["init", name]),
    ):
        said = cli(*command)
        assert said.code in (1, 2), command
        assert "\nerror: " in f"\n{said.err}", command
        assert "TRACEBACK" not in said.err, command


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_what_is_in_a_folder_that_may_not_be_entered(cli, home, monkeypatch):
    (home / "shut").mkdir()
    shutil.copy(home / "recipe.yaml", home / "shut" / "recipe.yaml")
    assert cli("run", "recipe.yaml", "-q").code == 0
    (home / "shut").chmod(0)
    try:
        for command in (
            *(["run", "shut/recipe.yaml"], ["show", "shut/recipe.yaml"], ["show", "shut"], ["diff", "toy", "shut"]),
            *(["sweep", "recipe.yaml", "-p", "photo=[shut]"], ["sweep", "recipe.yaml", "-p", "photo=['shut/*']"]),
            *(["export", "toy", "-o", "shut/x.stylepipe"], ["export", "toy", "--crate", "-o", "shut/x"]),
            *(
                ["run", "recipe.yaml", "-o", "shut/x.png"],
                ["run", "recipe.yaml", "--cache", "shut/x"],
                ["runs", "--outputs", "shut"],
            ),
        ):
            said = cli(*command)
            assert said.code in (1, 2), command
            assert "TRACEBACK" not in said.err, command
        monkeypatch.setenv("STYLEPIPE_WEIGHTS", str(home / "shut"))
        assert cli("weights", "list").code == 0
    finally:
        (home / "shut").chmod(0o700)
