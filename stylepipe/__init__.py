"""A declarative pipeline engine for neural style transfer.

The public names are those of `__init__.pyi`. Each is imported when it is used: importing stylepipe is quick, and for
`python -m stylepipe` imports nothing from the current folder, which is on the path then.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Recipe": "sources.recipe_objects",
    "apply": "direct",
    "diff": "commands.comparing",
    "doctor": "commands.diagnosis",
    "explain": "commands.planning",
    "export": "commands.exporting",
    "extract": "direct",
    "graph": "commands.checking",
    "import_bundle": "commands.exporting",
    "init": "commands.starting",
    "plan": "commands.planning",
    "recipes": "commands.starting",
    "run": "commands.running",
    "schema": "commands.listing",
    "show": "commands.showing",
    "stages": "commands.listing",
    "stylize": "direct",
    "sweep": "commands.sweeping",
    "validate": "commands.checking",
    "verify": "commands.verifying",
}
"""The module of `stylepipe.api` that holds each name."""

_MODULES = ("cache", "losses", "optimizers", "runs", "weights")
"""The modules of `stylepipe.api` that are public themselves."""


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"stylepipe.api.{name}")
    if name in _HOMES:
        return getattr(import_module(f"stylepipe.api.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'stylepipe' has no attribute '{name}'")


def __dir__() -> list[str]:
    return ["__version__", *_HOMES, *_MODULES]
