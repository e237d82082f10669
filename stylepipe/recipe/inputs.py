"""The files that a recipe's `inputs:` name, each kept inside the folder that it may lie in."""

import re
from collections.abc import Collection
from os.path import expanduser
from pathlib import Path

from stylepipe.recipe.files import escape_reason, unreadable_reason
from stylepipe.recipe.model import Recipe
from stylepipe.recipe.names import Names
from stylepipe.recipe.problems import Problems, dotted, show
from stylepipe.recipe.resolved import WEIGHTS_ENDINGS, InputFile
from stylepipe.recipe.template import Reference, Resolver

_WEIGHTS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def resolve_inputs(
    recipe: Recipe, *, root: Path, typed: Collection[str], names: Names, resolver: Resolver, problems: Problems
) -> dict[str, InputFile]:
    """The inputs by name, without the wrong ones, which are reported.

    A path in the recipe starts from its folder `root` and stays inside it. One that is wholly a param that was `typed` on the
    command line starts from the current folder, or from the user's with a leading ~/, and may lie anywhere. Whether there are
    such files is not asked here.
    """
    files: dict[str, InputFile] = {}
    for name, block in recipe.inputs.items():
        ((kind, written),) = block.items()
        path = ("inputs", name, kind)
        reference = resolver.resolve(written, path, names.value)
        if problems.is_broken(path):
            continue
        if not isinstance(reference, str):
            problems.add(path, f"{dotted(path)} is {show(reference)}{problems.origin(path)}; expected the path of a file.")
            continue
        origin = problems.origins.get(path)
        free = isinstance(origin, Reference) and origin.inner[0] in typed
        if free and reference.startswith("~/"):  # as in -p content=~/holiday.jpg, which not every shell expands
            reference = expanduser(reference)  # noqa: PTH111 (that of Path raises where there is no home)
        file = InputFile(name, kind, reference, Path.cwd() if free else root, problems.place(path), confined=not free)
        if reason := _reason(file, free=free):
            problems.add(path, f"{dotted(path)} cannot be {show(reference)}{problems.origin(path)}: {reason}.")
        else:
            files[name] = file
    return files


def _reason(file: InputFile, *, free: bool) -> str | None:
    """Why a reference cannot be used, as a clause."""
    if file.is_name:
        fits = _WEIGHTS_NAME.fullmatch(file.reference)
        endings = f"{', '.join(WEIGHTS_ENDINGS[:-1])} or {WEIGHTS_ENDINGS[-1]}"
        return None if fits else f"expected a name such as vgg19-slim, or a path with a / or the ending {endings}"
    return unreadable_reason(file.reference) if free else escape_reason(file.reference)
