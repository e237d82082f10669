"""Discovers stages: every package in the entry-point group `stylepipe.stages` is a stage pack.

A pack is a package with one module per stage; the module `sharpen` holds the stage `sharpen`. Names are listed without
importing any stage, and a stage's module is imported only when a recipe uses it. A broken pack or stage affects no other.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distributions, entry_points
from importlib.util import find_spec
from typing import Any

from stylepipe.errors import Stopped, did_you_mean, reason_of
from stylepipe.plugin_output import plugin_output
from stylepipe.stage import Stage, StageContractError

GROUP = "stylepipe.stages"

_HINT = "Its entry point must name a package with one module per stage."


class StageModules(dict[str, str]):
    """Maps each stage's name to the module that holds it.

    `ambiguous` maps the name of a stage that several packs offer to its error; `problems` holds the errors of whole packs;
    `distributions` maps the package of each pack to the distribution that declares it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ambiguous: dict[str, StageContractError] = {}
        self.problems: list[StageContractError] = []
        self.distributions: dict[str, Any] = {}


@cache
def stage_modules() -> StageModules:
    """Returns the stages of all packs, without importing their modules."""
    modules = StageModules()
    for pack in sorted(_entry_points(modules.problems), key=lambda entry: entry.name):
        if pack.dist:
            modules.distributions[pack.value] = pack.dist
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
    """Returns {name: version} of the distribution that holds a module's pack; empty where there is none."""
    packs = stage_modules().distributions
    return {held.name: held.version for package, held in packs.items() if f"{module}.".startswith(f"{package}.")}


@cache
def find_stage(name: str) -> Stage:
    """Returns the stage of that name.

    Raises StageContractError when no pack offers it (the hint names the closest stage), when several do, and when its module
    cannot be imported or does not define the stage.
    """
    modules = stage_modules()
    if name not in modules:
        doctor = "'stylepipe doctor' says what is wrong with a stage pack." if modules.problems else None
        hints = filter(None, [did_you_mean(name, list(modules)), doctor])
        raise StageContractError(f"There is no stage '{name}'.", hint=" ".join(hints) or None)
    if name in modules.ambiguous:
        raise modules.ambiguous[name]
    place = modules[name]
    with _guarded(f"The stage '{name}' cannot be imported from '{place}'"):
        module = importlib.import_module(place)
    attribute = getattr(module, name, None)
    if not isinstance(attribute, Stage) or attribute.name != name:
        raise StageContractError(
            f"The module '{place}' holds no stage of its own name.",
            hint=f"It must define a function '{name}' decorated with @stage.",
        )
    return attribute


def usable_stages() -> tuple[Mapping[str, Stage], tuple[StageContractError, ...]]:
    """Returns all usable stages, sorted by name, and the errors of packs and of the other stages."""
    stages: dict[str, Stage] = {}
    problems = list(stage_modules().problems)
    for name in sorted(stage_modules()):
        try:
            stages[name] = find_stage(name)
        except StageContractError as error:
            problems.append(error)
    return stages, tuple(problems)


@contextmanager
def _guarded(failure: str, *, hint: str | None = None) -> Iterator[None]:
    """Runs third-party code. Whatever it raises becomes a StageContractError whose message begins with `failure`."""
    try:
        with plugin_output():
            yield
    except Stopped:
        raise
    except BaseException as error:
        raise StageContractError(f"{failure}: {reason_of(error).rstrip('.')}.", hint=hint) from error


def _entry_points(problems: list[StageContractError]) -> list[Any]:
    """Returns the entry points of all packs. A package with unreadable metadata is left out and added to `problems`.

    The class is not named: packages such as importlib_metadata replace it with their own.
    """
    try:
        return list(entry_points(group=GROUP))
    except Exception:
        by_name: dict[tuple[str, str], Any] = {}
        for distribution in distributions():
            try:
                by_name |= {(entry.name, entry.value): entry for entry in distribution.entry_points.select(group=GROUP)}
            except Exception as error:
                message = f"The entry points of an installed package cannot be read: {reason_of(error)}."
                problems.append(StageContractError(message))
        return list(by_name.values())


def _module_names(pack: str, package: str) -> Iterator[str]:
    """Yields the modules of a pack that hold stages. Raises StageContractError when `package` is not a package."""
    with _guarded(f"The stage pack '{pack}' names '{package}', which cannot be found", hint=_HINT):
        spec = find_spec(package)  # imports the parent package
    if spec is None or spec.submodule_search_locations is None:
        raise StageContractError(f"The stage pack '{pack}' names '{package}', which is not a package.", hint=_HINT)
    for module in pkgutil.iter_modules(spec.submodule_search_locations):
        if not module.name.startswith("_"):
            yield module.name
