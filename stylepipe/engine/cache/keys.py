"""Cache keys: a document of everything that a result depends on, and its SHA-256.

Of the code, it covers what the stage uses: what its module imports, and what the modules import that hold and compute the
models in its parameters (`stylepipe.stage.functions_of`), with the version of the distribution that each comes from or
computes with. Of models that are alternatives, such as losses, only those that the parameters name count. Code that runs for
every choice of parameters therefore does not belong in the module of an alternative.

Excluded are paths, names of nodes and recipes, the device's number, and the numbers of devices and threads. Inputs are named
and lists keep their order, so swapping two inputs changes the key.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Set
from functools import cache
from importlib.metadata import version
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from stylepipe.engine.cache.code_digests import code_digests
from stylepipe.engine.environment import versions
from stylepipe.entry_points import distribution_of
from stylepipe.recipe.resolved import StageNode
from stylepipe.stage import functions_of, libraries_of

KEY_VERSION = 2
PRECISION = "float32"
"""The default precision of JAX's matrix products, on every device."""

_ABSENT = object()

Document = Mapping[str, Any]


def stage_document(
    node: StageNode, digests: Mapping[str, str], *, readers: Mapping[str, str], seed: int, backend: str
) -> Document:
    """Returns everything that the result of a node depends on.

    `digests` maps inputs and nodes to their digests as far as known; a missing one becomes None. `readers` maps an input of the
    recipe to the module that reads its file, whose source counts as the stage's own. `backend` is cpu, gpu or tpu.
    """
    models = frozenset(_models(node.params))
    sources = dict(_stage_code(node, models))
    for module in {readers[name] for name in node.needs if name in readers}:
        sources |= code_digests(module)
    return {
        "key_version": KEY_VERSION,
        "stage": node.stage.name,
        "version": node.stage.version,
        "source": sources,
        "versions": {**versions(), **_distributions(node, models)},
        "params": node.params.model_dump(mode="json", serialize_as_any=True),  # a subclass in a list keeps its own fields
        "inputs": {
            argument: digests.get(names) if isinstance(names, str) else [digests.get(name) for name in names]
            for argument, names in node.inputs.items()
        },
        "seed": seed if "key" in node.stage.services else None,
        "precision": PRECISION,
        "backend": backend,
    }


def input_document(digest: str, reader: str) -> Document:
    """Returns everything that the picture of an input depends on: its file, and the module that reads it."""
    return {"key_version": KEY_VERSION, "stage": "read", **code_document(reader), "inputs": {"file": digest}}


def code_document(module: str) -> Document:
    """Returns the part of a document that stands for the code of a module and the packages that it computes with."""
    return {"source": code_digests(module), "versions": versions()}


def key_of(document: Document) -> str:
    """Returns the SHA-256 of a document's canonical JSON."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def trajectory_of(document: Document, stopping: Collection[str]) -> Document:
    """Returns the document without the parameters that only determine where a stage's iterations stop."""
    return {**document, "params": {name: value for name, value in document["params"].items() if name not in stopping}}


def differences(old: Document, new: Document) -> tuple[str, ...]:
    """Returns the differences between two documents, one phrase each; all changed modules share one phrase."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    paths = sorted(before.keys() | after.keys())
    pairs = [(path, before.get(path, _ABSENT), after.get(path, _ABSENT)) for path in paths]
    changed = [(path, was, now) for path, was, now in pairs if was != now]
    modules = ", ".join(path[1] for path, _, _ in changed if path[0] == "source")
    phrases = [_phrase(path, was, now) for path, was, now in changed if path[0] != "source"]
    return (*phrases, f"the code of {modules} changed") if modules else tuple(phrases)


def _distributions(node: StageNode, models: Set[type[BaseModel]]) -> Mapping[str, str]:
    """Returns {name: version} of the distributions of a stage, and of what holds and computes the models in its parameters."""
    versions = {name: version(name) for model in models for name in libraries_of(model)}
    for module in {node.stage.module, *(model.__module__ for model in models)}:
        versions |= distribution_of(module)
    return versions


def _stage_code(node: StageNode, models: Set[type[BaseModel]]) -> Mapping[str, str]:
    """Returns the digests of a stage's module, and of the modules that hold and compute the models in its parameters."""
    functions = frozenset(filter(None, map(functions_of, models)))
    alternatives = _alternatives(type(node.params)) - {node.stage.module}
    named = alternatives.intersection(model.__module__ for model in models)
    sources: dict[str, str] = {}
    for module in (node.stage.module, *sorted(functions | named)):
        sources |= code_digests(module, unused=alternatives - named, followed=named | functions)
    return sources


def _models(value: Any) -> Iterator[type[BaseModel]]:
    """Yields the classes of the models in parameters."""
    if isinstance(value, BaseModel):
        yield type(value)
        yield from _models(dict(value))
    elif isinstance(value, Mapping):
        yield from _models(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _models(item)


@cache
def _alternatives(params: type[BaseModel]) -> frozenset[str]:
    """Returns the modules of models that are alternatives in these parameters, such as losses and optimizers."""
    modules: set[str] = set()
    visited: set[type[BaseModel]] = set()
    waiting: list[Any] = [params]
    while waiting:
        annotation = waiting.pop()
        if _is_model(annotation) and annotation not in visited:
            visited.add(annotation)
            waiting.extend(field.annotation for field in annotation.model_fields.values())
        members = get_args(annotation)
        waiting.extend(members)
        models = [member for member in members if _is_model(member)]
        if get_origin(annotation) in (Union, UnionType) and len(models) > 1:
            modules.update(model.__module__ for model in models)
    return frozenset(modules)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields the leaf values of a document with their paths; an empty collection is a leaf."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    children = list(items)
    for name, child in children:
        yield from _leaves(child, (*path, name))
    if not children:
        yield tuple(f"[{part}]" if isinstance(part, int) else part for part in path), value


def _phrase(path: tuple[str, ...], before: Any, after: Any) -> str:
    match path:
        case ("params", *name):
            return f"{'.'.join(name).replace('.[', '[')}: {_shown(before)} → {_shown(after)}"
        case ("inputs", argument):
            return f"its input '{argument}' changed"
        case ("inputs", argument, item):
            return f"its input '{argument}{item}' changed"
        case ("seed",):
            return f"the seed changed from {before} to {after}"
        case ("version",):
            return f"the stage's version changed from {before} to {after}"
        case ("versions", name):
            return f"the version of {name} changed from {_shown(before)} to {_shown(after)}"
        case ("backend" | "precision",):
            return f"it was computed for {before}, now for {after}"
        case _:
            return f"{' '.join(path).replace('_', ' ')} changed from {before} to {after}"


def _shown(value: Any) -> str:
    return "none" if value in (None, _ABSENT) else json.dumps(value, ensure_ascii=False)
