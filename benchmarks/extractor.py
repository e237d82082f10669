"""A step of style transfer on the CPU: the Gram loss of a network at five layers, its value and its gradient.

    python benchmarks/extractor.py [--network NAME] [--size WIDTH HEIGHT]

Prints milliseconds per step (least, median and most of interleaved repeats) and megapixel-iterations per second, beside the
plain form in JAX and, where PyTorch is installed, the same loop there, in both of its layouts; then what each convolution
reaches in GFLOP/s. networks.py says which networks there are.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from unittest.mock import patch

import numpy as np

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()  # before JAX starts its threads

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from networks import network  # noqa: E402

from stylepipe.artifacts import Weights  # noqa: E402
from stylepipe.neural.encoders.vgg import features  # noqa: E402
from stylepipe.neural.encoders.vgg_layout import Vgg, describe  # noqa: E402
from stylepipe.neural.losses.functions.sums import sum_squares  # noqa: E402
from stylepipe.neural.xla.compile_options import program  # noqa: E402
from stylepipe.neural.xla.convolution import convolve, plain  # noqa: E402

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
REPEATS = 15


def in_turns(steps: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each step, repeated in turns, so that whatever else the machine does falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(REPEATS):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def plain_gram(f):
    f = f.reshape(-1, f.shape[-1])
    return f.T @ f / len(f)


def our_gram(f):
    return sum_squares(f.reshape(-1, f.shape[-1]), [None]).mean[0]


def jax_step(tensors, image, vgg: Vgg, *, convolution, gram, compiled) -> Callable[[], object]:
    def loss(image, tensors, targets):
        with patch("stylepipe.neural.encoders.vgg.convolve", convolution):
            found = features(tensors, image, layers=LAYERS, encoder=vgg)
        return sum(jnp.mean((gram(found[name]) - targets[name]) ** 2) for name in LAYERS)

    targets = {name: gram(f) for name, f in features(tensors, image[::2, ::2], layers=LAYERS, encoder=vgg).items()}
    step = compiled(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(step(image, tensors, targets))


def torch_step(weights: Weights, image, layout: str) -> Callable[[], object]:
    import pytorch
    import torch

    see, x = pytorch.extractor(weights, layout), pytorch.picture(image)

    def grams(x):
        found = see(x)
        return [pytorch.gram(found[name]) for name in LAYERS]

    with torch.no_grad():
        targets = grams(x[:, :, ::2, ::2])

    def step():
        y = x.to(memory_format=getattr(torch, layout), copy=True).requires_grad_()
        sum(((g - t) ** 2).mean() for g, t in zip(grams(y), targets, strict=True)).backward()
        return y.grad

    return step


def convolutions(tensors, size: tuple[int, int], vgg: Vgg) -> None:
    print("\nGFLOP/s          here: value  gradient     plain: value  gradient")
    for name in vgg.layers:
        kernel = tensors[name.replace("relu", "conv") + "/kernel"]
        height, width = vgg.size_at(name, size)
        x, slope = jnp.ones((height, width, kernel.shape[2])), jnp.ones((height, width, kernel.shape[3]))
        steps = {}
        for form, compiled in ((convolve, program()), (plain, jax.jit)):
            value = compiled(lambda x, k, form=form: form(x, k, vgg.padding))
            gradient = compiled(lambda x, k, s, form=form: jax.vjp(lambda x: form(x, k, vgg.padding), x)[1](s))
            steps[form, 0] = lambda value=value: jax.block_until_ready(value(x, kernel))  # noqa: B023
            steps[form, 1] = lambda gradient=gradient: jax.block_until_ready(gradient(x, kernel, slope))  # noqa: B023
        flops = 2 * height * width * kernel.size
        figures = [flops / min(seconds) / 1e9 for seconds in in_turns(steps).values()]
        print(
            f"{name}  {kernel.shape[2]:4} → {kernel.shape[3]:<4}" + "{:9.0f} {:9.0f}         {:9.0f} {:9.0f}".format(*figures)
        )


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--network", default="vgg19-slim", metavar="NAME")
    parser.add_argument("--size", type=int, nargs=2, default=(768, 432), metavar=("WIDTH", "HEIGHT"))
    given = parser.parse_args()
    width, height = given.size
    weights = network(given.network)
    vgg = describe(weights)
    tensors = {name: jnp.asarray(tensor, jnp.float32) for name, tensor in weights.tensors.items()}
    image = jnp.asarray(np.random.default_rng(0).random((height, width, 3)), jnp.float32)
    steps = {
        "here": jax_step(tensors, image, vgg, convolution=convolve, gram=our_gram, compiled=program()),
        "plain JAX": jax_step(tensors, image, vgg, convolution=plain, gram=plain_gram, compiled=jax.jit),
    }
    try:
        for layout in ("channels_last", "contiguous_format"):
            steps[f"PyTorch, {layout}"] = torch_step(weights, image, layout)
    except ImportError:
        print("PyTorch is not installed, and is left out.")
    print(f"{given.network}, {width}×{height}, {vgg.padding} padding, {vgg.pooling} pooling\n")
    print("| program | least (ms) | median | most | MP·iterations/s |\n|---|---|---|---|---|")
    for name, seconds in in_turns(steps).items():
        ms = (1e3 * figure for figure in (min(seconds), median(seconds), max(seconds)))
        print(
            "| {} | {:.0f} | {:.0f} | {:.0f} | {:.2f} |".format(name, *ms, height * width / median(seconds) / 1e6), flush=True
        )
    convolutions(tensors, (height, width), vgg)


if __name__ == "__main__":
    main()
