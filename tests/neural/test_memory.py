"""Memory that is kept, in a process of its own: the setting cannot be taken back."""

import platform
import subprocess
import sys

import pytest

from stylepipe.neural.memory import _of_groups, available

PROGRAM = """
import resource
import sys

import numpy as np

if sys.argv[1] == "keep":
    from stylepipe.neural.memory import keep_freed_memory

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
@pytest.mark.parametrize("size", [10**7, 3 * 10**8])
def test_pages_are_cleared_once(size):
    """Three times 80 MB are some 58,600 pages of 4 KB, or 120 of 2 MB; 2.4 GB are beyond any threshold that glibc takes."""
    assert pages_cleared("default", size) > 100
    assert pages_cleared("keep", size) < 50


def test_a_machine_has_some_memory():
    assert 1e7 < available() < 1e13


@pytest.fixture
def system(tmp_path):
    """Control groups as Linux shows them: a function that makes one, and what reads them for a process in some of them."""

    def group(path: str, **files: str) -> None:
        folder = tmp_path / "mount" / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / f"memory.{name}").write_text(f"{text}\n")

    def free(membership: str) -> int:
        (tmp_path / "cgroup").write_text(membership)
        return _of_groups(tmp_path / "cgroup", tmp_path / "mount")

    return group, free


def test_the_narrowest_of_the_groups_around_a_process_counts(system):
    group, free = system
    group("jobs", max="3000", current="2000", stat="anon 1500\ninactive_file 400")
    group("jobs/one", max="max", current="1000", stat="inactive_file 0")
    assert free("0::/jobs/one\n") == 1400
    assert free("0::/jobs\n") == 1400
    assert free("0::/other\n") == 2**62


def test_groups_of_the_first_version_are_read(system):
    group, free = system
    stat = "inactive_file 1\ntotal_inactive_file 50"
    group("memory/job", limit_in_bytes="1000", usage_in_bytes="300", stat=stat)
    group("memory", limit_in_bytes="9223372036854771712", usage_in_bytes="5000", stat=stat)
    assert free("4:memory:/job\n3:cpu,cpuacct:/job\n0::/\n") == 750


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert _of_groups(tmp_path / "none", tmp_path) == 2**62
