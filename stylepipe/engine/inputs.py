"""A recipe's inputs: found and digested before anything runs, read only when a stage must compute."""

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
    """How weights are found by name and read; the engine itself knows no networks."""

    find: Callable[[str], Path]
    read: Callable[[Path], Weights]


@dataclass(frozen=True)
class FoundInput:
    """An input that is there.

    `sha256` is of its file's bytes; that of a folder, of the names and bytes of all pictures in it. `stamps` tell, file by
    file, whether they were changed since.
    """

    file: InputFile
    path: Path
    sha256: str
    stamps: Mapping[Path, _Stamp]

    @property
    def digest(self) -> str:
        """What keys know the input by: its kind, how its name ends, its bytes, and how a mask is read from them."""
        ending = self.path.suffix.lower() if self.file.kind != "folder" else ""
        options = [f"{name}={value}" for name, value in self.file.mask_options.items()]
        return ":".join([self.file.kind + ending, self.sha256, *options])


def find_input(file: InputFile, weights: WeightsSource, *, index: InputIndex | None = None) -> FoundInput:
    """Finds an input and digests it, or takes the digests of unchanged files from an index, which remembers where it was.

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
            raise _refused(file, "that is no folder", path)
        members = list(_pictures(path)) if file.kind == "folder" else [path]
        if not members:
            raise _refused(file, f"there is no picture in it ({', '.join(io.ENDINGS)})", path)
        digests = {member: _digest(file, member, index) for member in members}
    except OSError as error:
        raise _refused(file, f"it cannot be read ({error.strerror})", path) from error
    stamps = {member: stamp for member, (stamp, _) in digests.items()}
    if file.kind != "folder":
        return FoundInput(file, path, digests[path][1], stamps)
    lines = "".join(f"{sha256} {member.relative_to(path).as_posix()}\n" for member, (_, sha256) in digests.items())
    sha256 = hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()
    if index:
        index.remember_folder(path, sha256)
    return FoundInput(file, path, sha256, stamps)


def read_input(found: FoundInput, weights: WeightsSource, *, note: io.Note = io.unheard) -> StageInput:
    """Reads an input; a folder's pictures are read later, one by one.

    `note` is told once of each file what the user should know of it. Raises InputError or WeightsError, naming the input and
    its place in the recipe; so do the pictures of a folder.
    """
    noted: set[Path] = set()

    def note_once(path: Path, text: str) -> None:
        if path not in noted:
            noted.add(path)
            note(f"Input '{found.file.name}': {text}")

    def read(path: Path) -> Any:
        reader = _reader(found.file.kind, weights, partial(note_once, path))
        return _unchanged(found, path, partial(reader, **found.file.mask_options))

    if found.file.kind != "folder":
        return read(found.path)
    members = {path.relative_to(found.path).as_posix(): path for path in found.stamps}
    return Folder(
        tuple(members),
        read=lambda name: read(members[name]),
        outline=lambda name: _unchanged(found, members[name], io.outline_image),
    )


def _unchanged(found: FoundInput, path: Path, read: Callable[[Path], Any]) -> Any:
    """What `read` reads from a file of the input. Raises its errors with their place, and ChangedInput."""
    try:
        artifact = read(path)
    except StylepipeError as error:
        require_unchanged(found, path)
        error.within(_where(found.file))
        raise
    require_unchanged(found, path)
    return artifact


def outline_input(found: FoundInput, weights: WeightsSource) -> StageInput:
    """An input, as large as it is: of a picture only the header is read, so that it is blank. Raises as `read_input` does."""
    outlines = {"image": io.outline_image, "mask": io.outline_mask}
    if found.file.kind not in outlines:
        return read_input(found, weights)
    try:
        return outlines[found.file.kind](found.path)
    except StylepipeError as error:
        error.within(_where(found.file))
        raise


def require_unchanged(found: FoundInput, path: Path) -> None:
    """Raises ChangedInput where a file of the input is another than the one that was digested."""
    try:
        unchanged = _stamp(path.stat()) == found.stamps[path]
    except OSError:
        unchanged = False
    if not unchanged:
        error = _refused(found.file, "it was changed while the run was going on", path)
        raise ChangedInput(error.message, hint=error.hint)


def reader_module(kind: str, weights: WeightsSource) -> str:
    """The module that reads inputs of this kind: its source has a part in all that is computed from them."""
    return weights.read.__module__ if kind == "weights" else io.__name__


def _reader(kind: str, weights: WeightsSource, note: io.Note) -> Callable[..., StageInput]:
    match kind:
        case "weights":
            return weights.read
        case "mask":
            return partial(io.read_mask, note=note)
        case _:
            return partial(io.read_image, note=note)


def _pictures(folder: Path) -> Iterator[Path]:
    """All pictures in a folder and the folders in it, ordered by name."""
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in io.ENDINGS and not path.is_dir())


def _digest(file: InputFile, path: Path, index: InputIndex | None) -> tuple[_Stamp, str]:
    """The stamp and the SHA-256 of an input's file, or of one in its folder."""
    if not path.is_file():  # reading a pipe might wait for ever
        raise _refused(file, "that is a folder" if path.is_dir() else "that is no regular file", path)
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
