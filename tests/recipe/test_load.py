"""Loading from files: what cannot be read, and what loading does not do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stylepipe.errors import RecipeError
from stylepipe.recipe.load import load_recipe

RECIPES = Path(__file__).parent / "recipes"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_that_cannot_be_read(folder: Path) -> None:
    os.mkfifo("pipe.yaml")
    for name, message in {
        "none.yaml": "none.yaml: There is no file none.yaml.",
        ".": ".: . is a folder; expected a recipe.",
        "pipe.yaml": "pipe.yaml: pipe.yaml is no ordinary file; expected a recipe.",
        "a\0b": "a\0b: a\0b cannot be read: no file can have this name here.",
        "x" * 300: f"{'x' * 300}: {'x' * 300} cannot be read: File name too long.",
    }.items():
        with pytest.raises(RecipeError) as caught:
            load_recipe(Path(name))
        assert str(caught.value) == message
        assert caught.value.exit_code == 2


def test_large_files_are_not_read_whole(folder: Path) -> None:
    with Path("large.yaml").open("wb") as file:
        file.truncate(10**12)  # takes no space
    with pytest.raises(RecipeError, match=r"^large\.yaml: The file is larger than 1 MB"):
        load_recipe(Path("large.yaml"))


def test_paths_are_shown_as_they_were_given(folder: Path) -> None:
    Path("sub").mkdir()
    Path("sub/a.yaml").write_text("stylepipe: 1\nname: a\nstages: {}\noutput: $x\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(Path("sub/a.yaml"))
    assert str(caught.value) == "sub/a.yaml:4:9: output: there is no input or stage $x."


def test_neither_jax_nor_the_inputs_are_needed(pack: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from stylepipe.recipe.load import load_recipe\n"
        "recipe = load_recipe(Path(sys.argv[1]))\n"
        "print(len(recipe.stages), sorted({'jax', 'jaxlib', 'PIL', 'stages.stylize'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(RECIPES / "everything.yaml")],
        env={**os.environ, "PYTHONPATH": str(pack)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("9 []\n", "")
