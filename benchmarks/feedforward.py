"""A picture in one pass of a style network on the CPU, beside the same network in PyTorch.

    python benchmarks/feedforward.py [NETWORK [WIDTH HEIGHT]]

Prints seconds per picture (least and median of repeats in turns) and how far the results are apart. `stylepipe` is what the
stage `feedforward` computes, a picture of more than two million pixels in tiles; PyTorch takes it whole, in the faster of its
two layouts of memory.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from stylepipe.neural.xla.allocator import keep_freed_memory

keep_freed_memory()  # before JAX starts its threads

from stylepipe.artifacts import Weights  # noqa: E402
from stylepipe.neural.networks.feedforward import stylized  # noqa: E402
from stylepipe.neural.networks.transformation_layout import describe  # noqa: E402
from stylepipe.neural.weights.catalog import find, list_weights, read_weights  # noqa: E402

REPEATS = 5


def torch_pass(weights: Weights, picture: np.ndarray, layout: str) -> Callable[[], np.ndarray]:
    """The pass of the network's first style."""
    import torch
    from torch.nn import functional as F

    network = describe(weights)
    memory = getattr(torch, layout)
    kernels, scales, shifts = {}, {}, {}
    for name in network.layers:
        kernel = np.asarray(weights.tensors[f"{name}/kernel"], np.float32)
        kernels[name] = torch.tensor(kernel.transpose(3, 2, 0, 1).copy()).to(memory_format=memory)
        scales[name], shifts[name] = (
            torch.tensor(np.asarray(weights.tensors[f"{name}/{part}"][0], np.float32)) for part in ("scale", "shift")
        )
    x0 = torch.tensor(picture.transpose(2, 0, 1).copy())[None].to(memory_format=memory)

    def layer(name, x):
        side, stride = kernels[name].shape[-1], 2 if name.startswith("down") else 1
        if name.startswith("up"):
            x = F.interpolate(F.pad(x, (1, 1, 1, 1), mode="replicate"), scale_factor=2, mode="bilinear")[..., 1:-1, 1:-1]
        else:
            before = (side - stride) // 2
            x = F.pad(x, (before, side - stride - before) * 2, mode="reflect")
        x = F.conv2d(x, kernels[name], stride=stride)
        return F.instance_norm(x, weight=scales[name], bias=shifts[name])

    @torch.inference_mode()
    def once():
        x = x0
        for name in ("first", "down1", "down2"):
            x = F.relu(layer(name, x))
        for block in range(1, network.blocks + 1):
            x = x + layer(f"block{block}_2", F.relu(layer(f"block{block}_1", x)))
        for name in ("up1", "up2"):
            x = F.relu(layer(name, x))
        shown = 0.5 + 150 / 255 * torch.tanh(layer("last", x))
        return shown[0].permute(1, 2, 0).clamp(0, 1).numpy()

    return once


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "swirls-embers"
    width, height = map(int, sys.argv[2:4]) if len(sys.argv) > 3 else (1920, 1080)
    weights = read_weights(find(name) if name in list_weights() else Path(name))
    network = describe(weights)
    picture = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    first = [float(style == 0) for style in range(network.styles)]
    start = time.perf_counter()
    stylized(weights, picture, first)
    print(f"{width}×{height}, {network}\nfirst pass, compilation included: {time.perf_counter() - start:.1f} s", end=", ")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most\n")
    passes: dict[str, Callable[[], np.ndarray]] = {"stylepipe": lambda: np.clip(stylized(weights, picture, first), 0, 1)}
    try:
        for layout in ("contiguous_format", "channels_last"):
            passes[f"PyTorch, {layout}"] = torch_pass(weights, picture, layout)
    except ImportError:
        print("PyTorch is not installed, and is left out.")
    results = {name: once() for name, once in passes.items()}
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(REPEATS):
        for name, once in passes.items():
            start = time.perf_counter()
            once()
            seconds[name].append(time.perf_counter() - start)
    print(f"{'':<28}least   median (s)   furthest from stylepipe's")
    for name, found in seconds.items():
        apart = np.abs(results[name] - results["stylepipe"]).max()
        print(f"{name:<26} {min(found):6.2f}   {median(found):6.2f}       {apart:.1e}")


if __name__ == "__main__":
    main()
