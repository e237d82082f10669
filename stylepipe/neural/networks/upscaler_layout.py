"""The weights of a network for super-resolution: their layout, and what follows from it. No JAX here.

The tensors, kernels as (height, width, in, out), for c channels and any number of blocks:

    first/kernel    (3, 3, 3, c)       first/bias    (c,)
    block1_1/kernel (3, 3, c, c)       block1_1/bias (c,)       block1_2/…, block2_1/… and so on
    x2/kernel       (3, 3, c, 12)      x2/bias       (12,)
    x3/kernel       (3, 3, c, 27)      x3/bias       (27,)
    x4/kernel       (3, 3, c, 48)      x4/bias       (48,)

and `network: upscaler` in the metadata.
"""

from typing import NamedTuple

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.networks.stated_shapes import count_blocks, of_block, require_network, require_shapes

FACTORS = (2, 3, 4)

DEEPEST, WIDEST = 32, 512
"""The most blocks and channels: larger networks are refused."""


class Upscaler(NamedTuple):
    """A network without its tensors."""

    blocks: int
    channels: int

    def __str__(self) -> str:
        return f"{self.blocks} block{'s'[: self.blocks != 1]} of {self.channels} channels"

    @property
    def layers(self) -> dict[str, tuple[int, int]]:
        """Returns the input and output channels of each convolution by name."""
        c = self.channels
        of_blocks = {name: (c, c) for block in range(self.blocks) for name in of_block(block)}
        return {"first": (3, c), **of_blocks, **{f"x{factor}": (c, 3 * factor**2) for factor in FACTORS}}

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the network's weights."""
        return {"network": "upscaler", "factors": ", ".join(map(str, FACTORS)), "input": "RGB in [0, 1]"}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (inputs, outputs) in self.layers.items():
            shapes |= {f"{name}/kernel": (3, 3, inputs, outputs), f"{name}/bias": (outputs,)}
        return shapes


def describe(weights: Weights) -> Upscaler:
    """Returns the network of the weights. Raises WeightsError, naming the tensor, for any other layout."""
    require_network(weights, "upscaler", trained_by="train_upscaler")
    shapes = {name: np.shape(tensor) for name, tensor in weights.tensors.items()}
    network = Upscaler(count_blocks(shapes), (*shapes.get("first/bias", ()), 0)[0])
    if not (1 <= network.blocks <= DEEPEST and 1 <= network.channels <= WIDEST):
        raise WeightsError(
            f"The weights hold {network}; allowed are 1…{DEEPEST} of 1…{WIDEST}.",
            hint="The first block's layers are called block1_1 and block1_2; 'first/bias' tells the channels.",
        )
    require_shapes(weights, network.shapes)
    return network


def operations(network: Upscaler, factor: int) -> float:
    """Returns the floating-point operations per small pixel."""
    layers = network.layers
    heads = {f"x{other}" for other in FACTORS if other != factor}
    return float(sum(2 * 9 * inputs * outputs for name, (inputs, outputs) in layers.items() if name not in heads))
