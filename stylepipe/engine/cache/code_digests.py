"""Digests of code: of a module and of everything it imports from stylepipe and from its own package.

A digest covers the syntax tree without docstrings, so that comments, docstrings and formatting do not affect it.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from stylepipe.cache_folder import own_cache_folder
from stylepipe.engine.cache.parsed_sources import ParsedSource, ParsedSources
from stylepipe.errors import StoreError
from stylepipe.stage import StageContractError


@cache
def code_digests(
    module: str, *, unused: frozenset[str] = frozenset(), followed: frozenset[str] = frozenset()
) -> Mapping[str, str]:
    """Returns the SHA-256 of the code of `module` and of its transitive imports from stylepipe and its own top-level package.

    `unused` modules are not followed, except from those in `followed`: alternatives that the parameters do not name do not
    affect a result, unless a named one imports them.

    Imports are read from the source, including those inside functions; nothing is imported, and modules named by strings are
    missed. Read once per process, as the code itself is. Raises StageContractError when the module has no
    source file.
    """
    packages = {"stylepipe", module.partition(".")[0]}
    if _locate(module) is None:
        raise StageContractError(f"The source of the module '{module}' cannot be found, so its results cannot be cached.")
    stored = _stored()
    digests: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _locate(name)
        if path is not None and name not in digests and name.partition(".")[0] in packages:
            digests[name], imported = _read(name, path, stored)
            waiting.extend(imported if name in followed else (each for each in imported if each not in unused))
    if stored:
        stored.save()
    return dict(sorted(digests.items()))


def _stored() -> ParsedSources | None:
    """Returns what earlier processes parsed, from the user's own cache; None where that has no folder."""
    try:
        return _stored_in(own_cache_folder() / "code")
    except StoreError:
        return None


@cache
def _stored_in(folder: Path) -> ParsedSources:
    return ParsedSources(folder, parser=Path(__file__).read_bytes())


@cache
def _read(module: str, path: Path, stored: ParsedSources | None) -> ParsedSource:
    """Returns the digest of a module's code and the names that it imports; for other files, the digest of the bytes."""
    source = path.read_bytes()
    if path.suffix != ".py":
        return hashlib.sha256(source).hexdigest(), ()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    parsed = stored.get(source, package) if stored else None
    if parsed is None:
        parsed = _parse(source, package)
        if stored:
            stored.put(source, package, parsed)
    return parsed


def _parse(source: bytes, package: str) -> ParsedSource:
    try:
        tree = ast.parse(source)
        code = _text(tree).encode()
    except (SyntaxError, ValueError, RecursionError):  # it could not be imported either
        return hashlib.sha256(source).hexdigest(), ()
    return hashlib.sha256(code).hexdigest(), tuple(_imports(tree, package))


def _text(tree: ast.Module) -> str:
    """Returns the syntax tree as text, without statements that do nothing, such as docstrings."""
    parts: list[str] = []
    _write(tree, parts)
    return "\n".join(parts)


def _write(node: object, parts: list[str]) -> None:
    """Appends a node to `parts`. Empty fields are left out, because later versions of Python add some."""
    if isinstance(node, ast.AST):
        parts.append(type(node).__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name != "ctx":
                parts.append(name)
                _write(value, parts)
        parts.append(")")
    elif isinstance(node, list):
        for item in node:
            if not _does_nothing(item):
                _write(item, parts)
        parts.append("]")
    else:
        parts.append(repr(node))


def _does_nothing(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Yields dotted names that may be modules: `from a import b` may mean the module a.b, or a name in a."""
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yields all statements below a node. (`ast.walk` visits expressions too, in six times the time.)"""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, part, ()):
            yield inner
            yield from _statements(inner)


@cache
def _locate(module: str) -> Path | None:
    """Returns the file of a module."""
    if file := getattr(sys.modules.get(module), "__file__", None):
        return Path(file)
    spec = _find(module)
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


@cache
def _find(module: str) -> ModuleSpec | None:
    """Returns the spec of a module. (find_spec would import the parents of a dotted name.)"""
    parent = module.rpartition(".")[0]
    if not parent:
        return _find_top(module)
    package = _find(parent)
    if package is None or package.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, list(package.submodule_search_locations))


def _find_top(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except ValueError:  # a module created by hand, without a spec
        return None
