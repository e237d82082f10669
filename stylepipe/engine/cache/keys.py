"""The identity of a computation: a document of all that its result depends on, and the SHA-256 of it.

Not in it: paths, names of nodes and recipes, the device's number, how many devices and threads there are. Inputs are named, and
lists keep their order, so that two inputs that change places make another key.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from stylepipe.engine.cache.code_digests import source_digests
from stylepipe.recipe.resolved import StageNode

KEY_VERSION = 1
PRECISION = "float32"
"""What JAX multiplies in, on every device, where a computation does not choose for itself."""

_ABSENT = object()

Document = Mapping[str, Any]


def stage_document(
    node: StageNode, digests: Mapping[str, str], *, readers: Mapping[str, str], seed: int, backend: str
) -> Document:
    """All that the result of a node depends on.

    `digests` holds the digest of each input and node, as far as known: what is missing comes out as None. `readers` maps an
    input of the recipe to the module that reads its file, whose source counts as the stage's own. `backend` is cpu, gpu or tpu.
    """
    sources = dict(source_digests(node.stage.module))
    for module in {readers[name] for name in node.needs if name in readers}:
        sources |= source_digests(module)
    return {
        "key_version": KEY_VERSION,
        "stage": node.stage.name,
        "version": node.stage.version,
        "source": sources,
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
    """All that the picture of an input depends on: its file, and the module that reads it."""
    return {"key_version": KEY_VERSION, "stage": "read", "source": source_digests(reader), "inputs": {"file": digest}}


def key_of(document: Document) -> str:
    """The SHA-256 of a document's canonical JSON."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def trajectory_of(document: Document, stopping: Collection[str]) -> Document:
    """The document without the parameters that only say where the steps of a stage stop."""
    return {**document, "params": {name: value for name, value in document["params"].items() if name not in stopping}}


def differences(old: Document, new: Document) -> tuple[str, ...]:
    """What sets two documents apart, one phrase for each difference; all modules whose code changed are in one."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    paths = sorted(before.keys() | after.keys())
    pairs = [(path, before.get(path, _ABSENT), after.get(path, _ABSENT)) for path in paths]
    changed = [(path, was, now) for path, was, now in pairs if was != now]
    modules = ", ".join(path[1] for path, _, _ in changed if path[0] == "source")
    phrases = [_phrase(path, was, now) for path, was, now in changed if path[0] != "source"]
    return (*phrases, f"the code of {modules} changed") if modules else tuple(phrases)


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The plain values of a document by their paths; an empty collection is a plain value."""
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
            return f"its input '{argument}' is another"
        case ("inputs", argument, item):
            return f"its input '{argument}{item}' is another"
        case ("seed",):
            return f"the seed changed from {before} to {after}"
        case ("version",):
            return f"the stage's version changed from {before} to {after}"
        case ("backend" | "precision",):
            return f"it was computed for {before}, now for {after}"
        case _:
            return f"{' '.join(path).replace('_', ' ')} changed from {before} to {after}"


def _shown(value: Any) -> str:
    return "none" if value in (None, _ABSENT) else json.dumps(value, ensure_ascii=False)
