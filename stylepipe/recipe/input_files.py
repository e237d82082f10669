"""Resolves the files in a recipe's `inputs:`, each confined to its allowed folder."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from stylepipe.recipe.model import MaskOptions, RecipeModel
from stylepipe.recipe.params.file_patterns import Patterns
from stylepipe.recipe.resolved import WEIGHTS_ENDINGS, InputFile, is_weights_name
from stylepipe.recipe.syntax.recipe_files import escape_reason, unreadable_reason
from stylepipe.recipe.syntax.yaml_text import KeyPath
from stylepipe.recipe.templating.references import Reference, Resolver, TemplateError, parse
from stylepipe.recipe.templating.scope import Names, ReferenceTarget
from stylepipe.recipe.validation.problems import Problems, dotted, show
from stylepipe.recipe.validation.validate_model import validate

MAX_IMAGES = 256
"""The maximal number of images of one entry of `inputs:`."""

_WEIGHTS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def resolve_inputs(
    recipe: RecipeModel, *, root: Path, typed: Collection[str], names: Names, resolver: Resolver, problems: Problems
) -> dict[str, InputFile]:
    """Returns the valid inputs by name, and reports the others. Each image of a list is an input of its own: styles-1, …

    A path in the recipe starts from its folder `root` and stays inside it. One that is wholly a param that was `typed` on the
    command line starts from the current folder, and may lie anywhere. Whether the files exist is not checked here.
    """
    files: dict[str, InputFile] = {}
    for name, block in recipe.inputs.items():
        kind, written = block.file
        path = ("inputs", name, kind)
        reference = resolver.resolve(written, path, names.value)
        if problems.is_broken(path):
            continue
        if kind == "images":
            listed = _listed(name, reference, root, typed=typed, path=path, problems=problems)
            for file in listed:
                if file.name in recipe.inputs:
                    problems.add(path, f"{dotted(path)} makes the input {file.name}, which exists already.")
            files |= {file.name: file for file in listed}
            names.targets[name] = ReferenceTarget("input", "image", tuple(file.name for file in listed), is_list=True)
            continue
        if not isinstance(reference, str):
            problems.add(path, f"{dotted(path)} is {show(reference)}{problems.origin(path)}; expected the path of a file.")
            continue
        origin = problems.origins.get(path)
        free = isinstance(origin, Reference) and origin.inner[0] in typed
        param = origin.inner[0] if isinstance(origin, Reference) and len(origin.inner) == 1 else None
        folder = Path.cwd() if free else root
        channel = resolver.resolve(block.channel, ("inputs", name, "channel"), names.value)
        invert = resolver.resolve(block.invert, ("inputs", name, "invert"), names.value)
        options = validate(MaskOptions, {"channel": channel, "invert": invert}, at=("inputs", name), problems=problems)
        if options is None:
            continue
        file = InputFile(
            name,
            kind,
            reference,
            folder,
            problems.place(path),
            confined=not free,
            param=param,
            channel=options.channel,
            invert=options.invert,
        )
        if reason := _reason(file, free=free):
            escapes = not file.is_name and not unreadable_reason(reference)
            message = f"{dotted(path)} cannot be {show(reference)}{problems.origin(path)}: {reason}."
            problems.add(path, message, elsewhere_hint(file) if escapes else None)
        else:
            files[name] = file
    return files


def _listed(
    name: str, references: Any, root: Path, *, typed: Collection[str], path: KeyPath, problems: Problems
) -> list[InputFile]:
    """Returns the images of a list of paths, patterns and folders, or of a single one."""
    values = [references] if isinstance(references, str) else references
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        expected = "a list of paths, or a folder or a pattern such as styles/*.jpg"
        problems.add(path, f"{dotted(path)} is {show(references)}{problems.origin(path)}; expected {expected}.")
        return []
    origin = problems.origins.get(path)
    free = isinstance(origin, Reference) and origin.inner[0] in typed
    folder = Path.cwd() if free else root
    param = origin.inner[0] if isinstance(origin, Reference) and len(origin.inner) == 1 else None

    def report(_: int, message: str) -> None:
        problems.add(path, f"{dotted(path)}{problems.origin(path)}: {message}")

    files: list[InputFile] = []
    images = Patterns().expand(values, "image", folder, report, confined=not free)
    if len(images) > MAX_IMAGES:
        problems.add(path, f"{dotted(path)} stands for {len(images)} images; at most {MAX_IMAGES} are taken.")
    for number, reference in enumerate(images[:MAX_IMAGES], 1):
        file = InputFile(f"{name}-{number}", "image", reference, folder, problems.place(path), confined=not free, param=param)
        if reason := _reason(file, free=free):
            message = f"{dotted(path)} cannot have {show(reference)}{problems.origin(path)}: {reason}."
            problems.add(path, message, elsewhere_hint(file) if not unreadable_reason(reference) else None)
        files.append(file)
    return files


def param_paths(recipe: RecipeModel) -> dict[str, KeyPath]:
    """Returns the key path of each input's param, by the input's name, for inputs whose path is a param."""
    paths: dict[str, KeyPath] = {}
    for name, block in recipe.inputs.items():
        _, written = block.file
        with suppress(TemplateError):
            reference = parse(written)
            if isinstance(reference, Reference) and reference.name == "params" and reference.inner:
                paths[name] = reference.inner
    return paths


def input_params(recipe: RecipeModel) -> dict[KeyPath, str]:
    """Returns the key paths of the params that are paths of inputs, each with the input's kind."""
    return {path: recipe.inputs[name].file[0] for name, path in param_paths(recipe).items()}


def files_of(name: str, recipe: RecipeModel, files: Mapping[str, InputFile]) -> list[InputFile]:
    """Returns the files of an entry of `inputs:`: its own, or each of a list of images."""
    if recipe.inputs[name].images is None:
        return [files[name]]
    return [file for file in files.values() if file.name not in recipe.inputs and file.name.rpartition("-")[0] == name]


def with_whole_paths(
    params: Mapping[str, Any], kinds: Mapping[KeyPath, str], *, typed: Collection[str], root: Path
) -> dict[str, Any]:
    """Returns the params; paths `typed` on the command line that lead out of the recipe's folder `root` become absolute.

    This tells them apart from paths inside the folder; `kinds` is as returned by `input_params`.
    """

    def whole(value: Any, inner: Sequence[str | int], kind: str) -> Any:
        match value:
            case dict() if inner and inner[0] in value:
                return value | {inner[0]: whole(value[inner[0]], inner[1:], kind)}
            case list() if not inner:
                return [whole(each, inner, kind) for each in value]
            case str() if not inner and value and not (kind == "weights" and is_weights_name(value)):
                inside = Path(os.path.abspath(value)).is_relative_to(os.path.abspath(root))  # noqa: PTH100 (follows no links)
                return value if inside else str(Path.cwd() / value)
        return value

    changed = dict(params)
    for (name, *inner), kind in kinds.items():
        if name in typed and name in changed:
            changed[str(name)] = whole(changed[str(name)], inner, kind)
    return changed


def elsewhere_hint(file: InputFile) -> str:
    """Returns a hint on how to use a file outside the recipe's folder."""
    if file.param:
        return f"Give a file from elsewhere on the command line: -p {file.param}=PATH."
    return f"Make it a param, '{{{file.kind}: $params.{file.name}}}', and give it on the command line: -p {file.name}=PATH."


def _reason(file: InputFile, *, free: bool) -> str | None:
    """Returns why a reference cannot be used, as a clause; None when it can."""
    if file.is_name:
        fits = _WEIGHTS_NAME.fullmatch(file.reference)
        endings = f"{', '.join(WEIGHTS_ENDINGS[:-1])} or {WEIGHTS_ENDINGS[-1]}"
        return None if fits else f"expected a name such as vgg19-slim, or a path with a / or the ending {endings}"
    return unreadable_reason(file.reference) if free else escape_reason(file.reference)
