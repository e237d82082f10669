"""The artifacts that flow between stages: `Image`, `Mask` and `Weights`.

Shapes are checked on construction. The same functions serve every kind: `digest` hashes the content, `save` writes it as
safetensors (no pickle), `load` reads it back, and `outline` reads back its size only. A `Folder` of pictures is only ever an
input.
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

# A host array or a device array. Stages compute with either; only `save` and `digest` copy it to the host.
Array = Any


@dataclass(frozen=True, eq=False)
class Image:
    """An RGB picture.

    `pixels` is float32, sRGB-encoded, in [0, 1], of shape (height, width, 3). `alpha`, for a picture with transparency, is
    float32 in [0, 1] of shape (height, width). Alpha is not premultiplied: stages that change the size resample both
    (`image.resize.resize_image`), others pass it through. Pixels where alpha is 0 are not part of the picture.
    Raises ValueError for other shapes.
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
    """A training set of pictures, read one at a time: their names in a fixed order, and functions to read one.

    `outline` returns a blank picture of the right size, where only the header can be read. Both functions raise InputError for
    a damaged picture, and ChangedInput for one that changed since the run began.
    """

    names: tuple[str, ...]
    read: Callable[[str], Image]
    outline: Callable[[str], Image] | None = None


Artifact = Image | Mask | Weights
StageInput = Artifact | Folder
"""The values that a stage accepts as inputs; it returns an artifact."""


class _Description(BaseModel):
    """The metadata that an artifact's file holds beside its arrays."""

    kind: Literal["image", "mask", "weights"]
    metadata: dict[str, str]


KINDS: Mapping[str, type[Artifact]] = {"image": Image, "mask": Mask, "weights": Weights}
INPUT_KINDS: Mapping[str, type[StageInput]] = {**KINDS, "folder": Folder}


def kind_of(artifact: Artifact) -> str:
    """Returns the name of an artifact's kind, as recipes and records spell it: image, mask or weights."""
    return next(name for name, kind in KINDS.items() if isinstance(artifact, kind))


def digest(artifact: Artifact) -> str:
    """Returns the SHA-256 of an artifact's content: its kind, its metadata, and each array's name, dtype, shape and bytes."""
    arrays, metadata = _disassemble(artifact)
    sha = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        sha.update(json.dumps([name, str(array.dtype), array.shape]).encode())
        sha.update(array.reshape(-1).view(np.uint8).data)
    sha.update(json.dumps([kind_of(artifact), metadata], sort_keys=True).encode())
    return sha.hexdigest()


def save(artifact: Artifact, path: Path) -> None:
    """Writes an artifact as one safetensors file. Raises OSError."""
    arrays, metadata = _disassemble(artifact)
    description = json.dumps({"kind": kind_of(artifact), "metadata": metadata}, sort_keys=True)
    try:
        save_file(arrays, path, metadata={"stylepipe": description})
    except SafetensorError as error:
        if number := re.search(r"os error (\d+)", str(error)):  # safetensors hides the system's error
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        raise


def load(path: Path) -> Artifact:
    """Reads an artifact that `save` wrote.

    Raises StoreError when the file is not an artifact or is damaged, and OSError when it cannot be opened.
    """
    return _read(path, lambda file, name: file.get_tensor(name))


def outline(path: Path) -> Artifact:
    """Returns a blank artifact of the size stored in a file; reads only the file's header. Raises as `load` does."""
    return _read(path, lambda file, name: blank(*file.get_slice(name).get_shape()))


def blank(*shape: int) -> Float[np.ndarray, "..."]:
    """Returns an array of 0.5 that takes no memory, as a placeholder where only the shape is known.

    The value 0.5 makes a placeholder alpha or mask neither empty nor full, as real ones usually are.
    """
    return np.broadcast_to(np.float32(0.5), shape)


def _read(path: Path, array: Callable[[Any, str], np.ndarray]) -> Artifact:
    """Returns the artifact in a file; `array` reads one array from the opened file by its name."""
    require_regular(path)
    try:
        with safe_open(path, framework="numpy") as file:
            description = _Description.model_validate_json((file.metadata() or {})["stylepipe"])
            arrays = {name: array(file, name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        return _assemble(description.kind, arrays, description.metadata)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise StoreError(f"{path.name} is not a readable artifact: its metadata: {reason}.") from error
    except (
        SafetensorError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # TypeError, AttributeError: dtypes unknown to NumPy
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
    """Returns the array in C order and native byte order, as files and digests require; a scalar stays a scalar."""
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def _assemble(kind: str, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> Artifact:
    return Weights(arrays, metadata) if kind == "weights" else KINDS[kind](**arrays)


def _require(holds: bool, expected: str, array: Array) -> None:
    if not holds:
        raise ValueError(f"expected {expected}, received shape {np.shape(array)}")
