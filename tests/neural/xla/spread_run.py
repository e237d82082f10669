"""A stylization with every kind of array that has rows. Run with several devices, it writes what it came to into a file.

XLA_FLAGS=--xla_force_host_platform_device_count=8 python spread_run.py FILE HEIGHT WAY
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.optimizers.adam import Adam
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.style_transfer import memory_estimate, optimize
from stylepipe.neural.style_transfer.budgeted_optimization import minimize_within
from stylepipe.neural.style_transfer.layer_masks import layer_masks
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective
from stylepipe.neural.xla import sharding

WIDTH, TILE = 13, 16
LOSSES = [Content(layers={"relu2_1": 1}), Gram(layers={"relu1_1": 1, "relu2_1": 1}), TotalVariation()]


def network() -> Weights:
    """Two blocks of few channels."""
    draw = np.random.default_rng(3)
    tensors = {"normalise/kernel": 2 * np.eye(3)[None, None], "normalise/bias": np.full(3, -1.0)}
    for name, before, width in (("conv1_1", 3, 4), ("conv2_1", 4, 6)):
        tensors[f"{name}/kernel"] = draw.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
        tensors[f"{name}/bias"] = draw.random(width)
    return Weights({name: np.float32(tensor) for name, tensor in tensors.items()}, {"pooling": "max", "padding": "reflect"})


def run(height: int, way: str) -> dict[str, np.ndarray]:
    """Four steps of Adam, or of L-BFGS, whose first evaluates the start, as a whole or in tiles; and where the state lay."""
    weights, draw, size = network(), np.random.default_rng(1), (height, WIDTH)
    objective = Objective.of(LOSSES, describe(weights))
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    content, style = (jnp.float32(draw.random((*size, 3))) for _ in range(2))
    layers = objective.layers("styles")
    mask = layer_masks(np.float32(draw.random(size)), layers=layers, encoder=objective.encoder, pooling="network", name="mask")
    examples = {"content": ExamplePicture(content), "styles": [ExamplePicture(style)], "weights": [1.0], "regions": [mask]}
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    optimizer = Adam() if way == "adam" else Lbfgs(memory=3)
    work = memory_estimate.Workload(objective, shapes, optimizer, size, styles=[size], regions=1)
    options = {"memory": "auto", "budget": work.peak(TILE if way == "tiles" else None), "tell": lambda text: None}
    begun = optimize.start(optimizer, content, terms=len(LOSSES))
    options |= {"iterations": 4, "key": jax.random.key(0)}
    steps = minimize_within(objective, work, tensors, lambda: examples, begun, **options)
    found: dict = {"loss": [], "parts": []}
    for step in steps:
        found["loss"].append(step.losses[-1].value)
        found["result"] = optimize.result(optimizer, step.state)
        if step.iteration == 1 and way != "adam":
            found["gradient"] = np.array(step.state.gradient)
        found["parts"].append([_parts(array) for array in jax.tree.leaves(step.state) if array.size >= height * WIDTH])
    return {name: np.asarray(value) for name, value in found.items()}


def _parts(array: jax.Array) -> int:
    return len(set(map(str, array.sharding.devices_indices_map(array.shape).values())))


if __name__ == "__main__":
    sharding._LEAST_ROWS, memory_estimate.TILES = 4, (TILE,)
    np.savez(sys.argv[1], **run(int(sys.argv[2]), sys.argv[3]))
