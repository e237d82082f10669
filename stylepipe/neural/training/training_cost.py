"""Estimates the memory and work of a training from its networks' feature maps and its steps."""

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.image.operation_cost import FLOPS, Cost
from stylepipe.neural.encoders.encoder import Encoder
from stylepipe.neural.training.schedule import Schedule

_COMPILING = 400_000_000
"""Bytes of compiling a gradient, and of the program."""

_KEPT = 3.0
"""Copies of each map during a gradient: before and after normalization or ReLU, and temporaries."""

_STEP = 0.01
"""Fixed seconds per step."""

_BACK = 3.0
"""Cost of a gradient in forward passes."""


def training(schedule: Schedule, *, pictures: int, side: int, maps: float, operations: float) -> Cost:
    """Estimates a training on batches of `pictures` square pictures of `side` pixels.

    `maps` is the number of channels of all maps that a gradient keeps, and `operations` the floating-point operations of a
    forward pass, both per pixel of a picture.
    """
    pixels = pictures * side**2
    steps = schedule.steps * schedule.accumulate
    return Cost(_COMPILING + round(4 * _KEPT * maps * pixels), steps * (_STEP + _BACK * operations * pixels / FLOPS))


def of_encoder(encoder: Encoder, weights: Weights) -> tuple[float, float]:
    """Returns the channels of an encoder's maps and the operations of a forward pass, both per pixel of the picture."""
    shapes = {name: np.shape(tensor) for name, tensor in weights.tensors.items()}
    channels = encoder.channels(shapes)
    maps = sum(channels[name] / encoder.stride(name) ** 2 for name in encoder.layers)
    return maps, encoder.operations(shapes, encoder.layers)
