"""Memory that is kept, in a process of its own: the setting cannot be taken back."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import sys

import numpy as np

if sys.argv[1] == "keep":
    from stylepipe.neural.memory import keep_freed_memory

    keep_freed_memory()
np.ones(10**7)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    np.ones(10**7)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_cleared(argument: str) -> int:
    return int(subprocess.run([sys.executable, "-c", PROGRAM, argument], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_pages_are_cleared_once():
    """Three times 80 MB are some 58,600 pages of 4 KB, or 120 of 2 MB."""
    assert pages_cleared("default") > 100
    assert pages_cleared("keep") < 50
