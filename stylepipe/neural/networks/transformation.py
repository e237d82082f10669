"""The image-transformation network: stylizes a picture in one forward pass.

The architecture of Johnson, Alahi and Fei-Fei 2016 (arXiv 1603.08155): two convolutions with stride 2, residual blocks at a
quarter of the size, two steps of upsampling. Differences from the paper: upsampling repeats pixels before a convolution (Odena
et al. 2016, "Deconvolution and Checkerboard Artifacts"), or interpolates them (see `applied`); every convolution, the last
too, is followed by a normalization that has a scale and a shift for each style (Dumoulin, Shlens and Kudlur 2017, arXiv
1610.07629), so that one network holds several styles, and any mix of them. A network of one style is the case of one.

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

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.networks.normalization import LayerStatistics, Normalization, Statistics, normalize, statistics
from stylepipe.neural.networks.stated_shapes import count_blocks, of_block, require_network, require_shapes, stated
from stylepipe.neural.networks.upscaler import pixel_shuffle
from stylepipe.neural.xla.convolution import convolve, correlate
from stylepipe.neural.xla.random_arrays import he_normal

Tensors = Mapping[str, Float[Array, "..."]]
Padding = Literal["reflect", "zeros"]
Upsampling = Literal["nearest", "bilinear", "transposed"]

DEEPEST, WIDEST, MOST_STYLES = 32, 256, 256
"""The maximum numbers of blocks, channels and styles; larger networks are rejected."""

ENCODER, DECODER = ("first", "down1", "down2"), ("up1", "up2", "last")
"""The layers before the blocks, and those after them."""

_NAME = "image-transformation"

_PHASES: Mapping[Upsampling, Any] = {
    "nearest": (((1, 0, 0), (0, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 0), (0, 0, 1))),
    "bilinear": (((0.75, 0.25, 0), (0.25, 0.75, 0.75), (0, 0, 0.25)), ((0.25, 0, 0), (0.75, 0.75, 0.25), (0, 0.25, 0.75))),
    "transposed": (((1, 0, 0), (0, 0, 1), (0, 0, 0)), ((0, 0, 0), (0, 1, 0), (0, 0, 0))),
}
"""Along one axis: [p][d][a] is the weight of pixel y + d − 1 in the upsampled value under kernel tap a, at pixel 2y + p."""


# --- the weights --------------------------------------------------------------------------------------------------------


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


def applied(network: Transformation) -> Transformation:
    """Returns the network as it is applied after training: with interpolation in place of repeated pixels.

    Training produces a grid of 4 pixels, the blocks' stride, also with interpolation during training. Interpolation afterwards
    removes most of the grid and preserves strokes (docs/style-networks.md).
    """
    return network._replace(upsampling="bilinear") if network.upsampling == "nearest" else network


def fresh(key: PRNGKeyArray, network: Transformation) -> Weights:
    """Initializes a network: He initialization (2015, arXiv 1502.01852), normalized to mean 0 and variance 1.

    The last layer's standard deviation is 0.5, about that of photographs.
    """
    tensors: dict[str, Array] = {}
    for number, (name, shape) in enumerate(network.layers.items()):
        tensors[f"{name}/kernel"] = he_normal(jax.random.fold_in(key, number), shape)
        tensors[f"{name}/scale"] = jnp.full((network.styles, shape[3]), 0.5 if name == "last" else 1.0)
        tensors[f"{name}/shift"] = jnp.zeros((network.styles, shape[3]))
    return Weights(tensors, network.metadata)


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
    for name, shape in network.layers.items():
        by_style = {f"{name}/{part}": (styles, shape[3]) for part in ("scale", "shift")}
        stored = {f"{name}/{part}": shape[3:] for part in Statistics._fields} if network.normalization == "batch" else {}
        require_shapes(weights, {f"{name}/kernel": shape, **by_style, **stored})
    return network


def stored_statistics(weights: Weights, network: Transformation) -> LayerStatistics:
    """Returns the statistics that a network with batch normalization stores; empty for instance normalization."""
    if network.normalization == "instance":
        return {}
    return {
        name: Statistics(*(jnp.asarray(weights.tensors[f"{name}/{part}"], jnp.float32) for part in Statistics._fields))
        for name in network.layers
    }


def mixed(tensors: Tensors, shares: Float[Array, " styles"]) -> Tensors:
    """Mixes the styles by their shares into the tensors of one style, with scales and shifts of shape (channels,).

    Shares sum to 1: the mix is convex (Dumoulin et al., section 2.2).
    """
    blended = {name: shares @ tensor for name, tensor in tensors.items() if name.endswith(("/scale", "/shift"))}
    return {**tensors, **blended}


def operations(network: Transformation) -> float:
    """Returns the floating-point operations of a forward pass per pixel."""

    def share(name: str) -> float:
        return {"first": 1.0, "down1": 1 / 4, "up2": 1 / 4, "last": 1.0}.get(name, 1 / 16)  # of the positions computed

    return float(
        sum(2 * prod(shape) * share(name) * (4 if name.startswith("up") else 1) for name, shape in network.layers.items())
    )


# --- the network --------------------------------------------------------------------------------------------------------


def transform(
    tensors: Tensors,
    picture: Float[Array, "h w 3"],
    *,
    network: Transformation,
    layer_statistics: LayerStatistics,
    pooled: bool = False,
) -> tuple[Float[Array, "h w 3"], LayerStatistics]:
    """Computes the picture in the style of `mixed` tensors, and the statistics of all layers.

    `picture` is RGB in [0, 1]; its sides are multiples of 4, at least 8. The result lies in [−0.09, 1.09], so that black and
    white are reachable through the tanh. Layers not in `layer_statistics` use the statistics of the picture, or `pooled`
    ones as in `statistics`.
    """
    collected = dict(layer_statistics)
    layer = partial(_layer, tensors, network=network, collected=collected, pooled=pooled)
    x = picture
    for name in ENCODER:
        x = jax.nn.relu(layer(name, x))
    x = blocks(tensors, x, network=network, collected=collected, pooled=pooled)
    for name in DECODER[:-1]:
        x = jax.nn.relu(layer(name, x))
    return colors(layer(DECODER[-1], x)), collected


def blocks(
    tensors: Tensors,
    x: Float[Array, "h w c"],
    *,
    network: Transformation,
    collected: dict[str, Statistics],
    pooled: bool = False,
) -> Float[Array, "h w c"]:
    """x through all residual blocks, x + two convolutions; their statistics are added to `collected`."""
    layer = partial(_layer, tensors, network=network, collected=collected, pooled=pooled)
    for block in range(network.blocks):
        inner, outer = of_block(block)
        x = x + layer(outer, jax.nn.relu(layer(inner, x)))
    return x


def _layer(
    tensors: Tensors,
    name: str,
    x: Float[Array, "h w _"],
    *,
    network: Transformation,
    collected: dict[str, Statistics],
    pooled: bool,
) -> Float[Array, "new_h new_w _"]:
    y = convolution(tensors, name, x, network=network)
    if name not in collected:
        collected[name] = statistics(y, pooled=pooled)
    return normalized(tensors, name, y, collected)


def convolution(
    tensors: Tensors, name: str, x: Float[Array, "h w _"], *, network: Transformation
) -> Float[Array, "new_h new_w _"]:
    """Computes a layer's convolution: half the size for 'down…', twice the size for 'up…'."""
    kernel = tensors[f"{name}/kernel"].astype(x.dtype)
    if name.startswith("up"):
        return _upsampled(x, kernel, network)
    stride = 2 if name.startswith("down") else 1
    if len(kernel) == 3 and stride == 1:
        return convolve(x, kernel, network.padding)
    before = (len(kernel) - stride) // 2
    around = (before, len(kernel) - stride - before)
    mode = "reflect" if network.padding == "reflect" else "constant"
    return correlate(jnp.pad(x, (around, around, (0, 0)), mode=mode), kernel, stride=(stride, stride))


def _upsampled(x: Float[Array, "h w _"], kernel: Float[Array, "3 3 _ _"], network: Transformation) -> Float[Array, "2*h 2*w _"]:
    """Convolves a map upsampled by 2: with repeated or interpolated pixels, or zeros between them.

    The upsampled map is not materialized: a convolution at the small size computes the four output pixels of each pixel as
    channels. Where other layers use reflection padding, this one uses edge padding.
    """
    phases = jnp.asarray(_PHASES[network.upsampling], x.dtype)
    small = jnp.einsum("pda,qeb,abio->deipqo", phases, phases, kernel)
    y: Array = convolve(x, small.reshape(3, 3, x.shape[2], -1), "edge" if network.padding == "reflect" else "zeros")
    return pixel_shuffle(y, 2)


def normalized(
    tensors: Tensors, name: str, x: Float[Array, "h w c"], layer_statistics: LayerStatistics
) -> Float[Array, "h w c"]:
    """Normalizes a layer's map, with the scale and shift of the style."""
    scale, shift = (tensors[f"{name}/{part}"].astype(x.dtype) for part in ("scale", "shift"))
    return normalize(x, layer_statistics[name], scale=scale, shift=shift)


def colors(x: Float[Array, "h w 3"]) -> Float[Array, "h w 3"]:
    """Maps the last layer's output to colors: 1/2 + 150/255 · tanh(x)."""
    return 0.5 + 150 / 255 * jnp.tanh(x)
