"""The parts of the environment that affect results: versions, platform, devices, threads. No names of machine or user."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path

from stylepipe import __version__
from stylepipe.errors import UsageError
from stylepipe.escapes import decoded

_PLATFORMS = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
PACKAGES = ("jax", "jaxlib", "numpy", "pillow")


@cache
def versions() -> Mapping[str, str]:
    """Returns the versions of the packages that compute results."""
    return {name: version(name) for name in PACKAGES}


@cache
def environment() -> Mapping[str, str | int]:
    """Returns versions, platform, device and counts of devices and threads: equal environments give equal bytes."""
    return {
        "stylepipe": __version__,
        "python": platform.python_version(),
        **versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "backend": backend(),
        "device": _device_kind(),
        "devices": devices(),
        "threads": threads(),
    }


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


def _device_kind() -> str:
    """Returns the device's model; "cpu" for the CPU."""
    if backend() == "cpu":
        return "cpu"
    import jax

    return jax.devices()[0].device_kind


def devices() -> int:
    """Returns the number of JAX's devices. The CPU is one unless XLA is configured to split it; only then JAX is imported."""
    configured = "device_count" in os.environ.get("XLA_FLAGS", "") or "JAX_NUM_CPU_DEVICES" in os.environ
    if backend() == "cpu" and not configured:
        return 1
    import jax

    return jax.local_device_count()


def threads() -> int:
    """Returns the number of CPU threads that XLA uses."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compiles_to(folder: Path) -> bool:
    """Returns whether JAX stores compiled programs in this folder."""
    import jax

    return jax.config.values["jax_compilation_cache_dir"] == str(folder)


def set_up_jax(folder: Path | None, precision: str) -> None:
    """Configures JAX to store compiled programs in `folder`, unless the user chose another, and to multiply in `precision`.

    By default JAX multiplies float32 in TF32 on GPUs and in bfloat16 on TPUs. On CPUs it dispatches asynchronously, and reading
    an array for which memory ran out would end the process; this is disabled too. To be called before any computation.
    """
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_default_matmul_precision", precision)
    named = folder is not None and decoded(str(folder)) == str(folder)  # JAX requires UTF-8 paths
    if named and jax.config.values["jax_compilation_cache_dir"] is None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
