"""Network weights: `stylepipe.weights.list()`, `stylepipe.weights.pull("vgg19")`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylepipe.api.sources.user_paths import user_path
from stylepipe.cache_folder import expand_home
from stylepipe.neural.weights import catalog
from stylepipe.neural.weights.catalog_entries import weights_catalog

__all__ = ["NamedWeights", "convert", "list", "path", "pull", "verify"]


@dataclass(frozen=True)
class NamedWeights:
    """Weights that recipes may name: what they are, their file (None where it is missing), license and authors."""

    name: str
    summary: str
    file: Path | None
    license: str
    attribution: str


def list() -> tuple[NamedWeights, ...]:  # noqa: A001 (the name of the command)
    """Returns the weights that recipes may name."""
    entries = ((name, weights_catalog().entries[name], file) for name, file in catalog.list_weights().items())
    return tuple(NamedWeights(name, entry.summary, file, entry.license, entry.attribution) for name, entry, file in entries)


def pull(name: str, /, *, offline: bool = False, progress: Callable[[int, int], None] | None = None) -> Path:
    """Downloads published weights into the cache, verifies them, and returns their file.

    `offline`, or $STYLEPIPE_OFFLINE, forbids the network. `progress` receives the bytes received and the bytes in all; by
    default a terminal shows a bar. Raises WeightsError when the weights cannot be had.
    """
    if progress:
        return catalog.pull(name, offline=offline, progress=progress)
    from stylepipe.report.progress import download_bar

    with download_bar(name) as bar:
        return catalog.pull(name, offline=offline, progress=bar)


def verify(weights: str | Path, /) -> Any:
    """Verifies weights, by name or file, and returns the description of their network, such as a `Vgg`. Raises WeightsError."""
    return catalog.verify(expand_home(str(weights)))


def convert(source: str | Path, target: str | Path, /) -> Path:
    """Converts published weights (Keras HDF5, torchvision .pth, .npz or safetensors), and returns the file written.

    Raises WeightsError for a file that cannot be read or written.
    """
    file = user_path(target)
    catalog.convert(user_path(source), file)
    return file


def path(name: str, /) -> Path:
    """Returns the file of named weights. Raises WeightsError for an unknown name and for a missing file."""
    return catalog.find(name)
