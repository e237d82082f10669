"""stylepipe as its users run it: the command line in processes of their own, on a small job with the real stages."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from stylepipe.artifacts import Image, Mask
from stylepipe.image.files.io import write_image, write_mask

ROOT = Path(__file__).parents[2]
SCRIPT = "from stylepipe.cli import main; main()"
COMMAND = Path(sysconfig.get_path("scripts")) / "stylepipe"

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


@dataclass
class Desk:
    """A folder with the small job; its cache is `cache`, and runs go to `outputs`."""

    root: Path
    environment: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def command(self, *arguments: str, prelude: str = "") -> list[str]:
        return [sys.executable, "-c", f"{prelude}\n{SCRIPT}", *arguments]

    def start(self, *arguments: str, prelude: str = "") -> subprocess.Popen[str]:
        """Starts a command; whatever still runs at the end of the test is killed."""
        pipe = subprocess.PIPE
        command = self.command(*arguments, prelude=prelude)
        process = subprocess.Popen(command, cwd=self.root, env=self.environment, stdout=pipe, stderr=pipe, text=True)
        self.started.append(process)
        return process

    def call(self, *arguments: str, prelude: str = "", code: int = 0) -> "Answer":
        """Runs a command to its end, which is the exit code expected."""
        process = self.start(*arguments, prelude=prelude)
        out, err = process.communicate()
        assert process.returncode == code, err
        return Answer(out, err)

    def run(self, *options: str) -> "Run":
        return Run(self.root, self.call("run", "small.yaml", "--json", *options).data)

    def runs(self) -> list["Run"]:
        """All runs, the newest first."""
        return [Run(self.root, found) for found in self.call("runs", "--json").data]

    def damage(self) -> list[str]:
        """What `cache verify` finds."""
        return self.call("cache", "verify", "--json").data["damaged"]


@dataclass(frozen=True)
class Answer:
    """What a command printed."""

    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Run:
    """A run, as `run --json` and `runs --json` describe it."""

    root: Path
    data: Mapping[str, Any]

    @property
    def record(self) -> Mapping[str, Any]:
        return self.data["record"]

    @property
    def folder(self) -> Path:
        return self.root / self.data["folder"]

    @property
    def digest(self) -> str:
        return self.record["outputs"]["denoised"]["digest"]

    @property
    def computed(self) -> tuple[str, ...]:
        return tuple(name for name, stage in self.record["stages"].items() if not stage["cached"])

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small job: recipe, pictures, network."""
    folder = tmp_path_factory.mktemp("job")
    shutil.copy(Path(__file__).with_name("small.yaml"), folder)
    rows, columns = np.mgrid[:72, :96].astype(np.float32)
    waves = {"content": (9, 13, 40), "style": (3, 5, 7)}
    for name, (a, b, c) in waves.items():
        channels = [np.sin(columns / a), np.cos(rows / b), np.sin((rows + columns) / c)]
        write_image(Image(np.stack(channels, axis=-1) / 2 + np.float32(0.5)), folder / f"{name}.png")
    write_mask(Mask((columns > 30).astype(np.float32)), folder / "region.png")
    draw = np.random.default_rng(3)
    tensors = {"normalise/kernel": 2 * np.eye(3)[None, None], "normalise/bias": -np.ones(3)}
    for name, before, width in (("conv1_1", 3, 6), ("conv2_1", 6, 8)):
        tensors[f"{name}/kernel"] = draw.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
        tensors[f"{name}/bias"] = draw.random(width)
    (folder / "weights").mkdir()
    metadata = {"pooling": "max", "padding": "reflect"}
    network = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    save_file(network, folder / "weights" / "vgg19-slim.safetensors", metadata)
    return folder


@pytest.fixture(scope="session")
def make_desk(job: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Desk]]:
    """Makes desks with empty caches, which share what XLA has compiled."""
    desks: list[Desk] = []
    compiled = tmp_path_factory.mktemp("compiled")

    def make() -> Desk:
        root = tmp_path_factory.mktemp("desk")
        shutil.copytree(job, root, dirs_exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("STYLEPIPE_", "FORCE_COLOR"))},
            "STYLEPIPE_CACHE": str(root / "cache"),
            "STYLEPIPE_WEIGHTS": str(root / "weights"),
            "JAX_COMPILATION_CACHE_DIR": str(compiled),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        desks.append(Desk(root, environment))
        return desks[-1]

    yield make
    for process in (process for desk in desks for process in desk.started):
        with process:
            process.kill()


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """A desk of the test's own."""
    return make_desk()


@pytest.fixture(scope="session")
def undisturbed(make_desk: Callable[[], Desk]) -> Run:
    """The small job, run once from its beginning to its end."""
    return make_desk().run()


@pytest.fixture
def used_desk(undisturbed: Run, make_desk: Callable[[], Desk]) -> Desk:
    """A desk whose cache holds the small job."""
    desk = make_desk()
    shutil.copytree(undisturbed.root / "cache", desk.cache)
    return desk


@pytest.fixture(scope="session")
def make_small() -> Callable[[Path], None]:
    """Makes the work of a recipe in a file small enough for a test."""

    def make(recipe: Path) -> None:
        text = recipe.read_text()
        for pattern, small in SMALL.items():
            text = re.sub(pattern, small, text, flags=re.MULTILINE)
        recipe.write_text(text)

    return make


def _picture(path: Path) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    if "mask" in path.name:
        write_mask(Mask((columns > WIDTH / 3).astype(np.float32)), path)
    else:
        channels = [np.sin(columns / 9 + len(path.name)), np.cos(rows / 5), np.sin((rows + columns) / 14)]
        write_image(Image(np.stack(channels, axis=-1) / 2 + np.float32(0.5)), path)


@pytest.fixture
def clone(desk: Desk, make_small: Callable[[Path], None]) -> Path:
    """What a reader has who has installed stylepipe: the recipes, pictures, and the command itself."""
    assert COMMAND.is_file(), "stylepipe is not installed in this environment"
    folder = desk.root / "clone"
    shutil.copytree(ROOT / "recipes", folder / "recipes", ignore=shutil.ignore_patterns("painting"))
    for recipe in folder.glob("recipes/*.yaml"):
        make_small(recipe)
    assets = [path for path in folder.glob("recipes/assets/*") if path.suffix in (".jpg", ".png")]
    for path in [*assets, *(folder / name for name in ("photo.jpg", "painting.jpg", "mask.png"))]:
        _picture(path)
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/stylepipe").symlink_to(COMMAND)
    desk.environment["PATH"] = f"{COMMAND.parent}:{desk.environment['PATH']}"
    desk.environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # most of the time goes into compiling
    return folder
