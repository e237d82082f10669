"""The commands export and import, and running a bundle."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def bundle(cli, home) -> Path:
    """A bundle of a run, alone in another folder, as one gets it from somebody."""
    assert cli("run", "recipe.yaml", "-q").code == 0
    (home / "got").mkdir()
    said = cli("export", "toy", "-o", "got/look.stylepipe")
    assert (said.code, said.out) == (0, "got/look.stylepipe\n")
    return home / "got" / "look.stylepipe"


@pytest.fixture
def elsewhere(bundle, tmp_path, monkeypatch) -> Path:
    """Another machine: a folder with nothing but the bundle, and an empty cache."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(bundle, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "other-cache"))
    return folder


def test_what_is_in_a_bundle(cli, home, bundle):
    (folder,) = (home / "outputs" / "toy").iterdir()
    with zipfile.ZipFile(bundle) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
        assert archive.testzip() is None
    assert list(held) == ["inputs/photo.png", "recipe.yaml", "record.json", "resolved.yaml", "SHA256SUMS"]
    assert held["recipe.yaml"] == (home / "recipe.yaml").read_bytes()
    assert held["record.json"] == (folder / "record.json").read_bytes()
    assert held["inputs/photo.png"] == (home / "photo.png").read_bytes()
    assert held["SHA256SUMS"].decode().splitlines() == [
        f"{hashlib.sha256(held[name]).hexdigest()}  {name}" for name in sorted(held) if name != "SHA256SUMS"
    ]
    assert str(home).encode() not in bundle.read_bytes()


def test_the_same_run_makes_the_same_bytes(cli, home, bundle):
    assert cli("export", "toy", "-o", "again.stylepipe").code == 0
    assert (home / "again.stylepipe").read_bytes() == bundle.read_bytes()


def test_a_bundle_runs_elsewhere_and_comes_to_the_same(cli, home, elsewhere):
    digest = cli("show", "toy", "--json", "--outputs", home / "outputs").data["outputs"]["bright_again"]["digest"]
    said = cli("run", "look.stylepipe", "--json")
    assert said.code == 0
    assert not any(stage["cached"] for stage in said.data["record"]["stages"].values())
    assert said.data["record"]["outputs"]["bright_again"]["digest"] == digest
    assert [path.name for path in elsewhere.iterdir() if path.name != "outputs"] == ["look.stylepipe"]


def test_show_a_bundle(cli, elsewhere):
    assert cli("show", "look.stylepipe").out.startswith("recipe  toy\ninput   photo: photo.png (")


def test_import_makes_a_folder_whose_recipe_runs(cli, elsewhere):
    said = cli("import", "look.stylepipe")
    assert (said.code, said.out) == (0, "look\n")
    assert sorted(path.name for path in (elsewhere / "look").iterdir()) == [
        "SHA256SUMS",
        "inputs",
        "recipe.yaml",
        "record.json",
        "resolved.yaml",
    ]
    assert cli("run", "look/resolved.yaml", "-q").code == 0
    again = cli("import", "look.stylepipe")
    assert (again.code, again.err) == (2, "error: 'look' exists already.\nhint: Name another with -o, or move it away.\n")
    assert cli("import", "look.stylepipe", "-o", "other", "--json").data == {"folder": "other"}
    assert cli("import", "look/recipe.yaml").err.startswith("error: 'look/recipe.yaml' is neither a bundle nor a picture")


def test_a_bundle_that_was_changed_is_refused_and_leaves_nothing(cli, elsewhere):
    data = bytearray((elsewhere / "look.stylepipe").read_bytes())
    at = data.index(b"amount: 0.25")
    data[at : at + 12] = b"amount: 0.75"
    (elsewhere / "look.stylepipe").write_bytes(data)
    for command in ("import", "run", "plan", "show"):
        said = cli(command, "look.stylepipe")
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("error: 'look.stylepipe' is refused: ")
    assert [path.name for path in elsewhere.iterdir()] == ["look.stylepipe"]


def test_another_picture_may_be_given(cli, home, elsewhere):
    assert cli("run", "look.stylepipe", "-q", "-p", f"photo={home / 'photo.png'}").code == 0
    assert cli("run", "look.stylepipe", "-p", "foto=x.png").err.startswith("error: -p foto: The recipe has no param 'foto'.")


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_is_wrong_names_the_bundle_and_no_temporary_folder(cli, elsewhere, command):
    (elsewhere / "text.png").write_text("This is no picture.")
    said = cli(command, "look.stylepipe", "-p", "photo=text.png")
    assert said.code == 2
    assert "error: look.stylepipe: resolved.yaml:" in said.err
    assert "input 'photo': 'text.png' is not a PNG file." in said.err


def test_a_warning_names_the_bundle(cli, bundle):
    assert (
        cli("run", bundle, "-q").err == f"warning: {bundle}: resolved.yaml:22:3: no output needs unneeded; it does not run.\n"
    )


def test_inputs_that_are_gone_are_asked_for(cli, home, bundle):
    (home / "away").mkdir()
    (home / "photo.png").rename(home / "away" / "moved.png")
    said = cli("export", "toy", "-o", "x.stylepipe")
    assert said.code == 2
    assert said.err.startswith("error: Input 'photo', 'photo.png' of SHA-256 ")
    assert cli("export", "toy", "-o", "x.stylepipe", "-p", "photo=away/moved.png").code == 0
    assert (home / "x.stylepipe").read_bytes() == bundle.read_bytes()


def test_what_cannot_be_exported(cli, home, bundle):
    assert cli("export", "toy", "-o", "look.zip").err.startswith("error: 'look.zip' does not end in .stylepipe.")
    assert cli("export", "toy", "-o", bundle).err.startswith(f"error: '{bundle}' exists already.")
    assert cli("export", "none", "-o", "x.stylepipe").err.startswith("error: There is no run 'none'")


def test_of_a_sweep_one_variant_is_exported(cli, home):
    said = cli("sweep", "recipe.yaml", "-q", "-p", "amount=[0.1, 0.2]", "--outputs", "swept", "--json")
    digest = said.data["results"]["variants"][0]["outputs"]["bright_again"]["digest"]
    refused = cli("export", "toy", "--outputs", "swept", "-o", "x.stylepipe")
    assert refused.err.startswith(
        "error: This is a sweep, and a bundle holds one run.\nhint: Its pictures carry their recipes: "
    )
    command = refused.err.split("'")[1].split()
    assert command[2] == f"{said.data['folder']}/amount=0.1.png"
    assert all(stage["cached"] for stage in cli(*command[1:], "--json").data["record"]["stages"].values())
    assert cli("export", "toy", "-o", "x.stylepipe").code == 0
    assert cli("verify", "x.stylepipe", "-q").out.startswith(f"exact: bright_again ({digest[:12]})")


def test_a_crate_holds_the_bundle_and_the_results(cli, home, bundle):
    assert cli("export", "toy", "--crate", "-o", "crate").out == "crate\n"
    assert sorted(str(path.relative_to(home / "crate")) for path in (home / "crate").rglob("*") if path.is_file()) == [
        "bright_again.png",
        "inputs/photo.png",
        "recipe.yaml",
        "record.json",
        "resolved.yaml",
        "ro-crate-metadata.json",
    ]
    assert cli("export", "toy", "--crate", "-o", "crate.zip").code == 0
    with zipfile.ZipFile(home / "crate.zip") as archive:
        assert archive.read("ro-crate-metadata.json") == (home / "crate" / "ro-crate-metadata.json").read_bytes()
    assert cli("run", "crate/resolved.yaml", "-q").code == 0


@pytest.mark.parametrize("name", [f"{'n' * 245}.stylepipe", f"{'n' * 251}.zip"])
def test_a_name_may_be_as_long_as_names_can_be(cli, home, name):
    assert cli("run", "recipe.yaml", "-q").code == 0
    said = cli("export", "toy", "-o", name, *(["--crate"] if name.endswith(".zip") else []))
    assert (said.code, said.out) == (0, f"{name}\n")
