"""The memory that large computations on the CPU use again and again."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Makes this process keep the memory that it frees, to use it again. To be called once, before there are other threads.

    XLA allocates all intermediate arrays of a step together, and frees them after it. By default glibc hands so large a block
    back to the system, which clears every page of it anew for the next step. The process does not grow by this beyond what it
    used at its largest. Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
