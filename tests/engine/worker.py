"""What tests let other processes do: hold a key, run a small recipe, die in the middle of it.

`python worker.py COMMAND FOLDER …`; a script, because test modules cannot be imported elsewhere.
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.engine.cache.keys import key_of
from stylepipe.engine.cache.store import Action, Store
from stylepipe.engine.events import Event, Observer, StageEmitted
from stylepipe.engine.execution import checkpoints
from stylepipe.engine.execution.spool import Frames
from stylepipe.engine.garbage_collection import collect, entries, verify
from stylepipe.engine.inputs import WeightsSource
from stylepipe.engine.job import prepare
from stylepipe.engine.plan import plan
from stylepipe.engine.runner import run
from stylepipe.engine.runs.records import list_runs
from stylepipe.engine.sweeps.merge import prepare_sweep
from stylepipe.engine.sweeps.run_sweep import run_sweep
from stylepipe.errors import Place, StoreError
from stylepipe.recipe.load_variants import ResolvedSweep, Variant
from stylepipe.recipe.resolved import InputFile, ResolvedRecipe, StageNode
from stylepipe.stage import Checkpoint, Emit, Frame, Params, Progress, stage

PLACE = Place("r.yaml", 1, 1)
CALLS: list[str] = []


class Steps(Params):
    steps: int = 30
    seed: int = 0


@stage(version=1)
def wander(image: Image, params: Steps, *, emit: Emit, checkpoint: Checkpoint) -> Image:
    """A random walk of the pixels, whose state is the generator's and the pixels."""
    CALLS.append(f"wander {params.seed}")
    saved = checkpoint.load()
    done, pixels = (int(saved["done"]), saved["pixels"]) if saved else (0, np.array(image.pixels))
    while done < params.steps:
        step = np.random.default_rng([params.seed, done]).normal(0, 0.1, pixels.shape).astype(np.float32)
        pixels, done = np.clip(pixels + step, 0, 1), done + 1
        emit(Progress(done, params.steps, loss=float(pixels.mean())))
        if done % 5 == 0:
            emit(Frame(pixels))
        time.sleep(0.002)
        checkpoint.offer(lambda done=done, pixels=pixels: {"done": np.asarray(done), "pixels": pixels})
    return Image(pixels)


@stage(version=1)
def average(images: Sequence[Image], params: Params) -> Image:
    """The mean of the images."""
    CALLS.append("average")
    return Image(np.mean([image.pixels for image in images], axis=0, dtype=np.float32))


def recipe(folder: Path) -> ResolvedRecipe:
    """content.png in this folder → five walks → their mean."""
    walks = [StageNode(f"walk@{n}", wander, Steps(seed=n), {"image": "content"}, PLACE) for n in range(5)]
    mean = StageNode("mean", average, Params(), {"images": tuple(walk.name for walk in walks)}, PLACE)
    return ResolvedRecipe(
        name="walks",
        description="",
        seed=0,
        params={},
        inputs={"content": InputFile("content", "image", "content.png", folder, PLACE)},
        stages={node.name: node for node in [*walks, mean]},
        outputs={"mean": "mean"},
        warnings=(),
        text="",
        document={},
    )


def read_no_weights(path: Path) -> Weights:
    raise NotImplementedError


def run_once(root: Path, observe: Observer = lambda event: None) -> None:
    """Prints the digest of the result, and the stages that ran here."""
    job = prepare(recipe(root), weights=WeightsSource(Path, read_no_weights))
    result = run(job, store=Store(root / "cache"), outputs=root / "outputs", observe=observe)
    print(
        json.dumps(
            {
                "digest": result.record.outputs["mean"].digest,
                "calls": CALLS,
                "folder": str(result.folder),
                "jax": "jax" in sys.modules,
            }
        )
    )


def look(root: Path) -> None:
    """Plans the run, lists the runs, verifies the store; prints whether all of it went without JAX."""
    job = prepare(recipe(root), weights=WeightsSource(Path, read_no_weights))
    planned, runs = plan(job, Store(root / "cache")), list_runs(root / "outputs")
    verify(Store(root / "cache"))
    print(planned["mean"].state, len(runs), "jax" not in sys.modules)


def crash(root: Path, times: str, what: str = "run") -> None:
    """Begins the run, or the sweep, again and again, each time in a process that dies of a signal within ten steps.

    The signal comes a random time after the first, second, … sixth step, at the latest with the fourth step from there; every
    seventh time it comes a random time after the beginning, at the latest with the fourth step. The time is the process's own,
    in which a busy machine gets no further than an idle one, and the signal leaves no time to clean up, as SIGKILL does.
    """
    look(root)  # digests the sources, so that the children need not, and are killed while they compute
    import jax  # noqa: F401 (nor need they import it each)

    chance = random.Random(0)
    for number in range(int(times)):
        delay = chance.uniform(1e-5, 0.02)
        child = os.fork()
        if child == 0:
            {"run": run_once, "sweep": sweep_once}[what](root, dying(number % 7, delay))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "finished", flush=True)


def dying(after: int, delay: float) -> Observer:
    """Lets this process die so many seconds of its own after so many steps, or four steps after them."""
    steps = 0

    def die_soon() -> None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, delay)

    def observe(event: Event) -> None:
        nonlocal steps
        if isinstance(event, StageEmitted) and isinstance(event.event, Progress):
            steps += 1
            if steps == after:
                die_soon()
            elif steps == after + 4:
                os.kill(os.getpid(), signal.SIGKILL)

    if after == 0:
        die_soon()
    return observe


def sweep_once(root: Path, observe: Observer = lambda event: None) -> None:
    """Runs the recipe for three lengths of its last walk; prints all of the results but the seconds, and what ran here."""
    base = recipe(root)
    variants = []
    for steps in (30, 40, 50):
        last = replace(base.stages["walk@4"], params=Steps(seed=4, steps=steps))
        made = replace(base, stages={**base.stages, "walk@4": last}, params={"steps": steps})
        variants.append(Variant(f"steps={steps}", {"steps": steps}, made))
    swept = ResolvedSweep(base, {"steps": [30, 40, 50]}, tuple(variants), {})
    job = prepare_sweep(swept, weights=WeightsSource(Path, read_no_weights))
    result = run_sweep(job, store=Store(root / "cache"), outputs=root / "outputs", observe=observe)
    rows = [variant.model_dump(mode="json", exclude={"seconds"}) for variant in result.results.variants]
    sheet = hashlib.sha256((result.folder / result.results.sheets[0]).read_bytes()).hexdigest()
    print(json.dumps({"rows": rows, "sheet": sheet, "calls": CALLS}))


def hold(root: Path, key: str) -> None:
    """Holds a key until it is killed."""
    with Store(root).session() as session, session.exclusive(key, waiting=lambda seconds: None):
        print("held", flush=True)
        sys.stdin.read()


def limited(root: Path) -> None:
    """Stores more than a file may hold."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    with Store(root).session() as session:
        try:
            session.put(Mask(np.zeros((300, 300), np.float32)))
        except StoreError as error:
            print(error.message)


def die(root: Path) -> None:
    """Dies while it writes an attachment."""

    def write_half(path: Path) -> None:
        path.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

    with Store(root).session() as session:
        session.attach(write_half, ".png")


def open_and_close(root: Path, times: str) -> None:
    """Opens and ends sessions, one after the other, from when it is told to."""
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(times)):
        with Store(root).session():
            pass


def bustle(root: Path, kind: str, number: str, seconds: str) -> None:
    """Does one kind of thing in a store for some seconds, while others do theirs; prints what went wrong."""
    chance, store, wrong, end = random.Random(int(number)), Store(root), set(), time.monotonic() + float(seconds)
    while time.monotonic() < end:
        try:
            match kind:
                case "run":
                    wrong |= compute_and_use(store, chance)
                case "gc":
                    age, size = chance.choice([None, timedelta(0)]), chance.choice([None, 0, 2000])
                    collect(store, max_age=age, max_size=size)
                case "ls":
                    entries(store)
                case "verify":
                    wrong |= set(verify(store).damaged)
                case "latest":
                    store.latest("trial", f"n{chance.randrange(5)}")
        except Exception as error:
            wrong.add(repr(error))
    print(*(wrong or ["nothing"]), sep="; ")


def compute_and_use(store: Store, chance: random.Random) -> set[str]:
    wrong: set[str] = set()
    with store.session() as session:
        for _ in range(5):
            document = {"value": chance.random()}
            key = key_of(document)
            with session.exclusive(key, waiting=lambda seconds: None) as work:
                Frames(work)
                output = session.put(Image(np.full((4, 4, 3), chance.random(), np.float32)))
                session.commit(Action(key=key, document=document, output=output, recipe="trial", node="n"))
                shutil.rmtree(work)
            session.remember("trial", f"n{chance.randrange(5)}", key)
            if session.use(key) is None:
                wrong.add("a result that was used is gone")
            store.load(output)
    return wrong


if __name__ == "__main__":
    checkpoints.SAVE_SECONDS, checkpoints.SAVE_SHARE = 0.0, 1.0
    command, folder, *others = sys.argv[1:]
    commands = {
        "run": run_once,
        "sweep": sweep_once,
        "crash": crash,
        "hold": hold,
        "limited": limited,
        "die": die,
        "look": look,
        "open_and_close": open_and_close,
        "bustle": bustle,
    }
    commands[command](Path(folder), *others)
