"""A step of each loss on the CPU: its value and its gradient, at 512×512 on the slim network, beside those of `gram`.

    python benchmarks/losses.py [--side SIDE] [KIND ...]

Each kind with its default parameters, content and style of the picture's size. `step` is from pixels to their gradient,
network and all; `alone` is the loss by itself, from features to theirs. Each is run in turns with `gram`, and is the median;
`× gram` is the median of the ratios of neighbors, so that whatever else the machine does falls on both. `MB` is what XLA sets
aside for the intermediate arrays of a step, and by how much that is more than for `gram`.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()  # both as `stylepipe run` has it, before JAX starts its threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from stylepipe.neural.encoders.vgg import features  # noqa: E402
from stylepipe.neural.encoders.vgg_layout import describe  # noqa: E402
from stylepipe.neural.losses.loss import Loss  # noqa: E402
from stylepipe.neural.losses.loss_inputs import LossInputs, PictureFeatures  # noqa: E402
from stylepipe.neural.losses.loss_kinds import loss_kinds  # noqa: E402
from stylepipe.neural.style_transfer.objective import Constants, ExamplePicture, Objective  # noqa: E402
from stylepipe.neural.weights.catalog import find, read_weights  # noqa: E402
from stylepipe.neural.xla.compile_options import program  # noqa: E402

TURNS = 9
KEY = jax.random.key(0)


class Step:
    """A compiled function of a picture or of its features: what it takes in bytes, and in seconds."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.arguments = arguments
        self.compiled = program()(function).compile(*arguments)
        self.bytes = self.compiled.memory_analysis().temp_size_in_bytes

    def seconds(self) -> float:
        began = time.perf_counter()
        jax.block_until_ready(self.compiled(*self.arguments))
        return time.perf_counter() - began


def steps(loss: Loss, weights: Any, pictures: np.ndarray) -> tuple[Step, Step]:
    """From pixels, and from features alone."""
    objective = Objective.of([loss], describe(weights))
    (loss,) = objective.losses
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    pixels, content, style = map(jnp.asarray, pictures)
    constants = objective.prepare(
        tensors, content=ExamplePicture(content), styles=[ExamplePicture(style)], weights=[1.0], regions=None
    )

    def whole(pixels: Any, constants: Constants) -> Any:
        return jax.value_and_grad(objective, has_aux=True)(pixels, constants, KEY)

    def alone(picture: PictureFeatures, constants: Constants) -> Any:
        def score(picture: PictureFeatures) -> Any:
            view = LossInputs(picture, constants.content, constants.content_region, constants.regions, KEY)
            return loss.distance(loss.statistic(view), constants.targets[0].target)

        return jax.value_and_grad(score)(picture)

    found = features(tensors, pixels, layers=objective.layers(), encoder=objective.encoder)
    return Step(whole, pixels, constants), Step(alone, PictureFeatures(pixels, found), constants)


def in_turns(one: Step, other: Step) -> tuple[float, float]:
    """The median seconds of one, and the median ratio of it to the other."""
    one.seconds(), other.seconds()
    both = [(one.seconds(), other.seconds()) for _ in range(TURNS)]
    return statistics.median(a for a, _ in both), statistics.median(a / b for a, b in both)


def rows(kinds: list[str], side: int) -> Iterator[str]:
    """The table, a row for each kind."""
    weights = read_weights(find("vgg19-slim"))
    draw = np.random.default_rng(0)
    coarse = draw.random((3, side // 8, side // 8, 3), np.float32)
    pictures = np.asarray(jax.image.resize(coarse, (3, side, side, 3), "cubic")).clip(0, 1)
    gram = steps(loss_kinds().models["gram"](), weights, pictures)
    yield "| loss | step (ms) | × gram | alone (ms) | × gram | MB | more than gram |"
    yield "|---|---|---|---|---|---|---|"
    for kind in kinds:
        whole, alone = steps(loss_kinds().models[kind](), weights, pictures)
        (ms, ratio), (ms_alone, ratio_alone) = in_turns(whole, gram[0]), in_turns(alone, gram[1])
        megabytes = (whole.bytes / 1e6, (whole.bytes - gram[0].bytes) / 1e6)
        yield (
            f"| `{kind}` | {1e3 * ms:.0f} | {ratio:.2f} | {1e3 * ms_alone:.1f} | {ratio_alone:.2f} "
            f"| {megabytes[0]:.0f} | {megabytes[1]:+.0f} |"
        )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--side", type=int, default=512)
    chosen = parser.parse_args()
    for row in rows(chosen.kinds or sorted(loss_kinds().models), chosen.side):
        print(row, flush=True)


if __name__ == "__main__":
    main()
