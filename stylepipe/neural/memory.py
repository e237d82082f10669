"""The memory of the machine: how much there is, and that large computations on the CPU use theirs again and again."""

import ctypes
import os
import platform
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Makes this process keep the memory that it frees, to use it again. To be called once, before there are other threads.

    XLA allocates all intermediate arrays of a step together, and frees them after it. By default glibc hands so large a block
    back to the system, which clears every page of it anew for the next step. Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)  # free() hands back nothing


def return_freed_memory() -> None:
    """Hands back what the process has kept so far.

    One small array in the place of a large one that was freed is enough, and the next large one takes other memory: without
    this, tiles take up to twice what they need. Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def available() -> int:
    """The bytes that the default device could still give to this process, with what that has freed and kept."""
    import jax  # not by those who only want memory kept: it takes a second

    device = jax.devices()[0]
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return_freed_memory()
    return min(_of_system(), _of_groups())


def _of_system() -> int:
    """Linux says what is free or could be freed at once; elsewhere it is taken to be half of all."""
    table = Path("/proc/meminfo")
    if table.exists():
        lines = dict(line.split(":", 1) for line in table.read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _of_groups(proc: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> int:
    """What the control groups of this process, those around them included, let it take: containers and batch systems set them.

    Linux has two versions of them. Files that are cached count as taken there, but are given up when memory is wanted.
    """
    found = [2**62]
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
        return 2**62
    figures = dict(line.split() for line in table.splitlines())
    cached = figures.get("total_inactive_file", figures.get("inactive_file", 0))
    return 2**62 if most.strip() == "max" else int(most) - int(used) + int(cached)
