"""A declarative pipeline engine for neural style transfer.

The public names are those of `__init__.pyi`. Each is imported when it is used: importing stylepipe is quick, and for
`python -m stylepipe` imports nothing from the current folder, which is on the path then.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Recipe": "sources.recipe_objects",
    "apply": "direct",
    "explain": "commands.planning",
    "export": "commands.exporting",
    "extract": "direct",
    "import_bundle": "commands.exporting",
    "plan": "commands.planning",
    "run": "commands.running",
    "stylize": "direct",
    "sweep": "commands.sweeping",
    "verify": "commands.verifying",
}
"""The module of `stylepipe.api` that holds each name."""

_MODULES = ("losses", "optimizers")
"""The modules of `stylepipe.api` that are public themselves."""


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"stylepipe.api.{name}")
    if name in _HOMES:
        return getattr(import_module(f"stylepipe.api.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'stylepipe' has no attribute '{name}'")


def __dir__() -> list[str]:
    return ["__version__", *_HOMES, *_MODULES]
