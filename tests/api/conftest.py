"""A folder with a recipe of two stages and a picture, with a cache of its own."""

from pathlib import Path

import jax
import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.image.files.io import write_image

RECIPE = """\
stylepipe: 1
name: look
params: {photo: photo.png, side: 6, amount: 0.5, styles: [photo.png]}
inputs: {photo: {image: $params.photo}}
stages:
  small: {use: resize, image: $photo, long_side: $params.side}
  sharp: {use: sharpen, image: $small, amount: $params.amount}
output: $sharp
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    (folder / "look.yaml").write_text(RECIPE)
    write_image(Image(picture()), folder / "photo.png")
    return folder


def picture() -> np.ndarray:
    return np.random.default_rng(0).random((8, 12, 3), np.float32)


@pytest.fixture(autouse=True)
def no_lasting_compilation_cache():
    """Runs let JAX keep compiled programs in their store; other tests are not to."""
    yield
    jax.config.update("jax_compilation_cache_dir", None)
