"""The weights of an image-transformation network: their layout, and what follows from it. No JAX here.

The tensors, kernels as (height, width, in, out), for c channels, s styles and any number of blocks:

    first/kernel     (9, 9, 3, c)       first/scale    (s, c)     first/shift    (s, c)
    down1/kernel     (3, 3, c, 2c)      down1/scale    (s, 2c)    …
    down2/kernel     (3, 3, 2c, 4c)
    block1_1/kernel  (3, 3, 4c, 4c)     block1_2/…, block2_1/… and so on
    up1/kernel       (3, 3, 4c, 2c)
    up2/kernel       (3, 3, 2c, c)
    last/kernel      (9, 9, c, 3)       last/scale     (s, 3)     last/shift     (s, 3)

with batch normalization also `first/mean` (c,), `first/variance` (c,) …, the statistics of the
training; and in the metadata `network: image-transformation`, `normalization`, `padding` and `upsampling`.
"""

from math import prod
from typing import Literal, NamedTuple

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.networks.stated_shapes import count_blocks, of_block, require_network, require_shapes, stated

Normalization = Literal["instance", "batch"]
Padding = Literal["reflect", "zeros"]
Upsampling = Literal["nearest", "bilinear", "transposed"]

DEEPEST, WIDEST, MOST_STYLES = 32, 256, 256
"""The maximum numbers of blocks, channels and styles; larger networks are rejected."""

_NAME = "image-transformation"


class Transformation(NamedTuple):
    """A network without its tensors.

    `padding` is what lies around each layer's map; `transposed` upsampling puts zeros between pixels instead of repeating or
    interpolating them (Johnson et al.; networks of other programs have it).
    """

    channels: int
    blocks: int
    styles: int
    normalization: Normalization = "instance"
    padding: Padding = "reflect"
    upsampling: Upsampling = "nearest"

    def __str__(self) -> str:
        return (
            f"{self.blocks} block{'s'[: self.blocks != 1]}, {self.channels} channels, "
            f"{self.styles} style{'s'[: self.styles != 1]}, {self.normalization} normalization, "
            f"padding by '{self.padding}', upsampling by '{self.upsampling}'"
        )

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the network's weights."""
        return {
            "network": _NAME,
            "normalization": self.normalization,
            "padding": self.padding,
            "upsampling": self.upsampling,
            "input": "RGB in [0, 1]",
        }

    @property
    def layers(self) -> dict[str, tuple[int, int, int, int]]:
        """The shape of each layer's kernel by name, in their order."""
        c = self.channels
        in_blocks = {name: (3, 3, 4 * c, 4 * c) for block in range(self.blocks) for name in of_block(block)}
        return {
            "first": (9, 9, 3, c),
            "down1": (3, 3, c, 2 * c),
            "down2": (3, 3, 2 * c, 4 * c),
            **in_blocks,
            "up1": (3, 3, 4 * c, 2 * c),
            "up2": (3, 3, 2 * c, c),
            "last": (9, 9, c, 3),
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, kernel in self.layers.items():
            shapes[f"{name}/kernel"] = kernel
            shapes |= {f"{name}/{part}": (self.styles, kernel[3]) for part in ("scale", "shift")}
            if self.normalization == "batch":
                shapes |= {f"{name}/{part}": kernel[3:] for part in ("mean", "variance")}
        return shapes


def applied(network: Transformation) -> Transformation:
    """Returns the network as it is applied after training: with interpolation in place of repeated pixels.

    Training produces a grid of 4 pixels, the blocks' stride, also with interpolation during training. Interpolation afterwards
    removes most of the grid and preserves strokes (docs/style-networks.md).
    """
    return network._replace(upsampling="bilinear") if network.upsampling == "nearest" else network


def describe(weights: Weights) -> Transformation:
    """Returns the network of the weights. Raises WeightsError, naming the tensor, for any other layout."""
    require_network(weights, _NAME, trained_by="train_style")
    styles, channels = (*np.shape(weights.tensors.get("first/scale", ())), 0, 0)[:2]
    blocks = count_blocks(weights.tensors)
    if not (1 <= channels <= WIDEST and 0 <= blocks <= DEEPEST and 1 <= styles <= MOST_STYLES):
        raise WeightsError(
            f"The weights hold {blocks} blocks, {channels} channels and {styles} styles; "
            f"allowed are 0…{DEEPEST}, 1…{WIDEST} and 1…{MOST_STYLES}.",
            hint="'first/scale' has the shape (styles, channels).",
        )
    network = Transformation(
        channels,
        blocks,
        styles,
        stated(weights, "normalization", Normalization),
        stated(weights, "padding", Padding),
        stated(weights, "upsampling", Upsampling),
    )
    require_shapes(weights, network.shapes)
    return network


def operations(network: Transformation) -> float:
    """Returns the floating-point operations of a forward pass per pixel."""

    def share(name: str) -> float:
        return {"first": 1.0, "down1": 1 / 4, "up2": 1 / 4, "last": 1.0}.get(name, 1 / 16)  # of the positions computed

    return float(
        sum(2 * prod(shape) * share(name) * (4 if name.startswith("up") else 1) for name, shape in network.layers.items())
    )
