"""A small laboratory: tiny stages whose calls are counted, recipes made of them, a store and an output folder."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jax
import numpy as np
import pytest

from stylepipe import artifacts
from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.engine.cache.store import Store
from stylepipe.engine.events import Event
from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.job import Job, prepare
from stylepipe.engine.plan import Plan, plan
from stylepipe.engine.runner import RunResult, run
from stylepipe.errors import Place, WeightsError
from stylepipe.image.files.io import write_image, write_mask
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe, StageNode
from stylepipe.stage import Checkpoint, Emit, Frame, Note, Params, Progress, Stage, stage


class Amount(Params):
    amount: float = 0.0


class Steps(Params):
    steps: int = 5
    fail_at: int | None = None


@dataclass
class Lab:
    """Where recipes are run; `calls` names the stages that really ran, `events` is what the runs told."""

    root: Path
    calls: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.root / "cache")
        self.outputs = self.root / "outputs"
        self.folder = self.root / "recipes"
        self.folder.mkdir(parents=True)
        self.weights = WeightsSource(self._find_weights, read_weights)
        self.stages = {made.name: made for made in self._stages()}

    def image(self, name: str, seed: int, size: tuple[int, int] = (6, 8)) -> InputFile:
        """An input of random pixels, written beside the recipe."""
        pixels = np.random.default_rng(seed).random((*size, 3), np.float32)
        write_image(Image(pixels), self.folder / f"{name}.png")
        return self.input(name, "image", f"{name}.png")

    def mask(self, name: str) -> InputFile:
        write_mask(Mask(np.eye(6, 8, dtype=np.float32)), self.folder / f"{name}.png")
        return self.input(name, "mask", f"{name}.png")

    def input(self, name: str, kind: str, reference: str) -> InputFile:
        return InputFile(name, kind, reference, self.folder, Place("recipe.yaml", 3, 5))

    def node(self, name: str, stage_name: str, inputs: Mapping[str, str | tuple[str, ...]], **params: object) -> StageNode:
        made = self.stages[stage_name]
        return StageNode(name, made, made.params(**params), inputs, Place("recipe.yaml", 9, 3))

    def recipe(
        self, inputs: Sequence[InputFile], nodes: Sequence[StageNode], *, seed: int = 0, **outputs: str
    ) -> ResolvedRecipe:
        return ResolvedRecipe(
            name="trial",
            description="",
            seed=seed,
            params={},
            inputs={file.name: file for file in inputs},
            stages={node.name: node for node in nodes},
            outputs=outputs or {"result": nodes[-1].name},
            warnings=(),
            text="stylepipe: 1\nname: trial\n",
            document={
                "stylepipe": 1,
                "name": "trial",
                "inputs": {file.name: {file.kind: file.reference} for file in inputs},
                "stages": {node.name: {"use": node.stage.name, **node.params.model_dump()} for node in nodes},
            },
        )

    def chain(self, *, first: float = 0.1, second: float = 0.2, seed: int = 0) -> ResolvedRecipe:
        """content → brighter → rounded → darker: the last two run again only when the rounding gives something else."""
        return self.recipe(
            [self.image("content", 1)],
            [
                self.node("brighter", "add", {"image": "content"}, amount=first),
                self.node("rounded", "posterize", {"image": "brighter"}),
                self.node("darker", "add", {"image": "rounded"}, amount=-second),
            ],
            seed=seed,
        )

    def job(self, recipe: ResolvedRecipe, **options: object) -> Job:
        return prepare(recipe, weights=self.weights, **options)

    def run(self, recipe: ResolvedRecipe, **options: object) -> RunResult:
        self.calls.clear()
        self.events.clear()
        return run(self.job(recipe, **options), store=self.store, outputs=self.outputs, observe=self.events.append)

    def plan(self, recipe: ResolvedRecipe, **options: object) -> Plan:
        return plan(self.job(recipe, **options), self.store)

    def _find_weights(self, name: str) -> Path:
        path = self.folder / f"{name}.weights"
        if not path.exists():
            raise WeightsError(f"There are no weights '{name}'.", hint="Pull them.")
        return path

    def _stages(self) -> list[Stage]:
        calls = self.calls

        @stage(version=1)
        def add(image: Image, params: Amount) -> Image:
            """Adds an amount."""
            calls.append("add")
            return Image(np.clip(image.pixels + np.float32(params.amount), 0, 1))

        @stage(version=1)
        def posterize(image: Image, params: Params) -> Image:
            """Two levels."""
            calls.append("posterize")
            return Image(np.rint(image.pixels))

        @stage(version=1)
        def mix(first: Image, second: Image, params: Amount, region: Mask | None = None) -> Image:
            """Twice the first, once the second."""
            calls.append("mix")
            return Image((2 * first.pixels + second.pixels) / 3)

        @stage(version=1)
        def join(images: Sequence[Image], params: Params, extractor: Weights | None = None) -> Image:
            """Side by side."""
            calls.append("join")
            return Image(np.concatenate([image.pixels for image in images], axis=1))

        @stage(version=1)
        def noise(image: Image, params: Amount, *, key: jax.Array) -> Image:
            """Random pixels of the image's size."""
            calls.append("noise")
            return Image(jax.random.uniform(key, image.pixels.shape))

        @stage(version=1)
        def train(image: Image, params: Amount) -> Weights:
            """The image's mean color."""
            calls.append("train")
            return Weights({"mean": image.pixels.mean(axis=(0, 1)) + np.float32(params.amount)}, {"of": "colors"})

        @stage(version=1)
        def descend(image: Image, params: Steps, *, emit: Emit, checkpoint: Checkpoint) -> Image:
            """Halves all pixels again and again, with a frame for each time."""
            calls.append("descend")
            state = checkpoint.load()
            done, pixels = (int(state["done"]), state["pixels"]) if state else (0, np.array(image.pixels))
            while done < params.steps:
                calls.append(f"step {done}")
                if done == params.fail_at:
                    raise RuntimeError(f"no luck in {Path.cwd() / 'secret' / 'x.bin'}")
                pixels, done = pixels / 2, done + 1
                emit(Progress(done, params.steps, loss=float(pixels.mean()), terms={"content": float(pixels.max())}))
                emit(Frame(pixels))
                checkpoint.offer(lambda done=done, pixels=pixels: {"done": np.asarray(done), "pixels": pixels})
            emit(Note("All steps are done."))
            return Image(pixels)

        return [add, posterize, mix, join, noise, train, descend]


def read_weights(path: Path) -> Weights:
    artifact = artifacts.load(path)
    assert isinstance(artifact, Weights)
    return artifact


@pytest.fixture
def worker():
    """Starts worker.py with these arguments in a process of its own; whatever still runs at the end is killed."""
    started: list[subprocess.Popen] = []

    def start(*arguments: object) -> subprocess.Popen:
        command = [sys.executable, Path(__file__).with_name("worker.py"), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def place(tmp_path):
    """Makes a folder with the picture that the worker's recipe begins with."""

    def make(name: str) -> Path:
        (tmp_path / name).mkdir()
        write_image(Image(np.full((24, 32, 3), 0.5, np.float32)), tmp_path / name / "content.png")
        return tmp_path / name

    return make


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


@pytest.fixture(autouse=True)
def no_lasting_compilation_cache():
    """Runs let JAX keep compiled programs in their store; other tests are not to."""
    yield
    jax.config.update("jax_compilation_cache_dir", None)
