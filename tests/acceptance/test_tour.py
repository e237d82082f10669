"""The README's commands, one after the other in its own order, as a reader in a clone of the repository gives them."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NOT_RUN = {
    "python3 -m venv .venv": "the tests' own environment stands in for it",
    ".venv/bin/pip install .": "needs the network",
    ".venv/bin/pip install -e '.[test]'": "needs the network",
    ".venv/bin/python -m pytest -n 2": "runs this test",
}
RUN_IDS = {"3f9a1c": 0, "77b20e": 2}
"""By the ids in the README, which of the tour's runs of recipes/ancient_city.yaml they are."""


@dataclass(frozen=True)
class Step:
    """A command of the README, and the lines of its output that the README shows."""

    command: str
    shown: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        return 2 if any(line.startswith("error:") for line in self.shown) else 0


def _steps(page: str) -> Iterator[Step]:
    """Every command in a block of shell, in the page's order."""
    for kind, block in re.findall(r"^```(sh|console)\n(.*?)^```", page.replace("\\\n", " "), re.DOTALL | re.MULTILINE):
        if kind == "sh":
            yield from map(Step, re.split(r" && |\n", block.strip()))
        for prompt in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = prompt.splitlines()
            yield Step(command, tuple(shown))


STEPS = tuple(_steps((ROOT / "README.md").read_text()))


def _pattern(line: str) -> str:
    """A shown line as a pattern: figures and ids are the reader's own, … stands for anything."""
    run, number = r"\d{8}-\d{6}-[0-9a-f]{6}", r"\d+(?:\.\d+)?(?: [kMG]B)?"
    pattern = ""
    for part in re.split(rf"({run}|{number}|…|\s+)", line.strip()):
        for kind in (run, number, r"\s+"):
            if re.fullmatch(kind, part):
                pattern += kind
                break
        else:
            pattern += ".*" if part == "…" else re.escape(part)
    return pattern


@pytest.mark.slow
def test_the_readme_runs_in_its_own_order(desk, clone):
    unsaid: list[str] = []
    for step in (step for step in STEPS if step.command not in NOT_RUN):
        if step.code:  # the mistake that the README shows
            look = clone / "look.yaml"
            look.write_text(look.read_text().replace("size:", "sise:", 1))
        command = step.command
        runs = sorted(clone.glob("outputs/ancient-city/*"))
        for name in RUN_IDS.keys() & set(command.split()):
            command = command.replace(name, runs[RUN_IDS[name]].name[-6:])
        done = subprocess.run(
            ["bash", "-c", command], cwd=clone, env=desk.environment, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == step.code, f"{command}\n{output}"
        unsaid += [f"{command}: {line}" for line in step.shown if not re.search(_pattern(line), output)]
    assert unsaid == [], "the README shows other lines than the commands"


def test_only_commands_of_the_readme_are_left_out():
    assert NOT_RUN.keys() <= {step.command for step in STEPS}
