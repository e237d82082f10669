"""What flows between stages: `Image`, `Mask` and `Weights`; checked when made, saved without pickle, named by digest.

The same functions serve every kind: `digest` names the content, `save` writes it as safetensors, `load` reads it back, and
`outline` reads back how large it is. A `Folder` of pictures only ever is an input.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from stylepipe.errors import StoreError
from stylepipe.paths import require_regular

# A host array or a device array: stages compute with either, and only `save` and `digest` bring it to the host.
Array = Any


@dataclass(frozen=True, eq=False)
class Image:
    """An RGB picture.

    `pixels` is float32, sRGB-encoded, in [0, 1], of shape (height, width, 3). `alpha`, if the picture has transparency, is
    float32 in [0, 1] of shape (height, width); it is kept aside, pixels are not multiplied by it: stages that change the size
    resample both (`image.resize.resize_image`), others hand it on. Pixels where it is 0 are no part of the picture.
    Raises ValueError when a shape is not as stated.
    """

    pixels: Float[Array, "height width 3"]
    alpha: Float[Array, "height width"] | None = None

    def __post_init__(self) -> None:
        _require(np.ndim(self.pixels) == 3 and np.shape(self.pixels)[2] == 3, "pixels of shape (h, w, 3)", self.pixels)
        if self.alpha is not None:
            _require(np.shape(self.alpha) == self.size, f"alpha of shape {self.size}", self.alpha)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width, _ = np.shape(self.pixels)
        return height, width


@dataclass(frozen=True, eq=False)
class Mask:
    """A soft region: float32 in [0, 1], shape (height, width); 1 is inside. Raises ValueError for another shape."""

    values: Float[Array, "height width"]

    def __post_init__(self) -> None:
        _require(np.ndim(self.values) == 2, "values of shape (h, w)", self.values)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = np.shape(self.values)
        return height, width


@dataclass(frozen=True, eq=False)
class Weights:
    """A network's tensors by name, and `metadata`: the network's own description (input, padding, pooling, source)."""

    tensors: Mapping[str, Shaped[Array, "..."]]
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Folder:
    """Pictures to learn from, too many to be held at once: their names in a fixed order, and how to read one.

    `outline` gives the picture blank, where only its header can be read. Both raise InputError for a picture that is damaged,
    and ChangedInput for one that was changed since the run began.
    """

    names: tuple[str, ...]
    read: Callable[[str], Image]
    outline: Callable[[str], Image] | None = None


Artifact = Image | Mask | Weights
Given = Artifact | Folder
"""What a stage may be given; it returns an artifact."""


class _Description(BaseModel):
    """What a file says of the artifact in it."""

    kind: Literal["image", "mask", "weights"]
    metadata: dict[str, str]


KINDS: Mapping[str, type[Artifact]] = {"image": Image, "mask": Mask, "weights": Weights}
INPUT_KINDS: Mapping[str, type[Given]] = {**KINDS, "folder": Folder}


def kind_of(artifact: Artifact) -> str:
    """The name of an artifact's kind, as recipes and records spell it: image, mask or weights."""
    return next(name for name, kind in KINDS.items() if isinstance(artifact, kind))


def digest(artifact: Artifact) -> str:
    """The SHA-256 of an artifact's content: its kind, its metadata, and each array's name, dtype, shape and bytes."""
    arrays, metadata = _disassemble(artifact)
    sha = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        sha.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        sha.update(array.reshape(-1).view(np.uint8).data)
    sha.update(json.dumps([kind_of(artifact), metadata], sort_keys=True).encode())
    return sha.hexdigest()


def save(artifact: Artifact, path: Path) -> None:
    """Writes an artifact as one safetensors file. Raises OSError as the system reports it."""
    arrays, metadata = _disassemble(artifact)
    description = json.dumps({"kind": kind_of(artifact), "metadata": metadata}, sort_keys=True)
    try:
        save_file(arrays, path, metadata={"stylepipe": description})
    except SafetensorError as error:
        if number := re.search(r"os error (\d+)", str(error)):  # the library's own error hides the system's
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        raise


def load(path: Path) -> Artifact:
    """Reads an artifact that `save` wrote.

    Raises StoreError when the file is none, or is damaged, and OSError when it cannot be opened.
    """
    return _read(path, lambda file, name: file.get_tensor(name))


def outline(path: Path) -> Artifact:
    """An artifact that `save` wrote, blank: only the file's header is read. Raises as `load` does."""
    return _read(path, lambda file, name: blank(*file.get_slice(name).get_shape()))


def blank(*shape: int) -> Float[np.ndarray, "..."]:
    """Values of one half that take no memory, in the place of an array of which only the shape is known.

    As an alpha or a mask they are neither empty nor full, as what they stand for usually is.
    """
    return np.broadcast_to(np.float32(0.5), shape)


def _read(path: Path, array: Callable[[Any, str], np.ndarray]) -> Artifact:
    """The artifact in a file, of arrays that are taken from the opened file by their names."""
    require_regular(path)
    try:
        with safe_open(path, framework="numpy") as file:
            description = _Description.model_validate_json((file.metadata() or {})["stylepipe"])
            arrays = {name: array(file, name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        return _assemble(description.kind, arrays, description.metadata)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise StoreError(f"{path.name} is not a readable artifact: in what it says of itself: {reason}.") from error
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:  # the last two of types NumPy has not
        raise StoreError(f"{path.name} is not a readable artifact: {error}.") from error


def _disassemble(artifact: Artifact) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    match artifact:
        case Image(pixels, None):
            arrays, metadata = {"pixels": pixels}, {}
        case Image(pixels, alpha):
            arrays, metadata = {"pixels": pixels, "alpha": alpha}, {}
        case Mask(values):
            arrays, metadata = {"values": values}, {}
        case Weights(tensors, description):
            arrays, metadata = tensors, dict(description)
    return {name: _plain(np.asarray(array)) for name, array in arrays.items()}, metadata


def _plain(array: np.ndarray) -> np.ndarray:
    """In C order and native byte order, as files and digests have it; a scalar stays a scalar."""
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def _assemble(kind: str, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> Artifact:
    return Weights(arrays, metadata) if kind == "weights" else KINDS[kind](**arrays)


def _require(holds: bool, expected: str, array: Array) -> None:
    if not holds:
        raise ValueError(f"expected {expected}, received shape {np.shape(array)}")
