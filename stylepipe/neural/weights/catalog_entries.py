"""The catalog of network weights, with the entries of installed packages (entry-point group `stylepipe.weights`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stylepipe.artifacts import Weights
from stylepipe.entry_points import WEIGHTS, guarded, load_entries
from stylepipe.errors import ExtensionError
from stylepipe.neural.encoders.encoder import Encoder

SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class Published:
    """A downloadable file: its address on the server, its published MD5 sum, and its size."""

    address: str
    md5: str
    megabytes: int
    server: str = SERVER

    @property
    def file(self) -> str:
        """The file's name, there and here."""
        return self.address.rpartition("/")[2]

    @property
    def most_bytes(self) -> int:
        """The most bytes to accept: the size is known to a megabyte."""
        return (self.megabytes + 1) * 10**6


@dataclass(frozen=True)
class CatalogEntry:
    """A named entry: the first existing of `files`. Entries that are not `published` come with the package that brings them.

    `license` and `attribution` say how it may be used and whose work is in it; files that come with stylepipe state them, too.
    `folder` is where the package has the files; None is stylepipe's own. `describe` checks the weights and returns their
    network, an `Encoder` or a NamedTuple, or raises WeightsError; None is for networks that come with stylepipe.
    """

    summary: str
    files: tuple[str, ...]
    license: str
    attribution: str
    published: Published | None = None
    folder: Path | None = None
    describe: Callable[[Weights], Encoder | tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class Catalog:
    """The usable entries by name, and the errors of the other ones, by name."""

    entries: Mapping[str, CatalogEntry]
    problems: Mapping[str, ExtensionError]


@cache
def weights_catalog() -> Catalog:
    """Returns the entries of all installed packages."""
    return Catalog(*load_entries(WEIGHTS, "entry for the weights", _load))


def _load(entry: Any) -> CatalogEntry:
    """Returns the value of an entry point. Raises ExtensionError, whose message lacks its subject, for a mistake."""
    with guarded(f"cannot be imported from '{entry.value}'"):
        value = entry.load()
    if not isinstance(value, CatalogEntry):
        raise ExtensionError(f"is not a {CatalogEntry.__module__}.CatalogEntry: '{entry.value}'.")
    return value


_VGG = "VGG by K. Simonyan and A. Zisserman (CC BY 4.0)"
_OWN = "The stylepipe developers"


def _keras(name: str, md5: str, megabytes: int, summary: str) -> CatalogEntry:
    published = Published(f"{name}/{name}_weights_tf_dim_ordering_tf_kernels_notop.h5", md5, megabytes)
    return CatalogEntry(summary, (f"{name}.safetensors", published.file), "CC BY 4.0", f"{_VGG}; file by Keras", published)


VGG16 = _keras("vgg16", "6d6bbae143d832006294945121d1f1fc", 59, "VGG-16, trained on ImageNet, to relu5_3")
VGG19 = _keras("vgg19", "253f8cb515780f3b799900260a226db6", 80, "VGG-19, trained on ImageNet, to relu5_4")
VGG19_SLIM = CatalogEntry(
    "VGG-19 distilled to a twentieth of its parameters, to relu5_1",
    ("vgg19-slim.safetensors",),
    "MIT",
    f"{_OWN}; distilled from {_VGG} and from Collaborative Distillation by H. Wang et al. (MIT)",
)
VGG19_SHALLOW = CatalogEntry(
    "VGG-19's first three blocks, to relu3_4",
    ("vgg19-shallow.safetensors",),
    "CC BY 4.0",
    f"{_VGG}; activations scaled layer by layer, half precision",
)
UPSCALER = CatalogEntry("super-resolution by 2, 3 and 4", ("upscaler.safetensors",), "MIT", _OWN)
SWIRLS_EMBERS = CatalogEntry(
    "two styles, each in one pass, and all between them",
    ("swirls-embers.safetensors",),
    "MIT",
    f"{_OWN}; trained with the losses of vgg19-slim",
)
