"""Discovers stages: every package in the entry-point group `stylepipe.stages` is a stage pack.

A pack is a package with one module per stage; the module `sharpen` holds the stage `sharpen`. Names are listed without
importing any stage, and a stage's module is imported only when a recipe uses it. A broken pack or stage affects no other.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec

from stylepipe.entry_points import STAGES, entries, guarded, unreadable_packages
from stylepipe.errors import ExtensionError, did_you_mean
from stylepipe.stage import Stage, StageContractError

_HINT = "Its entry point must name a package with one module per stage."


class StageModules(dict[str, str]):
    """Maps each stage's name to the module that holds it.

    `ambiguous` maps the name of a stage that several packs offer to its error; `problems` holds the errors of whole packs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ambiguous: dict[str, StageContractError] = {}
        self.problems: list[ExtensionError] = list(unreadable_packages())


@cache
def stage_modules() -> StageModules:
    """Returns the stages of all packs, without importing their modules."""
    modules = StageModules()
    for pack in entries(STAGES):
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
    with guarded(f"The stage '{name}' cannot be imported from '{place}'", error=StageContractError):
        module = importlib.import_module(place)
    attribute = getattr(module, name, None)
    if not isinstance(attribute, Stage) or attribute.name != name:
        raise StageContractError(
            f"The module '{place}' holds no stage of its own name.",
            hint=f"It must define a function '{name}' decorated with @stage.",
        )
    return attribute


def usable_stages() -> tuple[Mapping[str, Stage], tuple[ExtensionError, ...]]:
    """Returns all usable stages, sorted by name, and the errors of packs and of the other stages."""
    stages: dict[str, Stage] = {}
    problems = list(stage_modules().problems)
    for name in sorted(stage_modules()):
        try:
            stages[name] = find_stage(name)
        except StageContractError as error:
            problems.append(error)
    return stages, tuple(problems)


def _module_names(pack: str, package: str) -> Iterator[str]:
    """Yields the modules of a pack that hold stages. Raises StageContractError when `package` is not a package."""
    failure = f"The stage pack '{pack}' names '{package}', which cannot be found"
    with guarded(failure, hint=_HINT, error=StageContractError):
        spec = find_spec(package)  # imports the parent package
    if spec is None or spec.submodule_search_locations is None:
        raise StageContractError(f"The stage pack '{pack}' names '{package}', which is not a package.", hint=_HINT)
    for module in pkgutil.iter_modules(spec.submodule_search_locations):
        if not module.name.startswith("_"):
            yield module.name
