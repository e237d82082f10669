"""References: `$path` as a whole scalar is the value itself, `${path}` inside a text is text, `$$` is a dollar sign.

A path is `params.name`, `item` or `previous`, or else the name of an input or a stage (`name@item` for one stage of a
`foreach`); dots lead into mappings. There are no functions and no access to the environment.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from stylepipe.recipe.model import LABEL, NAME
from stylepipe.recipe.syntax.yaml_text import KeyPath
from stylepipe.recipe.validation.problems import Problems, dotted, show, suggest

MAX_VALUES = 50_000
MAX_TEXT = 10_000

_PATH = rf"({NAME})((?:\.[A-Za-z0-9_-]{{1,100}}){{0,8}})(?:@({LABEL}))?"
_WHOLE = re.compile(rf"\${_PATH}")
_PART = re.compile(rf"[^$]+|\$\$|\$\{{{_PATH}\}}|\$")


@dataclass(frozen=True)
class Reference:
    """`$name.inner@item`."""

    name: str
    inner: tuple[str, ...] = ()
    item: str | None = None

    def __str__(self) -> str:
        return "$" + ".".join((self.name, *self.inner)) + (f"@{self.item}" if self.item else "")


class TemplateError(Exception):
    """A reference that cannot be parsed or followed: the reason as a clause, and optionally a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Unknown(TemplateError):
    """A reference to a value with a reported problem; no further problem is reported."""

    def __init__(self) -> None:
        super().__init__("")


@contextmanager
def following(path: KeyPath, problems: Problems) -> Iterator[None]:
    """Reports errors of references that the block parses or follows, as problems of the value at `path`."""
    try:
        yield
    except Unknown:
        problems.mark_broken(path)
    except TemplateError as error:
        problems.add(path, f"{dotted(path)}: {error.message}.", error.hint)


def parse(text: str) -> Reference | list[str | Reference]:
    """Parses a text as one reference, or as a list of texts and references. Raises TemplateError."""
    if "$" not in text:
        return [text]
    if len(text) > MAX_TEXT:
        raise TemplateError(f"a text with '$' in it has {len(text)} characters; at most {MAX_TEXT} are read")
    if whole := _WHOLE.fullmatch(text):
        return _reference(whole)
    parts: list[str | Reference] = []
    for match in _PART.finditer(text):
        if match[0] == "$":
            raise TemplateError(
                f"in {show(text)} a '$' begins no reference",
                "Write $name for a value, ${name} for one inside a text, $$ for a dollar sign.",
            )
        parts.append(_reference(match) if match[1] else match[0].replace("$$", "$"))
    return parts


def references_in(value: Any) -> Iterator[Reference]:
    """Yields all valid references in plain data."""
    match value:
        case str():
            with suppress(TemplateError):
                parts = parse(value)
                yield from [parts] if isinstance(parts, Reference) else (part for part in parts if isinstance(part, Reference))
        case list():
            for inner in value:
                yield from references_in(inner)
        case dict():
            for inner in value.values():
                yield from references_in(inner)


def escape(value: Any) -> Any:
    """Returns plain data with dollar signs escaped, so no text is parsed as a reference."""
    match value:
        case str():
            return value.replace("$", "$$")
        case list():
            return [escape(inner) for inner in value]
        case dict():
            return {key: escape(inner) for key, inner in value.items()}
    return value


def inside(value: Any, reference: Reference) -> Any:
    """Returns the value at a reference's dotted path in `value`. Raises TemplateError where there is none."""
    for depth, key in enumerate(reference.inner):
        if not isinstance(value, Mapping):
            raise TemplateError(f"{Reference(reference.name, reference.inner[:depth])} is {show(value)} and has no '{key}'")
        if key not in value:
            where = Reference(reference.name, reference.inner[:depth])
            raise TemplateError(f"{where} has no '{key}'", suggest(key, list(value)))
        value = value[key]
    return value


class Resolver:
    """Replaces references in plain data by values, and bounds the size of the result.

    `lookup` gives the value of a reference, or raises TemplateError.
    """

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._spent = 0

    def resolve(self, value: Any, path: KeyPath, lookup: Callable[[Reference], Any]) -> Any:
        """Returns the value at `path` with references replaced; an invalid one is reported, marked as broken and becomes None.

        Raises RecipeError when more than `MAX_VALUES` values have been resolved.
        """
        match value:
            case str():
                return self._resolve_text(value, path, lookup)
            case list():
                return [self.resolve(inner, (*path, index), lookup) for index, inner in enumerate(value)]
            case dict():
                return {key: self.resolve(inner, (*path, key), lookup) for key, inner in value.items()}
        self.spend(value, path)
        return value

    def _resolve_text(self, text: str, path: KeyPath, lookup: Callable[[Reference], Any]) -> Any:
        with following(path, self._problems):
            parts = parse(text)
            if isinstance(parts, Reference):
                value = lookup(parts)
                self._problems.origins[path] = parts
                self.spend(value, path)
                return value
            pieces = [_piece(part, lookup(part)) if isinstance(part, Reference) else part for part in parts]
            if len(parts) > 1 and sum(map(len, pieces)) > MAX_TEXT:
                raise TemplateError(f"the text has more than {MAX_TEXT} characters with its values filled in")
            joined = "".join(pieces)
            self.spend(joined, path)
            return joined
        return None

    def spend(self, value: Any, path: KeyPath) -> None:
        """Counts a value, and what is inside it, toward `MAX_VALUES`. Raises RecipeError beyond that."""
        self._spent += 1 + (len(value) // 64 if isinstance(value, str) else 0)
        if self._spent > MAX_VALUES:
            self._problems.add(path, f"With all references replaced, the recipe holds more than {MAX_VALUES} values.")
            self._problems.raise_any()
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self.spend(inner, path)


def _piece(reference: Reference, value: Any) -> str:
    if isinstance(value, list | dict):
        raise TemplateError(f"{reference} is {show(value)}, which cannot be part of a text")
    return value if isinstance(value, str) else show(value)


def _reference(match: re.Match[str]) -> Reference:
    name, inner, item = match.groups()
    return Reference(name, tuple(inner.split(".")[1:]), item)
