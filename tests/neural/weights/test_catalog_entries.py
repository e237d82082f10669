"""Weights of installed packages: entries of the catalog by name, and their mistakes named with the package."""

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Weights, save
from stylepipe.entry_points import WEIGHTS
from stylepipe.errors import WeightsError
from stylepipe.neural.weights import catalog, catalog_entries
from stylepipe.neural.weights.catalog_entries import weights_catalog

SHELF = """\
from pathlib import Path
from stylepipe.neural.weights.catalog_entries import CatalogEntry, Published


def names(weights):
    return tuple(weights.tensors)


published = Published("toys.h5", "00", 1, server="http://127.0.0.1:9")
KITE = CatalogEntry("a kite", ("kite.safetensors",), "MIT", "toys", folder=Path(__file__).parent, describe=names)
SWING = CatalogEntry("a swing", ("swing.h5",), "MIT", "toys", published)
"""


@pytest.fixture
def shelf(install_pack) -> Iterator[Callable[[str], Path]]:
    """Installs the package `toys` with these entry points; returns the folder of its files."""
    weights_catalog.cache_clear()

    def install(points: str) -> Path:
        site = install_pack("toys", {"shelf": SHELF})
        (site / "toys-1.0.dist-info" / "entry_points.txt").write_text(f"[{WEIGHTS}]\n{points}\n")
        return site / "toys"

    yield install
    weights_catalog.cache_clear()


def test_stylepipe_s_own_weights_are_entry_points():
    own = {entry.name for entry in entry_points(group=WEIGHTS) if entry.value.startswith(f"{catalog_entries.__name__}:")}
    assert {"vgg16", "vgg19", "vgg19-slim", "vgg19-shallow", "upscaler", "swirls-embers"} == own


def test_weights_of_a_package_are_found_and_described(shelf):
    folder = shelf("kite = toys.shelf:KITE")
    with pytest.raises(WeightsError, match=r"The weights 'kite' come with toys, and are missing.* Install toys again"):
        catalog.find("kite")
    tensors = {"tail": np.zeros(3, np.float32)}
    save(Weights(tensors), folder / "kite.safetensors")
    assert catalog.list_weights()["kite"] == catalog.find("kite") == folder / "kite.safetensors"
    assert catalog.verify("kite") == ("tail",)


def test_published_weights_are_downloaded_from_the_server_of_their_entry(shelf, monkeypatch, tmp_path):
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    shelf("swing = toys.shelf:SWING")
    with pytest.raises(WeightsError, match=r"http://127\.0\.0\.1:9/toys\.h5 cannot be downloaded"):
        catalog.pull("swing", retries=0)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (
            "kite = toys.nothing:KITE",
            "The entry for the weights 'kite' of the package 'toys' cannot be imported from 'toys.nothing:KITE': Module",
        ),
        (
            "kite = toys.shelf:published",
            "The entry for the weights 'kite' of the package 'toys' is not a "
            "stylepipe.neural.weights.catalog_entries.CatalogEntry: 'toys.shelf:published'.",
        ),
    ],
)
def test_a_mistake_ends_in_a_sentence_that_names_the_package(shelf, points, message):
    shelf(points)
    with pytest.raises(WeightsError) as caught:
        catalog.find("kite")
    assert caught.value.message.startswith(message)
    assert catalog.find("vgg19-slim").is_file()


def test_two_packages_with_weights_of_one_name(shelf):
    shelf("upscaler = toys.shelf:KITE")
    with pytest.raises(WeightsError) as caught:
        catalog.find("upscaler")
    assert str(caught.value) == (
        "The entry for the weights 'upscaler' is offered by both 'stylepipe' and 'toys'."
        " Uninstall one of the two packages, or choose another name in yours."
    )
