"""Memory that is kept, in a process of its own: the setting cannot be taken back."""

import platform
import subprocess
import sys

import jax
import pytest

from stylepipe.neural.xla import allocator
from stylepipe.neural.xla.allocator import available, memories

PROGRAM = """
import resource
import sys

import numpy as np

if sys.argv[1] == "keep":
    from stylepipe.neural.xla.allocator import keep_freed_memory

    keep_freed_memory()
size = int(sys.argv[2])
np.ones(size)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    np.ones(size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_cleared(*arguments: object) -> int:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
@pytest.mark.parametrize("size", [10**7, pytest.param(3 * 10**8, marks=pytest.mark.slow)])
def test_pages_are_cleared_once(size):
    """Three times 80 MB are some 58,600 pages of 4 KB, or 120 of 2 MB; 2.4 GB are beyond any threshold that glibc takes."""
    assert pages_cleared("default", size) > 100
    assert pages_cleared("keep", size) < 50


def test_a_machine_has_some_memory():
    assert 1e7 < available() < 1e13


def test_the_devices_of_the_cpu_share_a_memory(monkeypatch):
    monkeypatch.setattr(jax, "local_devices", lambda: [None] * 8)
    monkeypatch.setattr(allocator, "backend", lambda: "cpu")
    assert memories(4096) == 1
    monkeypatch.setattr(allocator, "backend", lambda: "gpu")
    assert memories(4096) == 8
    assert memories(512) == 1
