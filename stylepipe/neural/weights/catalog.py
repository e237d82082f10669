"""The catalog of network weights: names, files on this machine, and downloads.

A name's file is looked for in the folder that $STYLEPIPE_WEIGHTS names; among those that come with stylepipe, in `data/`, or
with the package that brings the name; and in `weights/` of stylepipe's cache ($STYLEPIPE_CACHE, or the system's place for
caches), where `pull` puts what is published.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stylepipe.artifacts import Weights
from stylepipe.cache_folder import cache_folder, expand_home
from stylepipe.entry_points import WEIGHTS, entries, package_name
from stylepipe.errors import WeightsError, did_you_mean
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.networks import texture_layout, transformation_layout, upscaler_layout
from stylepipe.neural.weights.catalog_entries import CatalogEntry, Published, weights_catalog
from stylepipe.neural.weights.published_layouts import convert, read_weights
from stylepipe.paths import is_file

__all__ = ["convert", "find", "list_weights", "pull", "read_weights", "verify"]

_CHUNK = 1 << 16
_SHIPPED = Path(__file__).with_name("data")


def list_weights() -> dict[str, Path | None]:
    """Returns all known names, and the file of each that is on this machine."""
    return {name: _present(entry) for name, entry in weights_catalog().entries.items()}


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
    package = next(package_name(each) for each in entries(WEIGHTS) if each.name == name)
    raise WeightsError(f"The weights '{name}' come with {package}, and are missing.", hint=f"Install {package} again.")


def pull(
    name: str,
    *,
    offline: bool = False,
    progress: Callable[[int, int], None] | None = None,
    server: str | None = None,
    retries: int = 3,
) -> Path:
    """Downloads published weights into the cache unless they are there; returns the file.

    The file takes its name only once it is whole and has the published checksum; a download that fails is tried again `retries`
    times. `progress` is called with the bytes received and the bytes in all. `server` replaces the entry's. `offline`, or
    $STYLEPIPE_OFFLINE, forbids the network. Raises WeightsError when the weights cannot be had.
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
    _download(published, path.parent, server=server or published.server, retries=retries, progress=progress)
    return path


def verify(weights: str) -> Any:
    """Reads weights by name or path, and returns them with their network, such as a `Vgg`.

    Raises WeightsError when there are none, when a published file is not as it was published, and as `read_weights` does.
    """
    named = not ("/" in weights or Path(weights).suffix)
    path = find(weights) if named else Path(weights)
    published = {entry.published.file: entry.published.md5 for entry in weights_catalog().entries.values() if entry.published}
    if is_file(path) and path.name in published and (digest := _md5(path)) != published[path.name]:
        raise WeightsError(
            f"'{path.name}' is damaged: its MD5 sum is {digest}, and {published[path.name]} is published.",
            hint="Delete it, and pull it again.",
        )
    read = read_weights(path)
    if named and (describe_own := _entry(weights).describe):
        return describe_own(read)
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
    catalog = weights_catalog()
    if problem := catalog.problems.get(name):
        raise WeightsError(problem.message, hint=problem.hint)
    if name not in catalog.entries:
        raise WeightsError(f"There are no weights '{name}'.", hint=did_you_mean(name, list(catalog.entries)))
    return catalog.entries[name]


def _present(entry: CatalogEntry) -> Path | None:
    own = os.environ.get("STYLEPIPE_WEIGHTS")
    folders = [*([Path(expand_home(own))] if own else []), entry.folder or _SHIPPED, _pulled()]
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
