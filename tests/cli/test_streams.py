"""Where standard output and standard error are full, closed or read by nobody, and where the current folder is gone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # processes

SCRIPT = "from stylepipe.cli import main; main()"
DONE = "hint: The command itself has finished; only its output is lost."


@pytest.fixture
def shell(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a line of shell in a process of its own, in which $SP is stylepipe."""

    def call(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([*(str(site) for site in home.parent.glob("site-*")), *sys.path])
        variables: Mapping[str, str] = {**os.environ, "PYTHONPATH": path, "PY": sys.executable, **environment}
        script = f'SP() {{ "$PY" -c \'{SCRIPT}\' "$@"; }}\n{line}'
        return subprocess.run(["bash", "-c", script], cwd=home, env=variables, capture_output=True, text=True, check=False)

    return call


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("SP run recipe.yaml -q >/dev/full", "there is no space left on the disk"),
        ("SP run recipe.yaml -q >&-", "it is closed"),
        ("SP runs --json >/dev/full", "there is no space left on the disk"),
        ("SP runs >&-", "it is closed"),
        ("SP stages >&-", "it is closed"),
        ("SP cache ls >&-", "it is closed"),
        ("SP show recipe.yaml >&-", "it is closed"),
        ("SP plan recipe.yaml >&-", "it is closed"),
    ],
)
def test_an_answer_that_nobody_takes(shell, line, reason):
    done = shell(line)
    assert done.stderr.splitlines()[-2:] == [f"error: The result cannot be written to standard output: {reason}.", DONE]
    assert done.returncode == 1


def test_a_reader_that_has_seen_enough_is_no_error(shell):
    done = shell("SP schema | true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_run_is_finished_all_the_same(shell, home):
    assert shell("SP run recipe.yaml -q >/dev/full").returncode == 1
    (record,) = home.glob("outputs/toy/*/record.json")
    assert json.loads(record.read_text())["status"] == "done"


@pytest.mark.parametrize("line", ["SP --help >/dev/full", "SP --version >/dev/full", "SP nonsense --json >/dev/full"])
def test_other_answers_that_nobody_takes_are_no_fault(shell, line):
    done = shell(line)
    assert done.returncode in (1, 2)
    assert "fault" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["SP run recipe.yaml 2>/dev/full", "SP run recipe.yaml 2>&-"])
def test_progress_that_nobody_can_be_told(shell, line):
    done = shell(line)
    assert (done.returncode, done.stdout.endswith("/bright_again.png\n")) == (0, True)


def test_progress_that_nobody_reads_any_more(shell, home):
    """As of `2>&1 | head -1`: the run comes to its end, and stdout gets its answer."""
    done = shell("{ SP run recipe.yaml 2>&3 >answer; } 3>&1 | true; exit ${PIPESTATUS[0]}")
    assert done.returncode == 0
    assert (home / "answer").read_text().endswith("/bright_again.png\n")


def test_nobody_can_be_asked_where_stdin_is_closed(shell):
    done = shell("SP run recipe.yaml -q; SP runs rm toy <&-; SP runs rm $(ls outputs/toy) <&-")
    assert "error: Nobody can be asked whether to remove runs." in done.stderr.splitlines()
    assert "fault" not in done.stderr


def test_a_current_folder_that_was_deleted(shell):
    done = shell("mkdir gone; cd gone; rmdir ../gone; SP run ../recipe.yaml -q")
    assert "error: The current folder has been deleted." in done.stderr.splitlines()
    assert done.returncode == 1


def test_what_needs_no_current_folder_runs_in_one_that_was_deleted(shell):
    done = shell("there=$PWD; mkdir gone; cd gone; rmdir ../gone; SP run $there/recipe.yaml -q --outputs $there/made")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"JAX_PLATFORMS": "cuda"}, "JAX_PLATFORMS"),
        ({"JAX_PLATFORM_NAME": "gpu"}, "JAX_PLATFORM_NAME"),
        ({"JAX_PLATFORMS": "nonsense"}, "JAX_PLATFORMS"),
    ],
)
def test_a_device_that_is_not_there(shell, home, variables, names):
    done = shell("SP run recipe.yaml -q", **variables)
    problem, hint = done.stderr.splitlines()[-2:]
    assert problem.startswith("error: JAX finds no device: ")
    assert hint == f"hint: Unset {names}, or install what that device needs."
    assert done.returncode == 2
    assert not (home / "outputs").exists()


def test_no_home_and_an_odd_locale(shell, home):
    odd = {"TMPDIR": str(home), "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell("unset HOME STYLEPIPE_CACHE XDG_CACHE_HOME; umask 077; SP run recipe.yaml -q", **odd)
    assert done.returncode == 0, done.stderr
