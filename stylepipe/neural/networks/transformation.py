"""The image-transformation network: stylizes a picture in one forward pass.

The architecture of Johnson, Alahi and Fei-Fei 2016 (arXiv 1603.08155): two convolutions with stride 2, residual blocks at a
quarter of the size, two steps of upsampling. Differences from the paper: upsampling repeats pixels before a convolution (Odena
et al. 2016, "Deconvolution and Checkerboard Artifacts"), or interpolates them (see `applied`); every convolution, the last
too, is followed by a normalization that has a scale and a shift for each style (Dumoulin, Shlens and Kudlur 2017, arXiv
1610.07629), so that one network holds several styles, and any mix of them. A network of one style is the case of one.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Weights
from stylepipe.neural.networks.normalization import LayerStatistics, Statistics, normalize, statistics
from stylepipe.neural.networks.stated_shapes import of_block
from stylepipe.neural.networks.transformation_layout import Transformation, Upsampling
from stylepipe.neural.networks.upscaler import pixel_shuffle
from stylepipe.neural.xla.convolution import convolve, correlate
from stylepipe.neural.xla.random_arrays import he_normal

Tensors = Mapping[str, Float[Array, "..."]]

ENCODER, DECODER = ("first", "down1", "down2"), ("up1", "up2", "last")
"""The layers before the blocks, and those after them."""
_PHASES: Mapping[Upsampling, Any] = {
    "nearest": (((1, 0, 0), (0, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 0), (0, 0, 1))),
    "bilinear": (((0.75, 0.25, 0), (0.25, 0.75, 0.75), (0, 0, 0.25)), ((0.25, 0, 0), (0.75, 0.75, 0.25), (0, 0.25, 0.75))),
    "transposed": (((1, 0, 0), (0, 0, 1), (0, 0, 0)), ((0, 0, 0), (0, 1, 0), (0, 0, 0))),
}
"""Along one axis: [p][d][a] is the weight of pixel y + d − 1 in the upsampled value under kernel tap a, at pixel 2y + p."""


# --- the weights --------------------------------------------------------------------------------------------------------


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
