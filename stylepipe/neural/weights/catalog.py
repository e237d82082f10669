"""The catalog of network weights: names, files on this machine, and downloads.

A name's file is looked for in the folder that $STYLEPIPE_WEIGHTS names; among those that come with stylepipe, in `data/`; and
in `weights/` of stylepipe's cache ($STYLEPIPE_CACHE, or the system's place for caches), where `pull` puts what is published.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylepipe.artifacts import Weights
from stylepipe.cache_folder import cache_folder, expand_home
from stylepipe.errors import WeightsError, did_you_mean
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.networks import texture_layout, transformation_layout, upscaler_layout
from stylepipe.neural.weights.published_layouts import convert, read_weights
from stylepipe.paths import is_file

__all__ = ["CATALOGUE", "CatalogEntry", "Published", "convert", "find", "list_weights", "pull", "read_weights", "verify"]

_CHUNK = 1 << 16
_SHIPPED = Path(__file__).with_name("data")

SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class Published:
    """A downloadable file: its address on the server, its published MD5 sum, and its size."""

    address: str
    md5: str
    megabytes: int

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
    """A named entry: the first existing of `files`. Entries that are not `published` are shipped with stylepipe.

    `license` and `attribution` say how it may be used and whose work is in it; files that come with stylepipe state them, too.
    """

    summary: str
    files: tuple[str, ...]
    license: str
    attribution: str
    published: Published | None = None


_VGG = "VGG by K. Simonyan and A. Zisserman (CC BY 4.0)"
_OWN = "The stylepipe developers"


def _keras(name: str, md5: str, megabytes: int, summary: str) -> CatalogEntry:
    published = Published(f"{name}/{name}_weights_tf_dim_ordering_tf_kernels_notop.h5", md5, megabytes)
    return CatalogEntry(summary, (f"{name}.safetensors", published.file), "CC BY 4.0", f"{_VGG}; file by Keras", published)


CATALOGUE = {
    "vgg16": _keras("vgg16", "6d6bbae143d832006294945121d1f1fc", 59, "VGG-16, trained on ImageNet, to relu5_3"),
    "vgg19": _keras("vgg19", "253f8cb515780f3b799900260a226db6", 80, "VGG-19, trained on ImageNet, to relu5_4"),
    "vgg19-slim": CatalogEntry(
        "VGG-19 distilled to a twentieth of its parameters, to relu5_1",
        ("vgg19-slim.safetensors",),
        "MIT",
        f"{_OWN}; distilled from {_VGG} and from Collaborative Distillation by H. Wang et al. (MIT)",
    ),
    "vgg19-shallow": CatalogEntry(
        "VGG-19's first three blocks, to relu3_4",
        ("vgg19-shallow.safetensors",),
        "CC BY 4.0",
        f"{_VGG}; activations scaled layer by layer, half precision",
    ),
    "upscaler": CatalogEntry("super-resolution by 2, 3 and 4", ("upscaler.safetensors",), "MIT", _OWN),
    "swirls-embers": CatalogEntry(
        "two styles, each in one pass, and all between them",
        ("swirls-embers.safetensors",),
        "MIT",
        f"{_OWN}; trained with the losses of vgg19-slim",
    ),
}


def list_weights() -> dict[str, Path | None]:
    """Returns all known names, and the file of each that is on this machine."""
    return {name: _present(entry) for name, entry in CATALOGUE.items()}


def find(name: str) -> Path:
    """Returns the file of named weights. Raises WeightsError for an unknown name or a missing file."""
    entry = _entry(name)
    if path := _present(entry):
        return path
    if entry.published:
        raise WeightsError(
            f"The weights '{name}' are not on this machine.",
            hint=f"'stylepipe weights pull {name}' downloads them ({entry.published.megabytes} MB).",
        )
    raise WeightsError(f"The weights '{name}' come with stylepipe, and are missing.", hint="Install stylepipe again.")


def pull(
    name: str,
    *,
    offline: bool = False,
    progress: Callable[[int, int], None] | None = None,
    server: str = SERVER,
    retries: int = 3,
) -> Path:
    """Downloads published weights into the cache unless they are there; returns the file.

    The file takes its name only once it is whole and has the published checksum; a download that fails is tried again `retries`
    times. `progress` is called with the bytes received and the bytes in all. `offline`, or $STYLEPIPE_OFFLINE, forbids the
    network. Raises WeightsError when the weights cannot be had.
    """
    published = _entry(name).published
    if published is None:
        return find(name)
    path = _pulled() / published.file
    if is_file(path) and _md5(path) == published.md5:
        return path
    if offline or os.environ.get("STYLEPIPE_OFFLINE", "0") not in ("", "0"):
        raise WeightsError(
            f"The weights '{name}' are not on this machine, and downloads are turned off.",
            hint=f"Allow downloads, or put {published.file} into the folder that $STYLEPIPE_WEIGHTS names.",
        )
    _download(published, path.parent, server=server, retries=retries, progress=progress)
    return path


def verify(weights: str) -> Any:
    """Reads weights by name or path, and returns them with their network, such as a `Vgg`.

    Raises WeightsError when there are none, when a published file is not as it was published, and as `read_weights` does.
    """
    path = Path(weights) if "/" in weights or Path(weights).suffix else find(weights)
    published = {entry.published.file: entry.published.md5 for entry in CATALOGUE.values() if entry.published}
    if is_file(path) and path.name in published and (digest := _md5(path)) != published[path.name]:
        raise WeightsError(
            f"'{path.name}' is damaged: its MD5 sum is {digest}, and {published[path.name]} is published.",
            hint="Delete it, and pull it again.",
        )
    read = read_weights(path)
    if (network := read.metadata.get("network")) is None:
        return describe(read)
    networks: Mapping[str, Callable[[Weights], Any]] = {
        "image-transformation": transformation_layout.describe,
        "texture": texture_layout.describe,
        "upscaler": upscaler_layout.describe,
    }
    if network not in networks:
        raise WeightsError(
            f"The weights state the network '{network}'; allowed is {', '.join(networks)}.",
            hint="Another program wrote the file.",
        )
    return networks[network](read)


def _entry(name: str) -> CatalogEntry:
    if name not in CATALOGUE:
        raise WeightsError(f"There are no weights '{name}'.", hint=did_you_mean(name, list(CATALOGUE)))
    return CATALOGUE[name]


def _present(entry: CatalogEntry) -> Path | None:
    own = os.environ.get("STYLEPIPE_WEIGHTS")
    folders = [*([Path(expand_home(own))] if own else []), _SHIPPED, _pulled()]
    return next((path for folder in folders for file in entry.files if is_file(path := folder / file)), None)


def _pulled() -> Path:
    return cache_folder() / "weights"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


# --- download -----------------------------------------------------------------------------------------------------------


class _Endless(Exception):
    """The server sends more than the published size."""


def _download(
    published: Published, folder: Path, *, server: str, retries: int, progress: Callable[[int, int], None] | None
) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # progress is told through `progress`
    url = f"{server}/{published.address}"
    store = pooch.create(
        folder,
        base_url="",
        registry={published.file: f"md5:{published.md5}"},
        urls={published.file: url},
        retry_if_failed=retries,
    )

    def receive(url: str, file: str, _: object) -> None:
        """Writes the server's data to the file, up to the published size."""
        with requests.get(url, stream=True, timeout=30) as answer, Path(file).open("wb") as opened:
            answer.raise_for_status()
            done, total = 0, int(answer.headers.get("Content-Length", 0))
            if total > published.most_bytes:
                raise _Endless
            for chunk in answer.iter_content(_CHUNK):
                done += len(chunk)
                if done > published.most_bytes:
                    raise _Endless
                opened.write(chunk)
                if progress:
                    progress(done, max(done, total))

    try:
        downloader: Any = receive  # pooch names the arguments otherwise, and hands them on by their places
        store.fetch(published.file, downloader=downloader)
    except _Endless as error:
        raise WeightsError(
            f"{url} is not what was published: it has more than {published.megabytes} MB.", hint="Try again later."
        ) from error
    except requests.RequestException as error:
        answer = error.response
        reason = "the connection failed" if answer is None else f"the server answers {answer.status_code} {answer.reason}"
        raise WeightsError(
            f"{url} cannot be downloaded: {reason}.",
            hint=f"Check the connection, or put {published.file} into the folder that $STYLEPIPE_WEIGHTS names.",
        ) from error
    except ValueError as error:
        raise WeightsError(
            f"{url} is not what was published: its MD5 sum is not {published.md5}.", hint="Try again later."
        ) from error
    except OSError as error:
        raise WeightsError(
            f"{published.file} cannot be written to {folder}: {error}.",
            hint="Make room there, or name another folder in $STYLEPIPE_WEIGHTS.",
        ) from error
