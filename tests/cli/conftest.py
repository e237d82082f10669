"""The command line, called in this process in a folder of its own, with a pack of toy stages and a recipe of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.cli import main
from stylepipe.image.files.io import write_image

TOYS = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "toys").glob("*.py")}

RECIPE = """\
stylepipe: 1
name: toy
params: {photo: photo.png, amount: 0.25, steps: 20}
inputs: {photo: {image: $params.photo}}
stages:
  bright: {use: brighten, image: $photo, amount: $params.amount}
  dark: {use: walk, image: $bright, steps: $params.steps}
  bright_again: {use: brighten, image: $dark}
  unneeded: {use: brighten, image: $photo}
output: $bright_again
"""


@dataclass(frozen=True)
class Said:
    """What a command answered: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install_pack: Callable[..., Path]) -> Path:
    """The current folder: a recipe of toy stages, a picture, a cache of its own, and no weights."""
    install_pack("toys", TOYS)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv(
        "PYTHONSAFEPATH", "1"
    )  # which the command line sets for its process, is not to stay in that of the tests
    for name in ("STYLEPIPE_WEIGHTS", "STYLEPIPE_OFFLINE", "STYLEPIPE_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    (folder / "recipe.yaml").write_text(RECIPE)
    write_image(Image(np.random.default_rng(0).random((6, 8, 3), np.float32)), folder / "photo.png")
    return folder


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Calls the command line with these arguments."""

    def call(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Said(code, said.out, said.err)

    return call


@pytest.fixture(autouse=True)
def no_lasting_compilation_cache():
    """Runs let JAX keep compiled programs in their store; other tests are not to."""
    yield
    jax.config.update("jax_compilation_cache_dir", None)
