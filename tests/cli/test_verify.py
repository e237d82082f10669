"""The command verify: runs, pictures and bundles made again in a clean store."""

import shutil
from pathlib import Path

import pytest

from stylepipe.artifacts import Image
from stylepipe.engine import environment as machine
from stylepipe.image.files.io import read_image, write_image


@pytest.fixture
def made(cli, home) -> Path:
    """The folder of a run of the toy recipe."""
    return Path(cli("run", "recipe.yaml", "-q", "-p", "steps=3").out.strip()).parent


def test_a_run_is_made_again_from_nothing_and_is_the_same(cli, made):
    said = cli("verify", "toy")
    assert said.code == 0
    digest = cli("show", "toy", "--json").data["outputs"]["bright_again"]["digest"]
    assert said.out.splitlines() == [
        f"exact: bright_again ({digest[:12]})",
        "promised: exact (same platform, device, threads and versions)",
    ]
    assert "[1/3] bright: it has not run before" in said.err.splitlines()
    assert len(list(Path("outputs/toy").iterdir())) == 1  # it leaves nothing behind
    assert cli("verify", made, "-q").err == ""


def test_pictures_and_bundles_are_verified_where_their_inputs_are(cli, made, home):
    cli("export", "toy", "-o", "look.stylepipe")
    (home / "got").mkdir()
    for name in ("photo.png", "look.stylepipe"):
        shutil.copy(home / name, home / "got")
    picture = shutil.copy(made / "bright_again.png", home / "got" / "look.png")
    assert cli("verify", "look.stylepipe", "--json").data["verdict"] == "exact"
    assert cli("verify", picture, "--json").data["outputs"]["bright_again"] == {
        "verdict": "exact",
        "digest": cli("show", "toy", "--json").data["outputs"]["bright_again"]["digest"],
        "psnr": None,
    }


def test_a_result_that_was_painted_over_is_different(cli, made):
    path = made / "bright_again.png"
    write_image(Image(1 - read_image(path).pixels), path)
    said = cli("verify", "toy", "-q")
    assert said.code == 4
    assert said.out.startswith("different: bright_again (")
    assert ", PSNR " in said.out
    assert cli("verify", "toy", "-q", "--json").data["verdict"] == "different"


def test_on_another_machine_only_the_tolerance_is_promised(cli, made, monkeypatch):
    here = {**machine.environment(), "jax": "99.0"}
    monkeypatch.setattr("stylepipe.api.commands.verifying.environment", lambda: here)
    said = cli("verify", "toy", "-q", "--json")
    assert said.code == 0
    assert (said.data["verdict"], said.data["promised"]) == ("exact", "within tolerance")
    assert said.data["changed"] == {"jax": {"was": machine.version("jax"), "is": "99.0"}}
    assert "promised: within tolerance (PSNR of at least 40 dB; jax was" in cli("verify", "toy", "-q").out


def test_inputs_that_are_not_what_they_were_are_refused_and_can_be_given(cli, made, home):
    (home / "photo.png").rename(home.parent / "moved.png")
    write_image(Image(read_image(home.parent / "moved.png").pixels / 2), home / "photo.png")
    said = cli("verify", "toy", "-q")
    assert said.code == 2
    assert "error: Input 'photo', 'photo.png' of SHA-256 " in said.err
    assert "hint: Name a replacement: -p photo=FILE" in said.err
    assert "Input 'photo' has the SHA-256" in cli("verify", "toy", "-q", "-p", "photo=photo.png").err
    assert cli("verify", "toy", "-q", "-p", f"photo={home.parent / 'moved.png'}").code == 0


def test_what_cannot_be_verified_is_refused(cli, home):
    assert "There is no run 'gone'" in cli("verify", "gone").err
    cli("run", "recipe.yaml", "-q", "--until", "dark")
    assert "has no results to compare with" in cli("verify", "toy").err
    swept = cli("sweep", "recipe.yaml", "-q", "-p", "amount=[0.1, 0.2]", "-p", "steps=1", "--json")
    assert swept.code == 0
    assert "This is a sweep." in cli("verify", swept.data["folder"]).err
    picture = next(iter(swept.data["results"]["variants"][1]["outputs"].values()))["file"]
    assert cli("verify", Path(swept.data["folder"]) / picture, "-q").out.startswith("exact: bright_again (")
