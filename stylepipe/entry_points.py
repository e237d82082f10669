"""The entry points by which installed packages extend stylepipe, and the errors of their code."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distributions, entry_points
from typing import Any, TypeVar

from stylepipe.errors import ExtensionError, Stopped, reason_of
from stylepipe.plugin_output import plugin_output

STAGES = "stylepipe.stages"
LOSSES = "stylepipe.losses"
OPTIMIZERS = "stylepipe.optimizers"
ENCODERS = "stylepipe.encoders"
WEIGHTS = "stylepipe.weights"
GROUPS = (STAGES, LOSSES, OPTIMIZERS, ENCODERS, WEIGHTS)

Value = TypeVar("Value")


def entries(group: str) -> list[Any]:
    """Returns the entry points of a group, sorted by name and value.

    Their class is not named: packages such as importlib_metadata replace it with their own.
    """
    return sorted((entry for entry in _installed()[0] if entry.group == group), key=lambda entry: (entry.name, entry.value))


def load_entries(group: str, noun: str, load: Callable[[Any], Value]) -> tuple[dict[str, Value], dict[str, ExtensionError]]:
    """Returns what `load` returns for each entry point of a group, by name; and the errors of the other ones, by name.

    `load` raises ExtensionError, whose message lacks its subject. A `noun` that two packages offer under one name is an error.
    """
    values: dict[str, Value] = {}
    problems: dict[str, ExtensionError] = {}
    first: dict[str, Any] = {}
    for entry in entries(group):
        name = entry.name
        if name in first:
            both = f"'{package_name(first[name])}' and '{package_name(entry)}'"
            hint = "Uninstall one of the two packages, or choose another name in yours."
            problems[name] = ExtensionError(f"The {noun} '{name}' is offered by both {both}.", hint=hint)
            values.pop(name, None)
            continue
        first[name] = entry
        try:
            values[name] = load(entry)
        except ExtensionError as error:
            error.message = f"The {noun} '{name}' of the package '{package_name(entry)}' {error.message}"
            problems[name] = error
    return values, problems


def package_name(entry: Any) -> str:
    """Returns the name of the distribution that declares an entry point."""
    return entry.dist.name if entry.dist else entry.value


def unreadable_packages() -> tuple[ExtensionError, ...]:
    """Returns an error for each installed package whose entry points cannot be read; they are left out."""
    return _installed()[1]


def distribution_of(module: str) -> Mapping[str, str]:
    """Returns {name: version} of the distribution with entry points in a module's top-level package; empty without one.

    They are several where distributions share that package as a namespace.
    """
    return _distributions_of_package(module.partition(".")[0])


@contextmanager
def guarded(failure: str, *, hint: str | None = None, error: type[ExtensionError] = ExtensionError) -> Iterator[None]:
    """Runs code of an installed package. Whatever it raises becomes an `error` whose message begins with `failure`."""
    try:
        with plugin_output():
            yield
    except Stopped:
        raise
    except BaseException as raised:
        raise error(f"{failure}: {reason_of(raised).rstrip('.')}.", hint=hint) from raised


@cache
def _distributions_of_package(package: str) -> Mapping[str, str]:
    held = {entry.dist for entry in _installed()[0] if entry.dist and re.split("[.:]", entry.value)[0].strip() == package}
    return {distribution.name: distribution.version for distribution in held}


@cache
def _installed() -> tuple[tuple[Any, ...], tuple[ExtensionError, ...]]:
    """Returns the entry points of all groups, from one search through the metadata of all packages, and its errors."""
    try:
        every_group = entry_points()
        return tuple(entry for group in GROUPS for entry in every_group.select(group=group)), ()
    except Exception:
        by_name: dict[tuple[str, str, str], Any] = {}
        problems: list[ExtensionError] = []
        for distribution in distributions():
            try:
                own = [entry for group in GROUPS for entry in distribution.entry_points.select(group=group)]
            except Exception as error:
                message = f"The entry points of an installed package cannot be read: {reason_of(error)}."
                problems.append(ExtensionError(message))
            else:
                by_name |= {(entry.group, entry.name, entry.value): entry for entry in own}
        return tuple(by_name.values()), tuple(problems)
