"""Shares runs: the functions behind `stylepipe export` and `stylepipe import`."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stylepipe.api.sources.opened import weights_source
from stylepipe.api.sources.user_paths import DEFAULT_OUTPUTS, recipe_folders, user_path
from stylepipe.api.sources.values import as_overrides
from stylepipe.engine.cache.atomic_files import output_errors
from stylepipe.engine.runs.records import find_run, load_run
from stylepipe.errors import UsageError
from stylepipe.sharing.archive import write_archive, write_folder
from stylepipe.sharing.bundle import ENDING, contents_of
from stylepipe.sharing.crate import crate_of
from stylepipe.sharing.unpacking import is_shared, unpack


def export(
    run: str | Path,
    output: str | Path,
    /,
    *,
    params: Mapping[str, str] | None = None,
    crate: bool = False,
    outputs: str | Path = DEFAULT_OUTPUTS,
    **values: Any,
) -> Path:
    """Writes a run and its inputs into one file that runs elsewhere, and returns its path.

    A bundle ends in `.stylepipe`; a `crate`, a Workflow Run RO-Crate with the results, is a folder or ends in `.zip`. `values`
    and `params` are the current paths of inputs. Raises UsageError when an input is missing or is another one now, and when the
    file exists.
    """
    target = user_path(output)
    if not crate and target.suffix != ENDING:
        raise UsageError(f"'{target}' does not end in {ENDING}.", hint=f"Name it {target.stem}{ENDING}.")
    _require_absent(target)
    folder = find_run(user_path(outputs), str(run))
    with as_overrides(values, params) as overrides:
        files = {name: user_path(file) for name, file in overrides.items()}
        folders = [Path(), *recipe_folders(load_run(folder).command)]
        contents = contents_of(folder, overrides=files, folders=folders, weights=weights_source())
        members = crate_of(contents, folder) if crate else contents.members
        write = write_folder if crate and target.suffix != ".zip" else write_archive
        write(target, members)
    return target


def import_bundle(file: str | Path, output: str | Path | None = None, /) -> Path:
    """Checks a bundle, or a picture with its recipe, unpacks it into a new folder, and returns the folder.

    The recipe to run there is `resolved.yaml`. Raises InputError for a damaged file, and UsageError when the folder exists.
    """
    path = user_path(file)
    if not is_shared(path):
        raise UsageError(f"'{path}' is neither a bundle nor a picture, by its name.", hint="Name a *.stylepipe file.")
    folder = user_path(output) if output else path.with_suffix("")
    _require_absent(folder)
    with output_errors(folder.parent), TemporaryDirectory(prefix=".", dir=folder.parent) as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        unpack(path, made, weights_source(), limited=False)
        made.rename(folder)
    return folder


def _require_absent(path: Path) -> None:
    if os.path.lexists(path):
        raise UsageError(f"'{path}' exists already.", hint="Name another with -o, or move it away.")
