"""One iteration of stylization beside a plain PyTorch loop that does the same work, and L-BFGS beside SciPy's.

    python benchmarks/optimization.py            # needs the weights vgg19-slim, and PyTorch for the comparison

Both sides compute content at relu4_2, Gram matrices at five layers and total variation on the same slim VGG-19 (reflection
padding, max pooling), step by L-BFGS with a memory of 10 and clamp the pixels. They take turns, so that both see the same
machine; a time is the median of all iterations after the first two of a turn.
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from stages.stylize import StylizeParams, stylize
from stylepipe.artifacts import Image, Weights
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective
from stylepipe.neural.style_transfer.optimize import minimize, start
from stylepipe.neural.weights.catalog import find, read_weights
from stylepipe.neural.xla.allocator import keep_freed_memory

SIDES = (256, 512, 1024)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
TURNS, ITERATIONS = 3, 10


class NoCheckpoint:
    """A run that is never stopped."""

    def load(self) -> None:
        return None

    def offer(self, state: object) -> None:
        pass


def pictures(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A content and a style of side × side pixels: smooth noise, so that nothing has to be at hand."""
    random = np.random.default_rng(side)
    coarse = random.random((2, side // 8, side // 8, 3)).astype(np.float32)
    content, style = (np.asarray(jax.image.resize(each, (side, side, 3), "cubic")).clip(0, 1) for each in coarse)
    return content, style


def ours(weights: Weights, content: np.ndarray, style: np.ndarray) -> list[float]:
    """Seconds of each iteration of the stage, everything that it does included."""
    stamps: list[float] = []

    params = StylizeParams(size=len(content), iterations=ITERATIONS)
    stylize(
        content=Image(content),
        styles=[Image(style)],
        extractor=weights,
        params=params,
        key=jax.random.key(0),
        emit=lambda event: stamps.append(time.perf_counter()),
        checkpoint=NoCheckpoint(),
    )
    return list(np.diff(stamps))[1:]


def plainly(weights: Weights, content: np.ndarray, style: np.ndarray) -> list[float]:
    """Seconds of each iteration of the same work written plainly in PyTorch, channels last."""
    import torch
    from pytorch import extractor, gram, picture

    features = extractor(weights)

    def relative(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return (found - wanted).square().mean() / wanted.square().mean()

    with torch.no_grad():
        wanted = features(picture(content))[CONTENT_LAYER]
        seen = features(picture(style))
        grams = {layer: gram(seen[layer]) for layer in STYLE_LAYERS}
    pixels = picture(content).requires_grad_()
    optimizer = torch.optim.LBFGS([pixels], lr=1, max_iter=1, history_size=10)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        found = features(pixels)
        loss = relative(found[CONTENT_LAYER], wanted)
        loss = loss + 6 * sum(relative(gram(found[layer]), grams[layer]) for layer in STYLE_LAYERS)
        across, down = pixels[..., :-1, 1:] - pixels[..., :-1, :-1], pixels[..., 1:, :-1] - pixels[..., :-1, :-1]
        loss = loss + 2 * (across.square() + down.square()).mean()
        loss.backward()
        return loss

    seconds = []
    for _ in range(ITERATIONS):
        began = time.perf_counter()
        optimizer.step(closure)
        with torch.no_grad():
            pixels.clamp_(0, 1)
        seconds.append(time.perf_counter() - began)
    return seconds[2:]


def against_scipy(weights: Weights, side: int = 128, evaluations: int = 200) -> tuple[float, float]:
    """The losses that our L-BFGS and SciPy's reach on one objective with as many evaluations, without bounds."""
    from scipy import optimize as scipy_optimize

    content, style = map(jnp.asarray, pictures(side))
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    objective = Objective.of([Content(), Gram(weight=6.0), TotalVariation(weight=2.0)], describe(weights))
    constants = objective.prepare(
        tensors, content=ExamplePicture(content), styles=[ExamplePicture(style)], weights=[1.0], regions=None
    )
    key = jax.random.key(0)
    losses: list[float] = []

    def scipys(flat: np.ndarray) -> tuple[float, np.ndarray]:
        (loss, _), gradient = objective.value_and_gradient(
            jnp.asarray(flat.reshape(content.shape), jnp.float32), constants, key
        )
        losses.append(float(loss))
        return float(loss), np.asarray(gradient, np.float64).ravel()

    options = {"maxfun": evaluations, "maxiter": evaluations, "maxcor": 10, "ftol": 0, "gtol": 0}
    scipy_optimize.minimize(scipys, np.asarray(content, np.float64).ravel(), jac=True, method="L-BFGS-B", options=options)
    begin = start(Lbfgs(), content, terms=len(objective.terms))
    *_, last = minimize(objective, constants, begin, optimizer=Lbfgs(), iterations=evaluations, key=key, clamp=False)
    return last.losses[-1].value, min(losses[:evaluations])


def rows(weights: Weights, sides: tuple[int, ...]) -> Iterator[str]:
    """The table, a row for each side and program."""
    try:
        import torch

        torch.set_num_threads(len(os.sched_getaffinity(0)))
        programs = {"stylepipe": ours, f"PyTorch {torch.__version__}": plainly}
    except ImportError:
        programs = {"stylepipe": ours}
    yield "| pixels | program | ms per iteration (least … most) | MP·iterations/s |"
    yield "|---|---|---|---|"
    for side in sides:
        content, style = pictures(side)
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(TURNS):
            for name, program in programs.items():
                seconds[name] += program(weights, content, style)
        for name, each in seconds.items():
            median = statistics.median(each)
            spread = f"{1e3 * median:.0f} ({1e3 * min(each):.0f} … {1e3 * max(each):.0f})"
            yield f"| {side}×{side} | {name} | {spread} | {side**2 / 1e6 / median:.2f} |"


def main() -> None:
    """Prints both comparisons."""
    keep_freed_memory()  # as `stylepipe run` does, for both programs
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    chosen = parser.parse_args()
    weights = read_weights(find("vgg19-slim"))
    for row in rows(weights, tuple(chosen.sides)):
        print(row, flush=True)
    reached, scipys = against_scipy(weights)
    print(
        f"\nL-BFGS, 200 evaluations at 128×128: loss {reached:.4f} here, {scipys:.4f} with SciPy ({reached / scipys - 1:+.1%})."
    )


if __name__ == "__main__":
    main()
