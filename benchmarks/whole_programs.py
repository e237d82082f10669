"""An iteration of `stylize` beside one of K. Crowson's style-transfer-pytorch, each with everything that it does.

    python benchmarks/whole_programs.py PROGRAM [--network NAME] [--size WIDTH HEIGHT] [--iterations N] [--turns N]
    python benchmarks/whole_programs.py PROGRAM --job [--network NAME]

PROGRAM is a folder with a checkout of https://github.com/crowsonkb/style-transfer-pytorch; what it asks for must be
there. Both minimize the W2 loss at five layers, content at relu4_2 and total variation by Adam, and average the iterates,
on networks of the same widths: `vgg19`, with random weights, or those of a network that is known by its name. `stylepipe, Gram`
is the stage with Gram matrices in place of the W2 loss. They take turns; a time is the median of all iterations after the
first two of a turn. `--job` is the whole of `recipes/wasserstein.yaml` at 768×432, 500 and 5 × 300 iterations over scales that
grow by √2, from the first to the last second, compilation included. What the machine multiplies is measured with it.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()  # both as `stylepipe run` has it, for both programs, before JAX starts its threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from extractor import LAYERS, in_turns  # noqa: E402
from networks import network  # noqa: E402
from optimization import NoCheckpoint  # noqa: E402

from stages.stylize import StylizeParams, stylize  # noqa: E402
from stylepipe.artifacts import Image, Weights  # noqa: E402

JOB = ((136, 500), (192, 300), (272, 300), (384, 300), (543, 300), (768, 300))

Schedule = Sequence[tuple[int, int]]
"""The long side at each scale, and its iterations."""

Program = Callable[[np.ndarray, np.ndarray, Schedule], list[float]]
"""From content, style and schedule, to when each iteration had ended."""


def pictures(width: int, height: int) -> np.ndarray:
    """A content and a style: smooth noise, so that nothing has to be at hand."""
    coarse = np.random.default_rng(0).random((2, height // 8, width // 8, 3), np.float32)
    return np.asarray(jax.image.resize(coarse, (2, height, width, 3), "cubic")).clip(0, 1)


def ours(weights: Weights, kind: str) -> Program:
    losses = [
        {"kind": "content", "weight": 0.015, "layers": {"relu4_2": 1}},
        {"kind": kind, "layers": dict.fromkeys(LAYERS, 0.2)},
        {"kind": "total_variation", "weight": 2},
    ]

    def program(content: np.ndarray, style: np.ndarray, schedule: Schedule) -> list[float]:
        ends: list[float] = []
        params = StylizeParams(
            size=tuple(side for side, _ in schedule),
            iterations=tuple(iterations for _, iterations in schedule),
            losses=losses,
            optimizer={"kind": "adam", "learning_rate": 0.02, "averaging": 0.99},
        )
        services = {"key": jax.random.key(0), "emit": lambda event: ends.append(time.time()), "checkpoint": NoCheckpoint()}
        stylize(Image(content), [Image(style)], weights, params, **services)
        return ends

    return program


def theirs(weights: Weights) -> Program:
    """Their program on a network of the same widths; its time does not depend on its weights."""
    import torch
    import torchvision
    from PIL import Image as Picture

    places: list[int | str] = []
    for name, tensor in weights.tensors.items():
        if name.startswith("conv") and name.endswith("/kernel"):
            places += ["M"] if name.startswith(("conv2_1", "conv3_1", "conv4_1", "conv5_1")) else []
            places.append(tensor.shape[-1])
    torchvision.models.vgg19 = lambda weights: SimpleNamespace(features=torchvision.models.vgg.make_layers(places))
    from style_transfer import StyleTransfer

    torch.manual_seed(0)

    def program(content: np.ndarray, style: np.ndarray, schedule: Schedule) -> list[float]:
        ends: list[float] = []
        both = [Picture.fromarray(np.uint8(np.rint(255 * each))) for each in (content, style)]
        (least, first), (most, others) = schedule[0], schedule[-1]
        options = {"min_scale": least, "end_scale": most, "initial_iterations": first, "iterations": others}
        with contextlib.redirect_stdout(io.StringIO()):
            StyleTransfer().stylize(both[0], both[1:], callback=lambda at: ends.append(at.time), **options)
        return ends

    return program


def matrix_rate() -> float:
    """GFLOP/s of JAX's product of two matrices of 2048×2048 floats."""
    matrix, product = jnp.ones((2048, 2048)), jax.jit(jnp.matmul)
    seconds = in_turns({"": lambda: jax.block_until_ready(product(matrix, matrix))})[""]
    return 2 * 2048**3 / statistics.median(seconds) / 1e9


def job(programs: dict[str, Program]) -> None:
    """Prints what the whole of the W2 recipe takes."""
    print("| program | seconds | iterations | GFLOP/s of the machine, before … after |\n|---|---|---|---|")
    for name, program in programs.items():
        before, start = matrix_rate(), time.time()
        ends = program(*pictures(768, 432), JOB)
        print(f"| {name} | {ends[-1] - start:.0f} | {len(ends)} | {before:.0f} … {matrix_rate():.0f} |", flush=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("--network", default="vgg19-slim", metavar="NAME")
    parser.add_argument("--size", type=int, nargs=2, default=(768, 432), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--job", action="store_true")
    given = parser.parse_args()
    sys.path.insert(0, given.program)
    weights, (width, height) = network(given.network), given.size
    programs = {
        "stylepipe, W2": ours(weights, "wasserstein"),
        "stylepipe, Gram": ours(weights, "gram"),
        "style-transfer-pytorch": theirs(weights),
    }
    if given.job:
        del programs["stylepipe, Gram"]
        job(programs)
        return
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(given.turns):
        for name, program in programs.items():
            seconds[name] += list(np.diff(program(*pictures(width, height), [(max(given.size), given.iterations)])))[1:]
    print(f"{given.network}, {width}×{height}\n")
    print("| program | ms per iteration (least … most) | MP·iterations/s |\n|---|---|---|")
    for name, each in seconds.items():
        median, least, most = (1e3 * figure for figure in (statistics.median(each), min(each), max(each)))
        print(f"| {name} | {median:.0f} ({least:.0f} … {most:.0f}) | {width * height / median / 1e3:.2f} |")


if __name__ == "__main__":
    main()
