"""The README's commands, one after the other in its own order, as a reader in a clone of the repository gives them."""

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Image, Mask
from stylepipe.image.files.io import write_image, write_mask

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sysconfig.get_path("scripts")) / "stylepipe"

NOT_RUN = {
    "python3 -m venv .venv": "the tests' own environment stands in for it",
    ".venv/bin/pip install .": "needs the network",
    ".venv/bin/pip install -e '.[test]'": "needs the network",
    ".venv/bin/python -m pytest -n 2": "runs this test",
}
SMALL = {
    r"^(  (?:last_)?iterations:) (?:\d+|\[.*\])": r"\1 3",
    r"vgg19-shallow": "vgg19-slim",
    r"^(  scales:) \[512, 1024, 2048, 4096, 8192\]": r"\1 [512, 1024]",
    r"relu4_2": "relu2_1",
    r", relu[345]_1: 1": "",
    r"relu1_2: 128, .*relu3_4: 2": "relu2_1: 64",
    r"\{relu3_1: 1\}": "{relu2_1: 1}",
}
"""What is replaced in the recipes, which are too much work for a test: the network of these tests has two layers."""
HEIGHT, WIDTH = 24, 384
"""Of all pictures: so flat that a thousand pixels of the long side are few in all."""
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


def _picture(path: Path) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    if "mask" in path.name:
        write_mask(Mask((columns > WIDTH / 3).astype(np.float32)), path)
    else:
        channels = [np.sin(columns / 9 + len(path.name)), np.cos(rows / 5), np.sin((rows + columns) / 14)]
        write_image(Image(np.stack(channels, axis=-1) / 2 + np.float32(0.5)), path)


@pytest.fixture
def clone(desk) -> Path:
    """What a reader has who has installed stylepipe: the recipes, pictures, and the command itself."""
    folder = desk.root / "clone"
    shutil.copytree(ROOT / "recipes", folder / "recipes", ignore=shutil.ignore_patterns("painting"))
    for recipe in folder.glob("recipes/*.yaml"):
        text = recipe.read_text()
        for pattern, small in SMALL.items():
            text = re.sub(pattern, small, text, flags=re.MULTILINE)
        recipe.write_text(text)
    assets = [path for path in folder.glob("recipes/assets/*") if path.suffix in (".jpg", ".png")]
    for path in [*assets, *(folder / name for name in ("photo.jpg", "painting.jpg", "mask.png"))]:
        _picture(path)
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/stylepipe").symlink_to(SCRIPT)
    desk.environment["PATH"] = f"{SCRIPT.parent}:{desk.environment['PATH']}"
    desk.environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # most of the time goes into compiling
    return folder


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
    assert SCRIPT.is_file(), "stylepipe is not installed in this environment"
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
