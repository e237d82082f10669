"""What a process may still take: control groups, limits on the address space, and what the system has free."""

import subprocess
import sys

import pytest

from stylepipe.hardware.memory_limits import _of_groups, available, resident

PROGRAM = """
import resource
import sys

from stylepipe.hardware.memory_limits import available

resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]),) * 2)
print(available())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says how large a process is")
@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_on_the_address_space_counts(limit):
    def free(size):
        command = [sys.executable, "-c", PROGRAM, limit, str(int(size))]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert 0.5e9 < free(1.5e9) < 1.2e9
    assert free(0.3e9) == 0


def test_a_process_takes_some_memory_and_can_take_more():
    assert 1e7 < available() <= available(swap=True) < 1e14
    assert sys.platform != "linux" or 1e7 < resident() < 1e11


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
