"""The arguments of Optax's optimizers, read from its source: importing Optax would import JAX."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

CONTRIB = "contrib."
"""What the names in `optax.contrib` begin with here."""


@cache
def optimizer_names() -> tuple[str, ...]:
    """Returns the names of all functions of `optax` and `optax.contrib` that take a learning rate, sorted."""
    return tuple(sorted(name for name in _modules() if "learning_rate" in (arguments_of(name) or {})))


@cache
def arguments_of(name: str) -> Mapping[str, bool] | None:
    """Returns the arguments of a function by name, and whether each is required; None for a name that is no function."""
    module = _modules().get(name)
    if module is None:
        return None
    wanted = name.removeprefix(CONTRIB)
    for node in _parsed(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == wanted:
            places, named = [*node.args.posonlyargs, *node.args.args], node.args.kwonlyargs
            required = len(places) - len(node.args.defaults)
            arguments = {each.arg: number < required for number, each in enumerate(places)}
            return arguments | {each.arg: value is None for each, value in zip(named, node.args.kw_defaults, strict=True)}
    return None


@cache
def _modules() -> Mapping[str, Path]:
    """Returns the file that each public name is imported from."""
    spec = find_spec("optax")
    if spec is None or spec.origin is None:
        return {}
    package = Path(spec.origin).parent
    contrib = package / "contrib" / "__init__.py"
    return {**dict(_imported(package / "__init__.py", "")), **dict(_imported(contrib, CONTRIB))}


def _imported(file: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for node in _parsed(file).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("optax."):
            _, *parts = node.module.split(".")
            root = file.parent.parent if prefix else file.parent
            for alias in node.names:
                yield f"{prefix}{alias.asname or alias.name}", root.joinpath(*parts).with_suffix(".py")


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes()) if file.is_file() else ast.Module([], [])
