"""A recipe's inputs: found and digested before anything runs, read only when a stage must compute."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stylepipe.artifacts import Artifact, Weights
from stylepipe.errors import InputError, StylepipeError
from stylepipe.image import io
from stylepipe.recipe.resolved import InputFile


@dataclass(frozen=True)
class WeightsSource:
    """How weights are found by name and read; the engine itself knows no networks."""

    find: Callable[[str], Path]
    read: Callable[[Path], Weights]


@dataclass(frozen=True)
class FoundInput:
    """An input whose file is there: `sha256` is of its bytes, `stamp` tells whether it was changed since."""

    file: InputFile
    path: Path
    sha256: str
    stamp: tuple[int, int, int]

    @property
    def digest(self) -> str:
        """What keys know the input by: its kind and its bytes."""
        return f"{self.file.kind}:{self.sha256}"


def find_input(file: InputFile, weights: WeightsSource) -> FoundInput:
    """Finds an input's file and digests it. Raises InputError or WeightsError, naming the input and its place in the recipe."""
    try:
        path = weights.find(file.reference) if file.is_name else file.root / file.reference
    except StylepipeError as error:
        error.within(_where(file))
        raise
    try:
        if not path.exists():
            raise _refused(file, "there is no such file", path)
        if not path.is_file():  # reading a pipe might wait for ever
            raise _refused(file, "that is a folder" if path.is_dir() else "that is no regular file", path)
        if file.confined and not file.is_name and not (real := path.resolve()).is_relative_to(file.root.resolve()):
            raise _refused(file, "a symbolic link leads it out of the recipe's folder", real)
        with path.open("rb") as opened:
            stamp = _stamp(os.fstat(opened.fileno()))
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _refused(file, f"it cannot be read ({error.strerror})", path) from error
    return FoundInput(file, path, sha256, stamp)


def read_input(found: FoundInput, weights: WeightsSource) -> Artifact:
    """Reads an input. Raises InputError or WeightsError, naming the input and its place in the recipe."""
    try:
        artifact = _reader(found.file.kind, weights)(found.path)
    except StylepipeError as error:
        error.within(_where(found.file))
        raise
    if _stamp(found.path.stat()) != found.stamp:
        raise _refused(found.file, "it was changed while the run was going on", found.path)
    return artifact


def reader_module(kind: str, weights: WeightsSource) -> str:
    """The module that reads inputs of this kind: its source has a part in all that is computed from them."""
    return _reader(kind, weights).__module__


def _reader(kind: str, weights: WeightsSource) -> Callable[[Path], Artifact]:
    return {"image": io.read_image, "mask": io.read_mask, "weights": weights.read}[kind]


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _where(file: InputFile) -> str:
    return f"{file.place}: input '{file.name}'"


def _refused(file: InputFile, reason: str, path: Path) -> InputError:
    return InputError(f"{_where(file)} names '{file.reference}': {reason}.", hint=f"It was looked for at {path}.")
