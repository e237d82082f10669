"""Finds the inputs of a shared recipe: files with the same bytes, whatever their names here."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import chain, islice
from pathlib import Path

from stylepipe.engine.inputs import WeightsSource, find_input
from stylepipe.engine.runs.records import InputRecord
from stylepipe.errors import StylepipeError, UsageError
from stylepipe.paths import is_folder
from stylepipe.recipe.resolved import ENDINGS, InputFile
from stylepipe.recipe.validation.problems import show

MAX_FILES = 1000
"""Maximal number of files of a folder that are read."""


Places = Callable[[str], Sequence[Path]]
"""Returns the former places of a file or folder with a SHA-256, from the index of inputs."""


def nowhere(sha256: str) -> Sequence[Path]:
    """Returns no places, for callers without an index."""
    return ()


def find_inputs(
    files: Mapping[str, InputFile],
    recorded: Mapping[str, InputRecord],
    folders: Sequence[Path],
    weights: WeightsSource,
    places: Places = nowhere,
) -> dict[str, Path]:
    """Returns the files that replace those of a recipe, by the name of the input.

    A file of the recipe that has the recorded SHA-256 needs no replacement. Others are looked for at the `places` of that
    SHA-256, and in the folders: under their own path and name, then among the files of their kind. Each returned file has been
    read and has the SHA-256. Raises UsageError that lists all inputs without a file.
    """

    @cache
    def digest(file: InputFile) -> str | None:
        try:
            return find_input(file, weights).sha256
        except StylepipeError:
            return None

    replacements: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for name, record in recorded.items():
        if name not in files:
            raise UsageError(f"The record has an input {show(name)}, and the recipe has none.", hint="Run the recipe again.")
        if digest(files[name]) == record.sha256:
            continue
        path = None if files[name].is_name else _find(files[name], record.sha256, folders, places, digest)
        if path is None:
            problem = "these weights have another SHA-256 here" if digest(files[name]) else "it is not here"
            missing[name] = f"Input '{name}', {show(files[name].reference)} of SHA-256 {record.sha256}: {problem}."
        else:
            replacements[name] = path
    if missing:
        asked = {files[name].param or name: "NAME" if files[name].is_name else "FILE" for name in missing}
        named = " ".join(f"-p {param}={placeholder}" for param, placeholder in asked.items())
        raise UsageError("\n".join(missing.values()), hint=f"Name a replacement: {named}")
    return replacements


def require_inputs(overrides: Iterable[str], params: Iterable[str]) -> None:
    """Raises UsageError for an override of a param that holds no path of an input."""
    allowed = sorted(set(params))
    for name in overrides:
        if name not in allowed:
            listed = f"Those are {', '.join(allowed)}." if allowed else "There are none."
            raise UsageError(f"-p {show(name)} is not a param that holds the path of an input.", hint=listed)


def _find(
    file: InputFile, sha256: str, folders: Sequence[Path], places: Places, digest: Callable[[InputFile], str | None]
) -> Path | None:
    named = sorted(places(sha256), key=lambda path: path.name != Path(file.reference).name)
    for path in chain(named, _candidates(file, folders)):
        kind = "folder" if file.kind == "folder" else "image"  # the bytes of a file, whatever it holds
        if digest(replace(file, name="", kind=kind, reference=str(path), root=Path(), confined=False)) == sha256:
            return path
    return None


def _candidates(file: InputFile, folders: Sequence[Path]) -> Iterator[Path]:
    """Yields candidates for an input in the folders, the most likely first."""
    for folder in (folder.absolute() for folder in folders):
        yield folder / file.reference
        yield folder / Path(file.reference).name
        if file.kind != "folder" and is_folder(folder):
            with suppress(OSError):  # it may be one that cannot be listed
                files = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS[file.kind])
                yield from sorted(islice(files, MAX_FILES))
