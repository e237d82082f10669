"""Finding stages: every package that announces itself in the entry-point group `stylepipe.stages` is a pack of stages.

A pack is a package with one module per stage; a module `sharpen` holds the stage `sharpen`. Names are listed without importing
any stage, and a stage's module is imported only when a recipe uses it.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from stylepipe.errors import did_you_mean
from stylepipe.stage import Stage, StageContractError

GROUP = "stylepipe.stages"

_HINT = "Its entry point must name a package with one module per stage."


@cache
def stage_modules() -> Mapping[str, str]:
    """Every known stage's name and the module that holds it, without importing the modules.

    Raises StageContractError when two packs offer the same name, and when a pack names no package.
    """
    modules: dict[str, str] = {}
    for pack in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            spec = find_spec(pack.value)
        except Exception as error:  # it imports what comes before the last dot, which may fail in any way
            reason = f"{type(error).__name__}: {error}"
            raise StageContractError(
                f"The stage pack '{pack.name}' names '{pack.value}', which cannot be found: {reason}.", hint=_HINT
            ) from error
        if spec is None or spec.submodule_search_locations is None:
            raise StageContractError(
                f"The stage pack '{pack.name}' names '{pack.value}', which is not a package.",
                hint=_HINT,
            )
        for module in pkgutil.iter_modules(spec.submodule_search_locations):
            if module.name.startswith("_"):
                continue
            if module.name in modules:
                raise StageContractError(
                    f"The stage '{module.name}' is offered by both '{modules[module.name]}' and '{pack.value}.{module.name}'.",
                    hint="Uninstall one of the two packages, or rename the stage in yours.",
                )
            modules[module.name] = f"{pack.value}.{module.name}"
    return modules


@cache
def find_stage(name: str) -> Stage:
    """The stage of that name.

    Raises StageContractError (with the nearest known name) when no pack offers it, and when its module holds no such stage or
    cannot be imported.
    """
    modules = stage_modules()
    if name not in modules:
        raise StageContractError(f"There is no stage '{name}'.", hint=did_you_mean(name, list(modules)))
    try:
        module = importlib.import_module(modules[name])
    except Exception as error:  # a pack may be anybody's, and may fail in any way
        reason = f"{type(error).__name__}: {error}"
        raise StageContractError(f"The stage '{name}' cannot be imported from '{modules[name]}': {reason}.") from error
    found = getattr(module, name, None)
    if not isinstance(found, Stage) or found.name != name:
        raise StageContractError(
            f"The module '{modules[name]}' holds no stage of its own name.",
            hint=f"It must define a function '{name}' decorated with @stage.",
        )
    return found
