"""The weights of a texture network: their layout, and what follows from it. No JAX here.

The tensors, kernels as (height, width, in, out), for sizes i = 1 (the smallest) … n, with c channels for each:

    noise1_1/kernel  (3, 3, 3, c)       noise1_1/scale  (c,)     noise1_1/shift  (c,)
    noise1_2/kernel  (3, 3, c, c)       …
    noise1_3/kernel  (1, 1, c, c)       noise2_1/… and so on
    join2/scale      (2c,)              join2/shift     (2c,)
    join2_1/kernel   (3, 3, 2c, 2c)     join2_1/scale   (2c,)    …
    join2_2/kernel   (3, 3, 2c, 2c)
    join2_3/kernel   (1, 1, 2c, 2c)     join3/scale     (3c,)    … and so on
    last/kernel      (1, 1, nc, 3)      last/bias       (3,)

and `network: texture` and `padding` in the metadata.
"""

from math import prod
from typing import Literal, NamedTuple

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.networks.stated_shapes import require_network, require_shapes, stated

Padding = Literal["circular", "edge"]

MOST_SIZES, WIDEST = 8, 64
"""The most sizes, and channels for each: larger networks are refused."""


class Texture(NamedTuple):
    """A network without its tensors; with `circular` padding its textures tile seamlessly."""

    sizes: int
    channels: int
    padding: Padding = "circular"

    def __str__(self) -> str:
        return f"{self.sizes} sizes of {self.channels} channels, {self.padding} padding"

    @property
    def unit(self) -> int:
        """The number of which the sides of a result are multiples."""
        return 2 ** (self.sizes - 1)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the network's weights."""
        return {"network": "texture", "padding": self.padding}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for size in range(1, self.sizes + 1):
            shapes |= _three(f"noise{size}", 3, self.channels)
            if size > 1:
                together = size * self.channels
                shapes |= {f"join{size}/scale": (together,), f"join{size}/shift": (together,)}
                shapes |= _three(f"join{size}", together, together)
        return shapes | {"last/kernel": (1, 1, self.sizes * self.channels, 3), "last/bias": (3,)}


def _three(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    kernels = {1: (3, 3, before, after), 2: (3, 3, after, after), 3: (1, 1, after, after)}
    return {
        f"{name}_{number}/{part}": shape
        for number, kernel in kernels.items()
        for part, shape in {"kernel": kernel, "scale": (after,), "shift": (after,)}.items()
    }


def describe(weights: Weights) -> Texture:
    """Returns the network of the weights. Raises WeightsError, naming the tensor, for any other layout."""
    require_network(weights, "texture", trained_by="train_texture")
    sizes = sum(name.startswith("noise") and name.endswith("_1/kernel") for name in weights.tensors)
    channels = (*np.shape(weights.tensors.get("noise1_1/scale", ())), 0)[0]
    if not (1 <= sizes <= MOST_SIZES and 1 <= channels <= WIDEST):
        raise WeightsError(
            f"The weights hold {sizes} sizes of {channels} channels; allowed are 1…{MOST_SIZES} of 1…{WIDEST}.",
            hint="'noise1_1/scale' has the shape (channels,).",
        )
    network = Texture(sizes, channels, stated(weights, "padding", Padding))
    require_shapes(weights, network.shapes)
    return network


def operations(network: Texture) -> float:
    """Returns the floating-point operations per pixel of a texture."""

    def share(name: str) -> float:
        """Of the positions of the largest size; what is put together belongs to the size that its name has."""
        size = int("".join(filter(str.isdigit, name.partition("_")[0])) or network.sizes)
        return 1 / 4 ** (network.sizes - size)

    return float(sum(2 * prod(shape) * share(name) for name, shape in network.shapes.items() if name.endswith("/kernel")))
