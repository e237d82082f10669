"""Files and folders whose names are not UTF-8, or very long: run and shown, or refused with a sentence."""

import json
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
