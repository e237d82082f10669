"""Finding stages: every package that announces itself in the entry-point group `stylepipe.stages` is a pack of stages.

A pack is a package with one module per stage; a module `sharpen` holds the stage `sharpen`. Names are listed without importing
any stage, and a stage's module is imported only when a recipe uses it. A pack or a stage that is broken breaks no other.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import distributions, entry_points
from importlib.util import find_spec
from typing import Any

from stylepipe.errors import Stopped, did_you_mean, reason_of
from stylepipe.stage import Stage, StageContractError

GROUP = "stylepipe.stages"

_HINT = "Its entry point must name a package with one module per stage."


class StageModules(dict[str, str]):
    """Every known stage's name and the module that holds it.

    `ambiguous` has, by name, why a stage that several packs offer cannot be used; `problems`, what is wrong with whole packs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ambiguous: dict[str, StageContractError] = {}
        self.problems: list[StageContractError] = []


@cache
def stage_modules() -> StageModules:
    """The stages of all packs, without importing their modules."""
    modules = StageModules()
    for pack in sorted(_entry_points(modules.problems), key=lambda entry: entry.name):
        try:
            names = list(_module_names(pack.name, pack.value))
        except StageContractError as error:
            modules.problems.append(error)
            continue
        for name in names:
            module = f"{pack.value}.{name}"
            if name in modules:
                modules.ambiguous[name] = StageContractError(
                    f"The stage '{name}' is offered by both '{modules[name]}' and '{module}'.",
                    hint="Uninstall one of the two packages, or rename the stage in yours.",
                )
            modules.setdefault(name, module)
    return modules


@cache
def distribution_of(module: str) -> Mapping[str, str]:
    """The version of the distribution that holds the pack of a module, by the distribution's name; nothing where none does."""
    packs = _entry_points([])
    found = [pack.dist for pack in packs if pack.dist and f"{module}.".startswith(f"{pack.value}.")]
    return {each.name: each.version for each in found}


@cache
def find_stage(name: str) -> Stage:
    """The stage of that name.

    Raises StageContractError (with the nearest known name) when no pack offers it, when several do, and when its module holds
    no such stage or cannot be imported.
    """
    modules = stage_modules()
    if name not in modules:
        doctor = "'stylepipe doctor' says what is wrong with a stage pack." if modules.problems else None
        hints = filter(None, [did_you_mean(name, list(modules)), doctor])
        raise StageContractError(f"There is no stage '{name}'.", hint=" ".join(hints) or None)
    if name in modules.ambiguous:
        raise modules.ambiguous[name]
    place = modules[name]
    try:
        with redirect_stdout(sys.stderr):  # what a module prints is no result of a command
            module = importlib.import_module(place)
    except Stopped:
        raise
    except BaseException as error:  # a pack may be anybody's, and may fail in any way
        raise StageContractError(
            f"The stage '{name}' cannot be imported from '{place}': {reason_of(error).rstrip('.')}."
        ) from error
    found = getattr(module, name, None)
    if not isinstance(found, Stage) or found.name != name:
        raise StageContractError(
            f"The module '{place}' holds no stage of its own name.",
            hint=f"It must define a function '{name}' decorated with @stage.",
        )
    return found


def usable_stages() -> tuple[Mapping[str, Stage], tuple[StageContractError, ...]]:
    """All stages that can be used, by name in alphabetical order; and what is wrong with packs and other stages."""
    stages: dict[str, Stage] = {}
    problems = list(stage_modules().problems)
    for name in sorted(stage_modules()):
        try:
            stages[name] = find_stage(name)
        except StageContractError as error:
            problems.append(error)
    return stages, tuple(problems)


def _entry_points(problems: list[StageContractError]) -> list[Any]:
    """The entry points of all packs. Those of a package whose metadata cannot be read are left out, which is a problem.

    Their class is not named, for packages such as importlib_metadata put one of their own in its place.
    """
    try:
        return list(entry_points(group=GROUP))
    except Exception:
        known: dict[tuple[str, str], Any] = {}
        for distribution in distributions():
            try:
                known |= {(entry.name, entry.value): entry for entry in distribution.entry_points.select(group=GROUP)}
            except Exception as error:
                message = f"The entry points of an installed package cannot be read: {reason_of(error)}."
                problems.append(StageContractError(message))
        return list(known.values())


def _module_names(pack: str, package: str) -> Iterator[str]:
    """The modules of a pack that hold stages. Raises StageContractError when it names no package."""
    try:
        with redirect_stdout(sys.stderr):
            spec = find_spec(package)
    except Stopped:
        raise
    except BaseException as error:  # it imports what comes before the last dot, which may fail in any way
        reason = reason_of(error)
        message = f"The stage pack '{pack}' names '{package}', which cannot be found: {reason}."
        raise StageContractError(message, hint=_HINT) from error
    if spec is None or spec.submodule_search_locations is None:
        raise StageContractError(f"The stage pack '{pack}' names '{package}', which is not a package.", hint=_HINT)
    for module in pkgutil.iter_modules(spec.submodule_search_locations):
        if not module.name.startswith("_"):
            yield module.name
