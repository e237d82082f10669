"""What is left of each style loss when another one is minimized: rows are minimized, columns measured.

    python benchmarks/cross_losses.py --content PICTURE --style PICTURE [--side 512] [--iterations 150] [KIND ...]

A row's loss is minimized at relu1_1 … relu4_1, against the content at relu5_1 and by Adam; the columns are taken of the result
at relu1_2 … relu4_3, layers that none of the runs has seen, and divided by what they were of the content, where all runs start.
So below 1 a loss has lowered another; the diagonal, too, is measured where it was not driven.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()  # both as `stylepipe run` has it, before JAX starts its threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from optimization import NoCheckpoint  # noqa: E402

from stages.stylize import StylizeParams, stylize  # noqa: E402
from stylepipe.artifacts import Array, Image, Weights  # noqa: E402
from stylepipe.image.files.io import read_image  # noqa: E402
from stylepipe.image.resize import resize  # noqa: E402
from stylepipe.image.sizes import scaled  # noqa: E402
from stylepipe.neural.encoders.vgg_layout import describe  # noqa: E402
from stylepipe.neural.losses.loss_kinds import loss_kinds  # noqa: E402
from stylepipe.neural.style_transfer.objective import Constants, ExamplePicture, Objective  # noqa: E402
from stylepipe.neural.weights.catalog import find, read_weights  # noqa: E402
from stylepipe.neural.xla.compile_options import program  # noqa: E402

KINDS = ("gram", "cooccurrence", "moments", "wasserstein", "histogram", "sliced_wasserstein")
DRIVEN = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0}
MEASURED = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0}
STYLE_WEIGHT = 20.0
KEY = jax.random.key(0)


def minimized(kind: str, content: Image, style: Image, network: Weights, iterations: int) -> Array:
    """The content in the manner of the style, by one loss."""
    losses = [
        {"kind": "content", "layers": {"relu5_1": 1.0}},
        {"kind": kind, "layers": DRIVEN, "weight": STYLE_WEIGHT},
        {"kind": "total_variation"},
    ]
    params = StylizeParams(size=max(content.size), iterations=iterations, losses=losses, optimizer={"kind": "adam"})
    services = {"key": KEY, "emit": lambda event: None, "checkpoint": NoCheckpoint()}
    return stylize(content, [style], network, params, **services).pixels


def table(kinds: Sequence[str], content: Image, style: Image, iterations: int) -> Iterator[str]:
    """The table's rows."""
    network = read_weights(find("vgg19-slim"))
    tensors = {name: jnp.asarray(tensor) for name, tensor in network.tensors.items()}
    judge = Objective.of([loss_kinds().models[kind](layers=MEASURED) for kind in kinds], describe(network))
    constants = judge.prepare(
        tensors, content=None, styles=[ExamplePicture(jnp.asarray(style.pixels))], weights=[1.0], regions=None
    )

    @program()
    def distances(pixels: Array, constants: Constants) -> Array:
        return judge(pixels, constants, KEY)[1]

    before = np.asarray(distances(content.pixels, constants))
    yield f"| minimized | {' | '.join(kinds)} |"
    yield f"|---|{'---|' * len(kinds)}"
    for kind in kinds:
        result = minimized(kind, content, style, network, iterations)
        left = np.asarray(distances(result, constants)) / before
        yield f"| `{kind}` | {' | '.join(f'{share:.3f}' for share in left)} |"


def read(path: Path, side: int) -> Image:
    """A picture whose long side is so many pixels."""
    pixels = read_image(path).pixels
    return Image(np.asarray(resize(pixels, scaled(pixels.shape[:2], side / max(pixels.shape[:2])))).clip(0, 1))


def main() -> None:
    """Prints the table, row by row."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=150)
    given = parser.parse_args()
    pictures = read(given.content, given.side), read(given.style, given.side)
    for row in table(given.kinds or KINDS, *pictures, given.iterations):
        print(row, flush=True)


if __name__ == "__main__":
    main()
