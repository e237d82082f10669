"""What test modules share: weights and pictures that do not come with the project; tests skip where they are absent."""

import os
from pathlib import Path

import pytest

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
