"""Results written to files of the user, besides the folder of the run, in the format of their ending."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stylepipe.engine.cache.atomic_files import output_errors, permits, publish, system_reason, temporary_beside, write_whole
from stylepipe.engine.job import Job
from stylepipe.errors import UsageError
from stylepipe.image.files.io import read_image, write_image
from stylepipe.paths import exists, is_folder

OUTPUT_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class OutputFiles:
    """The files to write by the name of the output; `quality` is that of JPEG and WebP."""

    files: Mapping[str, Path]
    quality: int | None

    def write(self, results: Mapping[str, Path]) -> dict[str, str]:
        """Writes the results, which lie in a run's folder, and returns the files by name.

        Each file is written whole or not at all. Raises UsageError for a picture that is too large for the format, and
        StoreError when writing fails.
        """
        written = {name: path for name, path in self.files.items() if name in results}
        for name, path in written.items():
            with output_errors(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(results[name], path, self.quality)
        return {name: str(path) for name, path in written.items()}


def output_files(target: Path, job: Job, *, quality: int | None, overwrite: bool) -> OutputFiles:
    """Returns the files for the results of a job: the target itself for one result, or one file for each in an existing folder.

    Raises UsageError when the target does not suit the results, or exists already and must not be overwritten.
    """
    results = {name: node for name, node in job.recipe.outputs.items() if node in job.selection.stages}
    if not results:
        raise UsageError("-o has no result to write: no output of the recipe is among the stages.", hint="Leave out --until.")
    if is_folder(target):
        endings = {name: ".safetensors" if _is_weights(job, node) else ".png" for name, node in results.items()}
        files = {name: target / f"{name}{ending}" for name, ending in endings.items()}
    elif len(results) > 1:
        hint = f"Name a folder that exists with -o: each goes there as {next(iter(results))}.png and so on."
        raise UsageError(f"The recipe has {len(results)} outputs: {', '.join(results)}; '{target}' is one file.", hint=hint)
    else:
        files = dict.fromkeys(results, target)
    for name, path in files.items():
        endings = (".safetensors",) if _is_weights(job, results[name]) else OUTPUT_ENDINGS
        if path.suffix.lower() not in endings:
            raise UsageError(
                f"'{path}' does not end in {' or '.join(_listed(endings))}.", hint=f"Name it {path.stem}{endings[0]}."
            )
        if is_folder(path) or (exists(path) and not overwrite):
            hint = "Name another file." if is_folder(path) else "--overwrite replaces it."
            raise UsageError(f"'{path}' exists already.", hint=hint)
        if not is_folder(path.parent):
            raise UsageError(f"There is no folder '{path.parent}'.", hint="Make it, or name another.")
        if reason := _unwritable_reason(path):
            raise UsageError(f"'{path}' cannot be written: {reason}.", hint="Name a file in another folder.")
    return OutputFiles(files, quality)


def _unwritable_reason(path: Path) -> str | None:
    """Returns why a file cannot be written, as a clause, where that can be checked in advance."""
    if not permits(path.parent, os.W_OK | os.X_OK):
        return f"the folder '{path.parent}' may not be written"
    try:
        path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return system_reason(error)
    return None


def _is_weights(job: Job, node: str) -> bool:
    return job.recipe.stages[node].stage.output == "weights"


def _listed(endings: tuple[str, ...]) -> Iterator[str]:
    *first, last = endings
    if first:
        yield ", ".join(first)
    yield last


def _write(result: Path, path: Path, quality: int | None) -> None:
    if path.suffix.lower() == result.suffix:  # keeps the recipe that is embedded in a PNG file
        write_whole(path, result.read_bytes())
        return
    temporary = temporary_beside(path, path.suffix)
    try:
        write_image(read_image(result, max_pixels=2**40), temporary, quality=quality)
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
