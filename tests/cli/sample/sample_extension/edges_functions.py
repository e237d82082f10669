"""The functions of the encoder `edges`."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from sample_extension.edges import Edges
from stylepipe.neural.encoders.encoder import check_layers

Maps = dict[str, Float[Array, "_ _ _"]]


def features(
    tensors: Mapping[str, Array], image: Float[Array, "height width 3"], *, layers: tuple[str, ...], encoder: Edges
) -> Maps:
    """Computes the layers, of shape (height // stride, width // stride, channels)."""
    check_layers(layers, encoder, image.shape[:2])
    edges = _convolved(image, tensors["edges"])
    corners = _convolved(_halved(edges), tensors["corners"])
    return {name: maps for name, maps in (("edges", edges), ("corners", corners)) if name in layers}


def _convolved(maps: Float[Array, "h w _"], kernel: Float[Array, "3 3 _ _"]) -> Float[Array, "h w _"]:
    """Convolves, padded by zeros, and applies a ReLU."""
    return jax.nn.relu(
        lax.conv_general_dilated(maps[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]
    )


def _halved(maps: Float[Array, "h w c"]) -> Float[Array, "_ _ c"]:
    """Averages windows of 2×2, without an odd last row or column."""
    height, width = maps.shape[0] // 2, maps.shape[1] // 2
    return jnp.mean(maps[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1), axis=(1, 3))
