"""The option -o of `run`: formats, quality, several outputs, and what is not overwritten."""

import numpy as np
import PIL.Image
import pytest

from stylepipe.engine.runs.output_file import OUTPUT_ENDINGS
from stylepipe.image.files.io import ENDINGS
from stylepipe.sharing.png_provenance import read_picture

QUIET = ("run", "recipe.yaml", "-q")


def pixels(path) -> np.ndarray:
    with PIL.Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


@pytest.mark.parametrize("ending", OUTPUT_ENDINGS)
def test_the_result_is_written_in_the_format_of_the_ending(cli, home, ending):
    said = cli(*QUIET, "-o", f"made{ending.upper()}", "--json")
    assert said.data["written"] == {"bright_again": f"made{ending.upper()}"}
    exact = pixels(home / said.data["outputs"]["bright_again"])
    made = home / f"made{ending.upper()}"
    assert np.abs(pixels(made) - exact).max() <= (40 if ending in (".jpg", ".jpeg") else 0)
    assert ending in ENDINGS
    with PIL.Image.open(made) as picture:
        assert picture.format == {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}.get(
            ending, ending[1:].upper()
        )


def test_its_path_is_printed_and_only_png_carries_the_recipe(cli, home):
    assert cli(*QUIET, "-o", "made.png").out == "made.png\n"
    assert read_picture(home / "made.png").name == "toy"
    assert cli("run", "made.png", "-q", "-o", "again.png").code == 0
    cli(*QUIET, "--no-embed", "-o", "plain.png")
    assert "does not say how it was made" in cli("show", "plain.png").err


@pytest.mark.parametrize("name", ["made.jpg", "made.webp"])
def test_quality(cli, home, name):
    sizes = []
    for quality in ("5", "95"):
        assert cli(*QUIET, "-o", name, "--quality", quality, "--overwrite").code == 0
        sizes.append((home / name).stat().st_size)
    assert sizes[0] < sizes[1]
    assert cli(*QUIET, "-o", name, "--quality", "101", "--overwrite").code == 2


def test_nothing_is_overwritten_unless_asked(cli, home):
    (home / "mine.png").write_text("mine")
    said = cli("run", "recipe.yaml", "-o", "mine.png")
    assert (said.code, said.err) == (2, "error: 'mine.png' exists already.\nhint: --overwrite replaces it.\n")
    assert not (home / "outputs").exists()  # it is said before anything runs
    assert cli(*QUIET, "-o", "mine.png", "--overwrite").code == 0
    assert pixels(home / "mine.png").shape == (6, 8, 3)
    assert sorted(path.name for path in home.glob(".*")) == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("made.bmp", "'made.bmp' does not end in .png, .jpg, .jpeg, .webp, .tif or .tiff."),
        ("made", "'made' does not end in .png, .jpg"),
        ("nowhere/made.png", "There is no folder 'nowhere'."),
    ],
)
def test_targets_that_cannot_be(cli, home, target, message):
    said = cli("run", "recipe.yaml", "-o", target)
    assert said.code == 2
    assert f"error: {message}" in said.err
    assert not (home / "outputs").exists()


def test_several_outputs_go_into_a_folder(cli, home):
    text = (home / "recipe.yaml").read_text().replace("output: $bright_again", "outputs: {first: $bright, last: $dark}")
    (home / "recipe.yaml").write_text(text)
    said = cli("run", "recipe.yaml", "-o", "made.png")
    assert "error: The recipe has 2 outputs: first, last; 'made.png' is one file." in said.err
    assert "hint: Name a folder that exists with -o: each goes there as first.png and so on." in said.err
    (home / "pics").mkdir()
    assert cli(*QUIET, "-o", "pics").out == "pics/first.png\npics/last.png\n"
    assert "'pics/first.png' exists already." in cli(*QUIET, "-o", "pics").err
    assert cli(*QUIET, "--until", "bright", "-o", "one.png").out == "one.png\n"


def test_there_must_be_a_result(cli):
    assert "-o has no result to write" in cli("run", "recipe.yaml", "--until", "dark", "-o", "made.png").err


def test_an_unwritable_folder_is_a_sentence(cli, home, monkeypatch):
    monkeypatch.setattr("stylepipe.engine.runs.output_file.write_whole", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    said = cli(*QUIET, "-o", "made.png")
    assert said.code == 1
    assert "there is no space left on the disk" in said.err


@pytest.mark.parametrize("ending", OUTPUT_ENDINGS)
def test_a_name_may_be_as_long_as_names_can_be(cli, home, ending):
    name = "n" * (255 - len(ending)) + ending
    assert cli(*QUIET, "-o", name).code == 0
    assert pixels(home / name).shape == (6, 8, 3)
    assert sorted(path.name for path in home.glob(".*")) == []


def test_what_cannot_be_written_is_said_before_anything_runs(cli, home):
    for name in ("n" * 300 + ".png", "n" * 252 + ".jpg"):
        said = cli(*QUIET, "-o", name)
        assert (said.code, said.err.splitlines()[0]) == (
            2,
            f"error: '{name}' cannot be written: a name in it would be too long.",
        )
    assert not (home / "outputs").exists()
