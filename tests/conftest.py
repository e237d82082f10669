"""What test modules share. Weights and pictures do not come with the project: tests skip where they are absent."""

import os
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import config

from stylepipe.artifacts import Weights

SHARED = Path(__file__).parents[2] / "shared"


def _present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not here (it does not come with the project)")
    return path


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """The folder of network weights that $STYLEPIPE_WEIGHTS names, else the one beside the checkout."""
    return _present(Path(os.environ.get("STYLEPIPE_WEIGHTS") or SHARED / "weights"))


@pytest.fixture(scope="session")
def exact_vgg19(weights_folder: Path) -> Path:
    """The exact VGG-19, its first three blocks."""
    return _present(weights_folder / "vgg19_conv1_to_conv3.safetensors")


@pytest.fixture(scope="session")
def slim_vgg19(weights_folder: Path) -> Path:
    """A VGG-19 distilled to slim widths, to relu5_1."""
    return _present(weights_folder / "vgg19_distilled16x.safetensors")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of pictures for measuring: kodak, set5, seed_images, …"""
    return _present(SHARED / "data")


@pytest.fixture(scope="session")
def tiny_vgg() -> Weights:
    """A random network of few channels, to relu3_1, with activations of about 1."""
    draw = np.random.default_rng(3)
    tensors = {"normalise/kernel": np.eye(3)[None, None] * 2, "normalise/bias": np.full(3, -1.0)}
    before = 3
    for name, width in {"conv1_1": 6, "conv2_1": 8, "conv3_1": 8}.items():
        tensors[f"{name}/kernel"] = draw.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
        tensors[f"{name}/bias"] = draw.random(width)
        before = width
    return Weights({k: np.float32(v) for k, v in tensors.items()}, {"pooling": "max", "padding": "reflect"})


@pytest.fixture
def unchecked_types():
    """As users run it: without the checker of annotations that tests have, which comes before the project's own checks."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
