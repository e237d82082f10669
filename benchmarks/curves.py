"""What a stylization costs on the CPU: its time and memory against megapixels, styles and iterations.

    python benchmarks/curves.py [--along megapixels styles iterations] [--sizes MEGAPIXELS ...] [--memory 8GB] [--quick]

The stage itself with its default losses and Adam, on `vgg19-slim` and smooth noise, so that nothing has to be at hand: one
style, ten iterations and 0.3 megapixels, where these are not what is varied. Each row is a process of its own, and `peak` the
most that it took: Python, JAX and the compiler are in it, and are nearly all of it where pictures are small. The first
iteration is not counted: it is in `before`, with all that precedes it, such as compiling and looking at the styles. `all` is
the sum of the others, of which the second takes longest as a rule: memory was handed back before it. The exponents in a
table's last row are the slopes of the columns' logarithms, by least squares. Needs Linux, which says what a process took.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()  # both as `stylepipe run` has it, before JAX starts its threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
import numpy as np  # noqa: E402
from optimization import NoCheckpoint  # noqa: E402

from stages.stylize import StylizeParams, stylize  # noqa: E402
from stylepipe.artifacts import Image  # noqa: E402
from stylepipe.engine.environment import environment  # noqa: E402
from stylepipe.image.resize import resize  # noqa: E402
from stylepipe.neural.optimizers.adam import Adam  # noqa: E402
from stylepipe.neural.weights.catalog import find, read_weights  # noqa: E402
from stylepipe.stage import Frame, Note, Progress  # noqa: E402

ALONG = ("megapixels", "styles", "iterations")
SIZES, QUICK_SIZES = (0.1, 0.3, 1.0, 3.0, 10.0, 32.0), (0.03, 0.1)


class Point(NamedTuple):
    """A stylization: a square of `side` pixels, and the iterations that are timed."""

    side: int
    styles: int
    iterations: int
    memory: str

    @property
    def megapixels(self) -> float:
        return self.side**2 / 1e6


class Cost(NamedTuple):
    """Seconds until the first iteration was done, and of each one after it; bytes; and what the stage had to say."""

    before: float
    seconds: list[float]
    peak: int
    notes: list[str]


def side(megapixels: float) -> int:
    """The side of a square of about so many pixels, a multiple of 16, as the network halves it four times."""
    return 16 * round((1e6 * megapixels) ** 0.5 / 16)


def tables(sizes: Sequence[float], memory: str, *, quick: bool) -> dict[str, list[Point]]:
    """What is varied, and the points along it."""
    base = Point(side(0.1 if quick else 0.3), styles=1, iterations=3 if quick else 10, memory=memory)
    return {
        "megapixels": [base._replace(side=side(size)) for size in sizes],
        "styles": [base._replace(styles=count) for count in ((1, 2) if quick else (1, 2, 4, 8))],
        "iterations": [base._replace(iterations=count) for count in ((3, 6) if quick else (5, 10, 20, 40))],
    }


def measured(point: Point) -> Cost:
    """The cost of a point, in a process that has done nothing else."""
    draw = np.random.default_rng(0)

    def picture() -> Image:
        coarse = draw.random((point.side // 8, point.side // 8, 3), np.float32)
        return Image(np.asarray(resize(coarse, (point.side, point.side), method="bicubic")).clip(0, 1))

    content, *styles = (picture() for _ in range(1 + point.styles))
    network = read_weights(find("vgg19-slim"))
    params = StylizeParams(size=point.side, iterations=1 + point.iterations, optimizer=Adam(), memory=point.memory)
    notes, stamps = [], [time.perf_counter()]

    def emit(event: Progress | Frame | Note) -> None:
        if isinstance(event, Note):
            notes.append(event.text)
        else:
            stamps.append(time.perf_counter())

    stylize(content, styles, network, params, key=jax.random.key(0), emit=emit, checkpoint=NoCheckpoint())
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    before, *seconds = np.diff(stamps).tolist()
    return Cost(before, seconds, 1024 * int(status["VmHWM"].split()[0]), notes)


def rows(along: str, points: list[Point]) -> Iterator[str]:
    """A table: a row for each point, and the exponents where there are several."""
    yield f"| {along} | pixels | s per iteration (least … most) | MP·iterations/s | all (s) | before (s) | peak (GB) | notes |"
    yield "|---|---|---|---|---|---|---|---|"
    found = []
    for point in points:
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            cost = fresh.submit(measured, point).result()
        median, total = statistics.median(cost.seconds), sum(cost.seconds)
        found.append((median, total, cost.peak))
        yield (
            f"| {getattr(point, along):.3g} | {point.side}×{point.side} "
            f"| {median:.3f} ({min(cost.seconds):.3f} … {max(cost.seconds):.3f}) | {point.megapixels / median:.2f} "
            f"| {total:.1f} | {cost.before:.1f} | {cost.peak / 1e9:.2f} | {' '.join(cost.notes)} |"
        )
    if len(points) > 1:
        varied = np.log([getattr(point, along) for point in points])
        median, total, peak = (statistics.linear_regression(varied, each).slope for each in np.log(found).T)
        yield f"| exponent | | {median:.2f} | | {total:.2f} | | {peak:.2f} | |"


def machine() -> str:
    """What the figures were taken on."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    found = environment()
    return (
        f"{names[0] if names else platform.machine()}, {found['threads']} of {os.cpu_count()} cores, "
        f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB, {platform.system()}; "
        f"Python {found['python']}, JAX {found['jax']}, stylepipe {found['stylepipe']}"
    )


def main() -> None:
    """Prints the machine and the tables, row by row."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--along", nargs="+", choices=ALONG, default=ALONG, help="which tables; by default all")
    parser.add_argument("--sizes", type=float, nargs="+", metavar="MEGAPIXELS", help=f"of the first table; by default {SIZES}")
    parser.add_argument("--memory", default="auto", help="what the stage may take; what needs more is computed in tiles")
    parser.add_argument("--quick", action="store_true", help="small pictures and few iterations, to see that all is well")
    given = parser.parse_args()
    chosen = tables(given.sizes or (QUICK_SIZES if given.quick else SIZES), given.memory, quick=given.quick)
    print(machine(), flush=True)
    for along in given.along:
        print(flush=True)
        for row in rows(along, chosen[along]):
            print(row, flush=True)


if __name__ == "__main__":
    main()
