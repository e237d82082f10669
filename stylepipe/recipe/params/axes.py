"""Checks a recipe's `sweep`, and expands it to variants, each a set of values for the recipe's params."""

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from stylepipe.recipe.model import Random, Range, Sweep
from stylepipe.recipe.params.labels import axis_labels, value_label
from stylepipe.recipe.params.overrides import mismatch, same_type
from stylepipe.recipe.syntax.yaml_text import KeyPath
from stylepipe.recipe.templating.references import Reference, following, parse
from stylepipe.recipe.templating.scope import Names
from stylepipe.recipe.validation.problems import Problems, dotted, show, suggest

MAX_NAME = 80
DIGITS = 4

ParamValues = Mapping[str, Any]
"""A variant, or a part of one: values for params by name."""

_NOT_IN_NAMES = re.compile(r"[^\w.@+=-]+")


def check_sweep(sweep: Sweep, names: Names, problems: Problems) -> None:
    """Reports a sweep's problems: unknown params, values of the wrong type, invalid ranges, lists of unequal length."""

    def is_param(path: KeyPath) -> bool:
        name = str(path[-1])
        if name not in names.params:
            problems.add(path, f"The recipe has no param '{name}'.", suggest(name, list(names.params)), at_key=True)
        return name in names.params

    def check(path: KeyPath, values: Mapping[KeyPath, Any]) -> None:
        default = names.params[str(path[-1])] if is_param(path) else None
        for where, value in values.items():
            if not same_type(value, default) and not problems.is_broken(where):
                problems.add_elsewhere(mismatch(dotted(where), value, default, problems.place(where)))

    for section, axes in (("grid", sweep.grid), ("zip", sweep.zip)):
        for name, values in axes.items():
            path = ("sweep", section, name)
            check(path, {(*path, index): value for index, value in enumerate(values)})
    for section, variants in (("include", sweep.include), ("exclude", sweep.exclude)):
        for index, variant in enumerate(variants):
            for name, value in variant.items():
                path = ("sweep", section, index, name)
                check(path, {path: value})
    for name, drawn in (sweep.random.ranges if sweep.random else {}).items():
        path = ("sweep", "random", "ranges", name)
        if is_param(path):
            _check_range(drawn, names.params[name], path, problems)
    _check_axes(sweep, problems)
    path = ("sweep", "name")
    with following(path, problems):
        for reference in _references(sweep.name or ""):
            names.value(reference)


def _check_range(drawn: Range, default: Any, path: KeyPath, problems: Problems) -> None:
    if isinstance(default, bool) or not isinstance(default, int | float):
        problems.add(path, f"{dotted(path)} is a range, and the param's default is {show(default)}, no number.", at_key=True)
        return
    for bound in ("low", "high"):
        value = getattr(drawn, bound)
        if isinstance(default, int) and not value.is_integer():
            problems.add_elsewhere(mismatch(dotted((*path, bound)), value, default, problems.place((*path, bound))))
    if drawn.low >= drawn.high:
        problems.add(path, f"{dotted(path)}: low ({drawn.low:g}) is not below high ({drawn.high:g}).")
    elif drawn.scale == "log" and drawn.low <= 0:
        problems.add(
            (*path, "low"), f"{dotted((*path, 'low'))} is {drawn.low:g}; expected a number above 0, as its scale is log."
        )


def _check_axes(sweep: Sweep, problems: Problems) -> None:
    sections = {("grid",): sweep.grid, ("zip",): sweep.zip, ("random", "ranges"): sweep.random.ranges if sweep.random else {}}
    first: dict[str, str] = {}
    for section, axes in sections.items():
        for name in axes:
            if name in first:
                problems.add(("sweep", *section, name), f"'{name}' is in sweep.{first[name]} already.", at_key=True)
            first[name] = section[0]
    lengths = {name: len(values) for name, values in sweep.zip.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
        problems.add(("sweep", "zip"), f"sweep.zip holds lists of unequal length: {counts}.", at_key=True)


def combinations(sweep: Sweep) -> int:
    """Returns the number of variants before exclusion, without generating them."""
    rows = len(next(iter(sweep.zip.values()), [()]))
    samples = sweep.random.samples if sweep.random else 1
    return _varies(sweep) * math.prod(map(len, sweep.grid.values())) * rows * samples + len(sweep.include)


def _varies(sweep: Sweep) -> bool:
    return bool(sweep.grid or sweep.zip or sweep.random)


def expand_sweep(sweep: Sweep, params: ParamValues, *, seed: int) -> list[dict[str, Any]]:
    """Returns the values of each variant: the product of samples, zipped rows and grid, the last varying fastest.

    Excluded variants are left out, included ones follow. Of variants that are equal when completed from `params`, the first is
    kept.
    """
    rows = [dict(zip(sweep.zip, row, strict=True)) for row in zip(*sweep.zip.values(), strict=True)] or [{}]
    samples = _samples(sweep.random, params, seed) if sweep.random else [{}]
    grid = [dict(zip(sweep.grid, values, strict=True)) for values in product(*sweep.grid.values())]
    combined = [{**sample, **row, **cell} for sample, row, cell in product(samples, rows, grid)] if _varies(sweep) else []
    whole = [{**params, **values} for values in combined]
    kept = [
        values
        for values, all_values in zip(combined, whole, strict=True)
        if not any(all(all_values[name] == value for name, value in excluded.items()) for excluded in sweep.exclude)
    ]
    variants: list[dict[str, Any]] = []
    distinct: list[dict[str, Any]] = []
    for values in [*kept, *map(dict, sweep.include)]:
        if (all_values := {**params, **values}) not in distinct:
            distinct.append(all_values)
            variants.append(values)
    return variants


def _samples(drawn: Random, params: ParamValues, seed: int) -> list[dict[str, Any]]:
    """Returns random values; each param has a random sequence of its own, independent of the other params."""
    columns: dict[str, list[int | float]] = {}
    for name, bounds in drawn.ranges.items():
        generator = random.Random(f"{seed} {name}")  # whose sequence is the same in every version of Python
        whole = isinstance(params[name], int)
        columns[name] = [_draw(bounds, generator.random(), whole=whole) for _ in range(drawn.samples)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _draw(bounds: Range, fraction: float, *, whole: bool) -> int | float:
    """Returns the value at a fraction, in [0, 1), of the range; all whole numbers have equal shares of it."""
    low, high = (bounds.low - 0.5, bounds.high + 0.5) if whole else (bounds.low, bounds.high)
    if bounds.scale == "log":
        span = value = math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
    else:
        span, value = high - low, low + fraction * (high - low)
    value = round(value) if whole else round(value, DIGITS - math.ceil(math.log10(span)))
    return min(max(value, type(value)(bounds.low)), type(value)(bounds.high))


def axes_of_variants(variants: Sequence[ParamValues], params: ParamValues) -> dict[str, list[Any]]:
    """Returns the params that variants set, in order, each with its distinct values."""
    names = dict.fromkeys(name for values in variants for name in values)
    axes: dict[str, list[Any]] = {name: [] for name in names}
    for values in variants:
        for name, axis in axes.items():
            value = values.get(name, params[name])
            if value not in axis:
                axis.append(value)
    return axes


def name_variants(sweep: Sweep, variants: Sequence[ParamValues], params: ParamValues, problems: Problems) -> list[str]:
    """Returns a name for each variant, valid as a file name: from the sweep's template, else from its values.

    Variants are numbered where names from values would be long or equal. A template that gives such names is reported.
    """
    axes = axes_of_variants(variants, params)
    labels = {name: axis_labels(axis) for name, axis in axes.items()}
    whole = [{**params, **values} for values in variants]
    labeled = [{name: labels[name][axis.index(values[name])] for name, axis in axes.items()} for values in whole]
    if sweep.name is None:
        varying = [name for name, axis in axes.items() if len(axis) > 1]
        names = [_as_file("_".join(f"{name}={each[name]}" for name in varying)) for each in labeled]
        numbered = [f"variant-{number:02}" for number in range(1, len(variants) + 1)]
        return names if _distinct(names) and all(0 < len(name) <= MAX_NAME for name in names) else numbered
    path = ("sweep", "name")
    names: list[str] = []
    with following(path, problems):
        for values, each in zip(whole, labeled, strict=True):
            names.append(_as_file(_fill(sweep.name, Names(values, {}, problems), each)))
    if wrong := [name for name in names if not re.match("[A-Za-z]", name) or len(name) > MAX_NAME]:
        expected = f"names begin with a letter and have at most {MAX_NAME} characters"
        problems.add(path, f"sweep.name gives the name {show(wrong[0])}; {expected}.")
    elif not _distinct(names):
        double = next(name for at, name in enumerate(names) if name.casefold() in map(str.casefold, names[:at]))
        problems.add(path, f"sweep.name gives several variants the name '{double}'.", "Refer to each param that varies.")
    return names


def _fill(template: str, names: Names, labels: Mapping[str, str]) -> str:
    """Returns the template with labels filled in; `labels` has those of params on an axis."""

    def filled(piece: str | Reference) -> str:
        if isinstance(piece, str):
            return piece
        label = labels.get(piece.inner[0]) if len(piece.inner) == 1 and piece.name == "params" else None
        return label or value_label(names.value(piece))

    parts = parse(template)
    return "".join(map(filled, [parts] if isinstance(parts, Reference) else parts))


def _references(template: str) -> Iterator[Reference]:
    parts = parse(template)
    yield from (part for part in ([parts] if isinstance(parts, Reference) else parts) if isinstance(part, Reference))


def _as_file(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name).strip("_.")


def _distinct(names: Sequence[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names)  # some file systems ignore case
