"""The command line as a whole: help, faults, errors for programs, completion, a reader who goes away, the time it takes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stylepipe.api.commands import starting

COMMANDS = [
    "init",
    "recipes",
    "validate",
    "graph",
    "schema",
    "stages",
    "losses",
    "run",
    "sweep",
    "plan",
    "explain",
    "show",
    "export",
    "import",
    "verify",
    "diff",
    "doctor",
    "runs",
    "weights",
    "cache",
]
SCRIPT = "from stylepipe.cli import main; main()"


def stylepipe(*arguments: str, **options) -> subprocess.Popen:
    """The command line in a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=pipe, stderr=pipe, text=True, **options)


def test_help_lists_commands_and_exit_codes(cli):
    said = cli("--help")
    assert said.code == 0
    listed = said.out.partition("Commands:\n")[2]
    assert [line.split()[0] for line in listed.partition("\n\n")[0].splitlines()] == COMMANDS
    assert "..." not in listed
    assert "130 interrupted" in said.out
    assert cli("-h") == said


@pytest.mark.parametrize("command", [*COMMANDS, "weights pull", "weights convert", "cache ls", "cache gc", "cache verify"])
def test_every_command_has_help(cli, command):
    said = cli(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: stylepipe {command} ")


def test_ctrl_c_during_the_start_ends_without_a_traceback(tmp_path):
    (tmp_path / "typer.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(10)\n")
    command = [sys.executable, "-m", "stylepipe", "--help"]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")


@pytest.fixture
def fault(monkeypatch):
    """Makes `init` stumble over a fault of our own."""

    def stumble(path: Path) -> str:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(starting, "_name", stumble)


@pytest.mark.usefixtures("fault")
def test_a_fault_of_ours_is_said_to_be_one(cli, monkeypatch):
    said = cli("init", "look.yaml")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "error: stylepipe has a fault: KeyError: 'nobody thought of this'\n"
        "hint: Set STYLEPIPE_TRACEBACK=1 and run again to see where; please report it.\n"
    )
    monkeypatch.setenv("STYLEPIPE_TRACEBACK", "1")
    with pytest.raises(KeyError):
        cli("init", "other.yaml")


def test_programs_get_errors_as_json(cli):
    for arguments in (
        ["plan", "recipe.yaml", "-p", "x"],
        ["show", "toy"],
        ["stages", "walks"],
        ["run", "recipe.yaml", "-p", "x"],
    ):
        said = cli(*arguments, "--json")
        error = said.data["error"]
        assert (said.code, error["exit_code"], error["problems"]) == (2, 2, [])
        assert said.err == f"error: {error['message']}\nhint: {error['hint']}\n"


def test_completion():
    environment = {**os.environ, "_STYLEPIPE_COMPLETE": "complete_bash", "COMP_WORDS": "stylepipe ru", "COMP_CWORD": "1"}
    with stylepipe(env=environment) as process:
        assert process.communicate()[0].split() == ["run", "runs"]


@pytest.mark.slow
def test_a_reader_who_goes_away_is_no_error():
    with stylepipe("schema") as process:
        process.stdout.close()
        assert process.stderr.read() == ""


def test_ctrl_c_before_a_run_ends_in_130(cli, monkeypatch):
    def interrupt(path: Path) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(starting, "_name", interrupt)
    assert cli("init", "look.yaml").code == 130


@pytest.mark.parametrize(
    "arguments",
    ["--help", "--version", "run --help", "runs", "cache ls", "weights list", "init look.yaml", "weights verify no.h5"],
)
def test_commands_that_need_no_arrays_do_without_jax(home, arguments):
    script = f"import sys\ntry:\n    {SCRIPT}\nfinally:\n    print('jax' in sys.modules)"
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.communicate()[0].splitlines()[-1] == "False"
