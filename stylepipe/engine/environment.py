"""The machine as far as it bears on results: versions, platform, devices, threads. Nothing that names it or its user."""

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
    """Those of the packages that compute results."""
    return {name: version(name) for name in PACKAGES}


@cache
def environment() -> Mapping[str, str | int]:
    """Versions, platform, device and the numbers of devices and threads: where all are equal, results are equal to the byte."""
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
    """The class of the device that JAX computes on: cpu, gpu or tpu.

    JAX is asked only if a plugin for others is installed, or the user wants another. Raises UsageError when it finds none.
    """
    others = find_spec("jax_plugins") or find_spec("libtpu") or entry_points(group="jax_plugins")
    wanted = any(os.environ.get(name, "cpu") not in ("", "cpu") for name in _PLATFORMS)
    return jax_backend() if others or wanted else "cpu"


def jax_backend() -> str:
    """The class of the device, as JAX says. Raises UsageError when it finds none."""
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
    """The device's model, where it is not the CPU."""
    if backend() == "cpu":
        return "cpu"
    import jax

    return jax.devices()[0].device_kind


def devices() -> int:
    """How many devices JAX sees. The CPU is one unless XLA is told to make several of it; only then JAX is asked."""
    told = "device_count" in os.environ.get("XLA_FLAGS", "") or "JAX_NUM_CPU_DEVICES" in os.environ
    if backend() == "cpu" and not told:
        return 1
    import jax

    return jax.local_device_count()


def threads() -> int:
    """The number of CPU threads that XLA computes with."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compiles_to(folder: Path) -> bool:
    """Whether JAX keeps what it compiles in this folder."""
    import jax

    return jax.config.values["jax_compilation_cache_dir"] == str(folder)


def set_up_jax(folder: Path | None, precision: str) -> None:
    """Lets JAX keep what it compiles in `folder`, unless the user has chosen a folder already, and multiply in `precision`.

    Left to itself it multiplies numbers of float32 in TF32 on GPUs, and in bfloat16 on TPUs; and on CPUs it computes while the
    program goes on, so that reading an array for which there was no memory ends the process. To be called before anything is
    computed.
    """
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_default_matmul_precision", precision)
    named = folder is not None and decoded(str(folder)) == str(folder)  # JAX takes no path that is not UTF-8
    if named and jax.config.values["jax_compilation_cache_dir"] is None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
