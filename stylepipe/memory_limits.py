"""How much memory this process may still take: what the system has free, and the limits that are set on the process.

Linux says what is free, what the control groups of a process allow (containers and batch systems set them), and how large its
address space may become (`ulimit -v`).
"""

import os
from pathlib import Path

_UNLIMITED = 2**62

_THREADS = 300e6
"""Address space that JAX takes for the stacks of its threads and for its code once it computes, beside what it uses."""


def available(*, swap: bool = False) -> int:
    """The bytes that this process can still take, with or without those that the system would swap out."""
    return max(0, min(_of_system(swap=swap), _of_groups(), _of_process()))


def resident() -> int:
    """The bytes of memory that this process takes now; 0 where the system does not say."""
    return 1024 * _kilobytes(Path("/proc/self/status"), "VmRSS")


def _of_system(*, swap: bool) -> int:
    """Linux says what is free or could be freed at once; elsewhere it is taken to be half of all."""
    table = Path("/proc/meminfo")
    if table.exists():
        return 1024 * (_kilobytes(table, "MemAvailable") + swap * _kilobytes(table, "SwapFree"))
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _of_process() -> int:
    """What the limits on the address space leave; those of the process, not those that a C library may add."""
    try:
        import resource
    except ImportError:  # there are none on Windows
        return _UNLIMITED
    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    limit = min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)
    taken = 1024 * _kilobytes(Path("/proc/self/status"), "VmSize")
    return _UNLIMITED if limit is None else int(limit - taken - _THREADS)


def _of_groups(proc: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> int:
    """What the control groups of this process, those around them included, let it take.

    Linux has two versions of them. Files that are cached count as taken there, but are given up when memory is wanted.
    """
    found = [_UNLIMITED]
    for line in proc.read_text(encoding="utf-8").splitlines() if proc.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            folder = mount / controllers / path.lstrip("/")
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
            around = [folder, *folder.parents]
            found += [_of_group(group, *names) for group in around[: around.index(mount / controllers) + 1]]
    return min(found)


def _of_group(folder: Path, limit: str, usage: str) -> int:
    """What a group may still take, if it has a limit. Inside a container those around it are not to be seen."""
    try:
        most, used, table = ((folder / name).read_text(encoding="ascii") for name in (limit, usage, "memory.stat"))
    except OSError:
        return _UNLIMITED
    figures = dict(line.split() for line in table.splitlines())
    cached = figures.get("total_inactive_file", figures.get("inactive_file", 0))
    return _UNLIMITED if most.strip() == "max" else int(most) - int(used) + int(cached)


def _kilobytes(table: Path, name: str) -> int:
    """The figure of that name in a table of Linux's, 0 where there is none."""
    if not table.exists():
        return 0
    lines = (line.split(":", 1) for line in table.read_text(encoding="utf-8", errors="replace").splitlines() if ":" in line)
    return next((int(value.split()[0]) for key, value in lines if key == name), 0)
