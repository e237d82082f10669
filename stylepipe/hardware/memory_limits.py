"""Measures how much memory this process may still use: free system memory and the limits set on the process.

On Linux these are the free memory, the limits of control groups (set by containers and batch systems), and the limit of the
address space (`ulimit -v`).
"""

import os
from pathlib import Path

_UNLIMITED = 2**62

_THREADS = 300e6
"""Bytes of address space that JAX reserves for thread stacks and code once it computes."""


def available(*, swap: bool = False) -> int:
    """Returns the bytes that this process may still allocate, with or without swap space."""
    return max(0, min(_of_system(swap=swap), _of_groups(), _of_process()))


def physical() -> int:
    """Returns the size of this machine's memory in bytes."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil  # installed on Windows only

    return psutil.virtual_memory().total


def resident() -> int:
    """Returns the resident memory of this process in bytes; 0 where the system does not report it."""
    return 1024 * _kilobytes(Path("/proc/self/status"), "VmRSS")


def _of_system(*, swap: bool) -> int:
    """Returns the memory that Linux reports as available; elsewhere, half of the physical memory."""
    table = Path("/proc/meminfo")
    if table.exists():
        return 1024 * (_kilobytes(table, "MemAvailable") + swap * _kilobytes(table, "SwapFree"))
    return physical() // 2


def _of_process() -> int:
    """Returns what the limits on the process's address space leave."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return _UNLIMITED
    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    limit = min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)
    taken = 1024 * _kilobytes(Path("/proc/self/status"), "VmSize")
    return _UNLIMITED if limit is None else int(limit - taken - _THREADS)


def _of_groups(proc: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> int:
    """Returns what the control groups of this process and their parents allow, for versions 1 and 2.

    Cached files count as used memory there, but the kernel releases them on demand.
    """
    remaining = [_UNLIMITED]
    for line in proc.read_text(encoding="utf-8").splitlines() if proc.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            folder = mount / controllers / path.lstrip("/")
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
            around = [folder, *folder.parents]
            remaining += [_of_group(group, *names) for group in around[: around.index(mount / controllers) + 1]]
    return min(remaining)


def _of_group(folder: Path, limit: str, usage: str) -> int:
    """Returns what a group may still use, if it has a limit. Inside a container the parent groups are not visible."""
    try:
        most, used, table = ((folder / name).read_text(encoding="ascii") for name in (limit, usage, "memory.stat"))
    except OSError:
        return _UNLIMITED
    figures = dict(line.split() for line in table.splitlines())
    cached = figures.get("total_inactive_file", figures.get("inactive_file", 0))
    return _UNLIMITED if most.strip() == "max" else int(most) - int(used) + int(cached)


def _kilobytes(table: Path, name: str) -> int:
    """Returns the value of that name in one of /proc's tables, in kB; 0 where there is none."""
    if not table.exists():
        return 0
    lines = (line.split(":", 1) for line in table.read_text(encoding="utf-8", errors="replace").splitlines() if ":" in line)
    return next((int(value.split()[0]) for key, value in lines if key == name), 0)
