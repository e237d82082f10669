"""Canonical VGG weight layout and metadata.

The tensors of a network from conv1_1 up to some layer, without gaps, kernels as (height, width, in, out):

    normalise/kernel  (1, 1, 3, 3)     normalise/bias  (3,)      from RGB in [0, 1] to what conv1_1 expects
    conv1_1/kernel    (3, 3, 3, c)     conv1_1/bias    (c,)
    conv1_2/kernel    (3, 3, c, d)     conv1_2/bias    (d,)      …

and, in the metadata, `pooling` (max, average, l2) and `padding` (zeros, reflect, edge). No JAX here: files are checked and
converted without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.encoders.encoder import Encoder, Pooling, Precision, Shapes
from stylepipe.neural.networks.stated_shapes import stated
from stylepipe.neural.xla.padding import Padding

DEEPEST = (2, 2, 4, 4, 4)
"""VGG-19's convolutions per block; VGG-16 and slim networks have at most as many."""

WIDEST = 512
"""VGG's largest number of channels; a file that states more is not one, and is refused before its data are read."""

_CONVERT = "'stylepipe weights convert' brings a file of another layout into the form that is read here."

_ACTIVATION_COPIES = {"max": 1.4, "average": 4.6, "l2": 4.6}
_MEAN_GAIN = {"max": 1.0, "average": 2.0, "l2": 0.78}


@dataclass(frozen=True)
class Vgg(Encoder):
    """A network without its tensors: the static argument of compiled functions.

    `depth` is the number of convolutions in each block. `gain` multiplies the output of every pool; it is 1 for the pooling
    that the network was trained with. `precision` is that of the convolutions.
    """

    functions: ClassVar[str] = "stylepipe.neural.encoders.vgg"

    depth: tuple[int, ...]
    pooling: Pooling
    padding: Padding
    gain: float = 1.0
    precision: Precision = "float32"

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers in their order, relu1_1 first."""
        return tuple(layer_name(block, index) for block, index in places(self.depth))

    def stride(self, layer: str) -> int:
        """Returns 2^(b−1) for a layer of block b."""
        return 2 ** (block_of(layer) - 1)

    def channels(self, shapes: Shapes) -> Mapping[str, int]:
        """Returns the number of channels of each layer, from the shapes of the tensors."""
        return channels(shapes)

    def least_side(self, layer: str) -> int:
        """Returns the least side in pixels of a picture that has a layer: padding by reflection needs two positions."""
        return self.stride(layer) * (2 if self.padding == "reflect" else 1)

    @property
    def activation_copies(self) -> float:
        """How often a gradient holds the features of all layers, by the pooling (measured on the CPU)."""
        return _ACTIVATION_COPIES[self.pooling]


def describe(weights: Weights, *, pooling: Pooling | None = None, precision: Precision = "float32") -> Vgg:
    """Returns the network of the weights, from their metadata and shapes; `pooling` overrides the metadata.

    Another pooling than the network was trained with changes the scale of the activations. With maximum as 1, the mean of
    the window times 2, or the root of its sum of squares times 0.78, keeps their mean about as it was (K. Crowson,
    style-transfer-pytorch). Raises WeightsError when the tensors are not a network in the form described above.
    """
    trained = stated(weights, "pooling", Pooling, hint=_CONVERT)
    chosen = pooling or trained
    padding = stated(weights, "padding", Padding, hint=_CONVERT)
    depth = check_shapes({name: np.shape(tensor) for name, tensor in weights.tensors.items()})
    return Vgg(depth, chosen, padding, _MEAN_GAIN[chosen] / _MEAN_GAIN[trained], precision)


def check_shapes(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Returns the number of convolutions in each block from the shapes of all tensors by name; checks that each fits.

    Raises WeightsError that names the tensor when one is missing or has a shape that does not fit.
    """
    held = [(block, index) for block, index in places(DEEPEST) if f"conv{block}_{index}/kernel" in shapes]
    blocks = max((block for block, _ in held), default=0)
    depth = tuple(sum(block == b for block, _ in held) for b in range(1, blocks + 1))
    if not held or 0 in depth or held != list(places(depth)):
        names = ", ".join(f"conv{block}_{index}" for block, index in held) or "no convolution"
        raise WeightsError(f"The weights hold {names}.", hint="A VGG's layers must be there without a gap, up to any depth.")
    _check(shapes, "normalise", (1, 1, 3, 3))
    channels = 3
    for block, index in held:
        channels = _check(shapes, f"conv{block}_{index}", (3, 3, channels, None))
    return depth


def places(depth: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yields (block, index in it) of every convolution, both from 1, in order."""
    return ((block, index) for block, count in enumerate(depth, 1) for index in range(1, count + 1))


def layer_name(block: int, index: int) -> str:
    """Returns the name of a layer by its block and its place in it, both from 1."""
    return f"relu{block}_{index}"


def block_of(layer: str) -> int:
    """Returns the block of a layer, from 1."""
    return int(layer.removeprefix("relu").partition("_")[0])


def channels(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Returns the number of channels of each layer from the shapes of all tensors by name."""
    kernels = {name.removesuffix("/kernel"): shape for name, shape in shapes.items() if name.endswith("/kernel")}
    return {name.replace("conv", "relu"): shape[-1] for name, shape in kernels.items()}


def _check(shapes: Mapping[str, tuple[int, ...]], layer: str, expected: tuple[int | None, ...]) -> int:
    """Returns the layer's output channels; checks its kernel and bias; None is any number up to `WIDEST`."""
    for part in ("kernel", "bias"):
        if f"{layer}/{part}" not in shapes:
            raise WeightsError(f"The weights hold no '{layer}/{part}'.", hint=_CONVERT)
    kernel, bias = shapes[f"{layer}/kernel"], shapes[f"{layer}/bias"]
    fits = len(kernel) == len(expected) and all(
        0 < size <= WIDEST if want is None else size == want for size, want in zip(kernel, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join(f"1…{WIDEST}" if want is None else str(want) for want in expected)
        raise WeightsError(f"The tensor '{layer}/kernel' has shape {kernel}; expected is ({wanted}).", hint=_CONVERT)
    if bias != kernel[-1:]:
        raise WeightsError(
            f"The tensor '{layer}/bias' has shape {bias}; expected is {kernel[-1:]}, after its kernel.", hint=_CONVERT
        )
    return kernel[-1]
