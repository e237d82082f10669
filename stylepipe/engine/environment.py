"""The parts of the environment that affect results: versions, platform, devices, threads. No names of machine or user."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from stylepipe import __version__
from stylepipe.escapes import decoded
from stylepipe.hardware.devices import backend

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
