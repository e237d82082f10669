"""The class of the device that JAX computes on. JAX is imported only where there may be another than the CPU."""

import os
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from stylepipe.errors import UsageError

_PLATFORMS = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")


@cache
def backend() -> str:
    """Returns the class of the device that JAX computes on: cpu, gpu or tpu.

    Imports JAX only if a plugin for other devices is installed or requested. Raises UsageError when JAX has no device.
    """
    plugins = find_spec("jax_plugins") or find_spec("libtpu") or entry_points(group="jax_plugins")
    requested = any(os.environ.get(name, "cpu") not in ("", "cpu") for name in _PLATFORMS)
    return jax_backend() if plugins or requested else "cpu"


def jax_backend() -> str:
    """Returns the class of JAX's default device. Raises UsageError when it has none."""
    try:
        import jax

        return jax.default_backend()
    except Exception as error:  # RuntimeError, AssertionError, and what plugins raise
        named = [f"{name}={os.environ[name]}" for name in _PLATFORMS if os.environ.get(name)]
        reason = str(error).strip().partition("\n")[0] or f"there is none for {' and '.join(named) or 'this machine'}"
        variables = " and ".join(each.partition("=")[0] for each in named) or "JAX_PLATFORMS"
        hint = f"Unset {variables}, or install what that device needs."
        raise UsageError(f"JAX finds no device: {reason}", hint=hint) from error
