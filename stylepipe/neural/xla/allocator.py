"""Memory on devices: what is available, and keeping freed memory on the CPU for reuse.

JAX is imported only where there are other devices than the CPU."""

import ctypes
import platform

from stylepipe.hardware import memory_limits
from stylepipe.hardware.devices import backend

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Makes this process keep freed memory for reuse. Call once, before other threads exist.

    XLA allocates all intermediate arrays of a step together, and frees them after it. By default glibc hands so large a block
    back to the system, which clears every page of it anew for the next step. Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)  # free() hands back nothing


def return_freed_memory() -> None:
    """Returns kept memory to the system.

    One small array in the place of a large one that was freed is enough, and the next large one takes other memory: without
    this, tiles take up to twice what they need. Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def memories(height: int) -> int:
    """Returns the number of memories for a picture of this height. The devices of the CPU share one."""
    if backend() == "cpu":
        return 1
    from stylepipe.neural.xla.sharding import count

    return count(height)


def available() -> int:
    """Returns the bytes still available to this process on the default device, kept memory included."""
    stats = None
    if backend() != "cpu":
        import jax

        stats = jax.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return_freed_memory()
    return memory_limits.available()
