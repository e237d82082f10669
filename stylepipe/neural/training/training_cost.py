"""What a training takes, counted from the maps of its networks and from its steps."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from stylepipe.artifacts import Weights, blank
from stylepipe.image.operation_cost import FLOPS, Cost
from stylepipe.neural.encoders.vgg_layout import pooling_stages
from stylepipe.neural.style_transfer.memory_estimate import passing
from stylepipe.neural.style_transfer.size_checks import channels
from stylepipe.neural.training.training_loop import Schedule

_COMPILING = 400_000_000
"""Bytes that the compiler takes for a gradient, and the program."""

_KEPT = 3.0
"""How often a gradient keeps each map: before and after its normalization or ReLU, and what is being worked on."""

_STEP = 0.01
"""Seconds that a step takes at any size."""

_BACK = 3.0
"""What a gradient costs, in passes forward."""


def training(schedule: Schedule, *, pictures: int, side: int, maps: float, operations: float) -> Cost:
    """What steps take over so many square pictures of `side` pixels.

    `maps` are the channels of all maps that a gradient keeps, by pixel of a picture, and `operations` those of a pass forward,
    in floating point, by pixel.
    """
    pixels = pictures * side**2
    steps = schedule.steps * schedule.accumulate
    return Cost(_COMPILING + round(4 * _KEPT * maps * pixels), steps * (_STEP + _BACK * operations * pixels / FLOPS))


def of_vgg(extractor: Weights) -> tuple[float, float]:
    """The channels of a VGG's maps, and the operations of a pass, each by pixel of the picture."""
    shapes = {name: np.shape(tensor) for name, tensor in extractor.tensors.items()}
    by_layer: Mapping[str, int] = channels(shapes)
    layers = [name for name in by_layer if name.startswith("relu")]
    return sum(by_layer[name] / 4 ** pooling_stages(name) for name in layers), passing(shapes, layers)


def unseen(fresh: Callable[[Any], Weights]) -> Weights:
    """The weights that a training will give, from what makes those it starts with out of a key: of the right shapes."""
    metadata: dict[str, str] = {}

    def tensors(key: Any) -> Mapping[str, Any]:
        weights = fresh(key)
        metadata.update(weights.metadata)
        return weights.tensors

    shapes = jax.eval_shape(tensors, jax.random.key(0))
    return Weights({name: blank(*shape.shape) for name, shape in shapes.items()}, metadata)
