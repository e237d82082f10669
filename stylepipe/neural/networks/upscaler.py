"""A network for super-resolution: one trunk on the small picture, and a head for each factor.

It finds the detail that bicubic interpolation leaves out, and its result is the sum of both (Kim, Lee and Lee 2016, "VDSR",
arXiv 1511.04587). The trunk is a chain of residual blocks without normalization, shared by all factors (Lim et al. 2017, "EDSR"
and "MDSR", arXiv 1707.02921). A head is a convolution whose channels become pixels (Shi et al. 2016, "ESPCN", arXiv
1609.05158), so that all work is done at the small size.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Weights
from stylepipe.image.resize import resize
from stylepipe.image.tiling import tiles
from stylepipe.neural.networks.stated_shapes import count_blocks, of_block
from stylepipe.neural.networks.upscaler_layout import Upscaler
from stylepipe.neural.xla.compile_options import program
from stylepipe.neural.xla.convolution import correlate
from stylepipe.neural.xla.random_arrays import he_normal

Tensors = Mapping[str, Float[Array, "..."]]

_TILE = 192


# --- the weights --------------------------------------------------------------------------------------------------------


def fresh(key: PRNGKeyArray, network: Upscaler) -> Weights:
    """Initializes a network; its result equals bicubic interpolation, because its heads are zero.

    Kernels are drawn as He et al. 2015 (arXiv 1502.01852) do; a block's second one is a tenth of that, so that a deep chain
    starts near the identity.
    """
    tensors: dict[str, Array] = {}
    for number, (name, (inputs, outputs)) in enumerate(network.layers.items()):
        scale = 0.0 if name.startswith("x") else 0.1 if name.endswith("_2") else 1.0
        tensors[f"{name}/kernel"] = scale * he_normal(jax.random.fold_in(key, number), (3, 3, inputs, outputs))
        tensors[f"{name}/bias"] = jnp.zeros(outputs)
    return Weights(tensors, network.metadata)


# --- the network --------------------------------------------------------------------------------------------------------


def trunk(tensors: Tensors, picture: Float[Array, "h w 3"]) -> Float[Array, "h w c"]:
    """Computes the features for the heads; `picture` is RGB in [0, 1].

    Around the picture, and around the channels of each layer, there are zeros, which stand for a middle gray.
    """
    tensors = {name: tensor.astype(picture.dtype) for name, tensor in tensors.items()}
    x = _convolution(tensors, "first", picture - 0.5)
    for block in range(count_blocks(tensors)):
        inner, outer = of_block(block)
        x = x + _convolution(tensors, outer, jax.nn.relu(_convolution(tensors, inner, x)))
    return x


def head(tensors: Tensors, features: Float[Array, "h w c"], factor: int) -> Float[Array, "big_h big_w 3"]:
    """Returns the detail at `factor` times the size, from the features of the trunk."""
    tensors = {name: tensor.astype(features.dtype) for name, tensor in tensors.items()}
    return pixel_shuffle(_convolution(tensors, f"x{factor}", features), factor)


def pixel_shuffle(x: Float[Array, "h w channels"], factor: int) -> Float[Array, "big_h big_w c"]:
    """Moves channels to pixels: channel (i·factor + j)·c + k at (y, x) becomes channel k at (factor·y + i, factor·x + j)."""
    height, width, _ = x.shape
    blocks = x.reshape(height, width, factor, factor, -1)
    return blocks.swapaxes(1, 2).reshape(factor * height, factor * width, -1)


def enlarge(
    weights: Weights, pixels: Float[Array, "h w 3"], *, factor: int, tile: int = _TILE
) -> Float[np.ndarray, "big_h big_w 3"]:
    """Enlarges a picture 2, 3 or 4 times; values may overshoot [0, 1] at edges.

    The network looks at tiles of at most `tile` × `tile` pixels, all of one shape and inside the picture. They overlap by all
    that the network sees, so that each pixel of the result is as if the picture had been one tile, and the memory needed beyond
    the result is that of a tile. `weights` are such a network, as `describe` finds.
    """
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    height, width, _ = np.shape(pixels)
    small = np.asarray(pixels)
    large = np.array(resize(small, (factor * height, factor * width), method="bicubic"))
    margin = 2 + 2 * count_blocks(tensors)  # a pixel for each convolution
    for place in tiles((height, width), tile, margin):
        detail = np.asarray(_detail(tensors, small[place.seen()], factor=factor))
        large[place.counted(factor)] += detail[place.inside(factor)]
    return large


@program(static_argnames="factor")
def _detail(tensors: Tensors, picture: Float[Array, "h w 3"], *, factor: int) -> Float[Array, "big_h big_w 3"]:
    return head(tensors, trunk(tensors, picture), factor)


def _convolution(tensors: Tensors, name: str, x: Float[Array, "h w _"]) -> Float[Array, "h w _"]:
    return correlate(x, tensors[f"{name}/kernel"], padding="SAME") + tensors[f"{name}/bias"]
