"""A recipe's inputs: located and hashed before anything runs, read only when a stage computes."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stylepipe.artifacts import Folder, StageInput, Weights
from stylepipe.engine.cache.input_index import InputIndex
from stylepipe.errors import ChangedInput, InputError, StylepipeError
from stylepipe.image.files import io
from stylepipe.recipe.input_files import elsewhere_hint
from stylepipe.recipe.resolved import InputFile

_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class WeightsSource:
    """Locates weights by name and reads them; the engine itself knows no networks."""

    find: Callable[[str], Path]
    read: Callable[[Path], Weights]


@dataclass(frozen=True)
class InputSource:
    """An existing input.

    `sha256` covers its file's bytes; for a folder, the names and bytes of all pictures in it. `stamps` detect, file by file,
    changes since then.
    """

    file: InputFile
    path: Path
    sha256: str
    stamps: Mapping[Path, _Stamp]

    @property
    def digest(self) -> str:
        """The input's identity in keys: its kind, file extension, bytes, and how a mask is read from them."""
        ending = self.path.suffix.lower() if self.file.kind != "folder" else ""
        options = [f"{name}={value}" for name, value in self.file.mask_options.items()]
        return ":".join([self.file.kind + ending, self.sha256, *options])


def find_input(file: InputFile, weights: WeightsSource, *, index: InputIndex | None = None) -> InputSource:
    """Locates an input and hashes it; an index supplies the digests of unchanged files and records its path.

    Raises InputError or WeightsError, naming the input and its place in the recipe.
    """
    try:
        path = weights.find(file.reference) if file.is_name else file.root / file.reference
    except StylepipeError as error:
        error.within(_where(file))
        raise
    try:
        if not path.exists():
            raise _refused(file, f"there is no such {'folder' if file.kind == 'folder' else 'file'}", path)
        if file.kind == "folder" and not path.is_dir():
            raise _refused(file, "it is not a folder", path)
        members = list(_pictures(path)) if file.kind == "folder" else [path]
        if not members:
            raise _refused(file, f"it contains no picture ({', '.join(io.ENDINGS)})", path)
        digests = {member: _digest(file, member, index) for member in members}
    except OSError as error:
        raise _refused(file, f"it cannot be read ({error.strerror})", path) from error
    stamps = {member: stamp for member, (stamp, _) in digests.items()}
    if file.kind != "folder":
        return InputSource(file, path, digests[path][1], stamps)
    lines = "".join(f"{sha256} {member.relative_to(path).as_posix()}\n" for member, (_, sha256) in digests.items())
    sha256 = hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()
    if index:
        index.remember_folder(path, sha256)
    return InputSource(file, path, sha256, stamps)


def read_input(source: InputSource, weights: WeightsSource, *, note: io.Notify = io.ignore) -> StageInput:
    """Reads an input; a folder's pictures are read on demand, one by one.

    `note` receives the warnings about each file once. Raises InputError or WeightsError, naming the input and its place in the
    recipe; so does reading a folder's pictures.
    """
    noted: set[Path] = set()

    def note_once(path: Path, text: str) -> None:
        if path not in noted:
            noted.add(path)
            note(f"Input '{source.file.name}': {text}")

    def read(path: Path) -> Any:
        reader = _reader(source.file.kind, weights, partial(note_once, path))
        return _unchanged(source, path, partial(reader, **source.file.mask_options))

    if source.file.kind != "folder":
        return read(source.path)
    members = {path.relative_to(source.path).as_posix(): path for path in source.stamps}
    return Folder(
        tuple(members),
        read=lambda name: read(members[name]),
        outline=lambda name: _unchanged(source, members[name], io.outline_image),
    )


def _unchanged(source: InputSource, path: Path, read: Callable[[Path], Any]) -> Any:
    """Returns the result of `read` on a file of the input. Raises its errors with their place, and ChangedInput."""
    try:
        artifact = read(path)
    except StylepipeError as error:
        require_unchanged(source, path)
        error.within(_where(source.file))
        raise
    require_unchanged(source, path)
    return artifact


def outline_input(source: InputSource, weights: WeightsSource) -> StageInput:
    """Returns a blank artifact of the input's size; reads only a picture's header. Raises as `read_input` does."""
    outlines = {"image": io.outline_image, "mask": io.outline_mask}
    if source.file.kind not in outlines:
        return read_input(source, weights)
    try:
        return outlines[source.file.kind](source.path)
    except StylepipeError as error:
        error.within(_where(source.file))
        raise


def require_unchanged(source: InputSource, path: Path) -> None:
    """Raises ChangedInput where a file of the input changed since it was hashed."""
    try:
        unchanged = _stamp(path.stat()) == source.stamps[path]
    except OSError:
        unchanged = False
    if not unchanged:
        error = _refused(source.file, "it changed during the run", path)
        raise ChangedInput(error.message, hint=error.hint)


def reader_module(kind: str, weights: WeightsSource) -> str:
    """Returns the module that reads inputs of this kind; its source is part of the keys of everything computed from them."""
    return weights.read.__module__ if kind == "weights" else io.__name__


def _reader(kind: str, weights: WeightsSource, note: io.Notify) -> Callable[..., StageInput]:
    match kind:
        case "weights":
            return weights.read
        case "mask":
            return partial(io.read_mask, note=note)
        case _:
            return partial(io.read_image, note=note)


def _pictures(folder: Path) -> Iterator[Path]:
    """Yields all pictures in a folder and its subfolders, sorted by name."""
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in io.ENDINGS and not path.is_dir())


def _digest(file: InputFile, path: Path, index: InputIndex | None) -> tuple[_Stamp, str]:
    """Returns the stamp and the SHA-256 of an input's file, or of one in its folder."""
    if not path.is_file():  # reading a pipe may block
        raise _refused(file, "it is a folder" if path.is_dir() else "it is not a regular file", path)
    if file.confined and not file.is_name and not (real := path.resolve()).is_relative_to(file.root.resolve()):
        error = _refused(file, "a symbolic link leads it out of the recipe's folder", real)
        error.hint = f"{error.hint} {elsewhere_hint(file)}"
        raise error
    with path.open("rb") as opened:
        stamp = _stamp(os.fstat(opened.fileno()))
        return stamp, index.sha256(path, opened) if index else hashlib.file_digest(opened, "sha256").hexdigest()


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _where(file: InputFile) -> str:
    return f"{file.place}: input '{file.name}'"


def _refused(file: InputFile, reason: str, path: Path) -> InputError:
    return InputError(f"{_where(file)} names '{file.reference}': {reason}.", hint=f"It was looked for at {path}.")
