"""The texture network: noise at several sizes in, a texture of any size out (Ulyanov et al. 2016, arXiv 1603.03417).

Noise at each of the sizes 1, 1/2, 1/4 … of the result goes through three convolutions. From the smallest on, what was found is
enlarged, concatenated with the next size's and convolved three times; the number of channels grows with each size. Differences
from the paper: normalization is that of the instance (Ulyanov, Vedaldi and Lempitsky 2016, arXiv 1607.08022), and colors are
bounded by a tanh. The paper normalizes what is put side by side apart; channel by channel, that is the same as after it.
"""

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Weights
from stylepipe.neural.networks.normalization import normalize, statistics
from stylepipe.neural.networks.texture_layout import Padding, Texture, describe
from stylepipe.neural.networks.transformation import colors
from stylepipe.neural.xla.compile_options import program
from stylepipe.neural.xla.convolution import convolve
from stylepipe.neural.xla.random_arrays import he_normal, uniform

Tensors = Mapping[str, Float[Array, "..."]]
Noise = tuple[Float[Array, "_ _ 3"], ...]
"""The inputs, the smallest first; each has twice the sides of the one before."""

_MODES = {"circular": "wrap", "edge": "edge"}


# --- the weights --------------------------------------------------------------------------------------------------------


def fresh(key: PRNGKeyArray, network: Texture) -> Weights:
    """Initializes a network: kernels as He et al. 2015 (arXiv 1502.01852), maps of mean 0 and variance 1."""
    tensors: dict[str, Array] = {}
    for number, (name, shape) in enumerate(network.shapes.items()):
        if name.endswith("/kernel"):
            tensors[name] = he_normal(jax.random.fold_in(key, number), shape)
        else:
            tensors[name] = jnp.full(shape, float(name.endswith("/scale")))
    return Weights(tensors, network.metadata)


# --- the network --------------------------------------------------------------------------------------------------------


def noise(key: PRNGKeyArray, size: tuple[int, int], network: Texture) -> Noise:
    """Draws noise, uniform in [0, 1], for a texture of (height, width), which are multiples of the network's unit."""
    keys = jax.random.split(key, network.sizes)
    factors = [2**level for level in reversed(range(network.sizes))]
    drawn = zip(keys, factors, strict=True)
    return tuple(uniform(own, (size[0] // factor, size[1] // factor, 3)) for own, factor in drawn)


def texture(tensors: Tensors, noise: Noise, *, network: Texture) -> Float[Array, "h w 3"]:
    """Returns the texture of the noise, from −0.09 to 1.09 as in `transformation`."""
    tensors = {name: tensor.astype(noise[0].dtype) for name, tensor in tensors.items()}
    layers = partial(_convolved, tensors, padding=network.padding)
    x = layers("noise1", noise[0])
    for size, one in enumerate(noise[1:], 2):
        larger = jnp.repeat(jnp.repeat(x, 2, 0), 2, 1)
        both = jnp.concatenate([larger, layers(f"noise{size}", one)], -1)
        x = layers(f"join{size}", _normalized(tensors, f"join{size}", both))
    return colors(x @ tensors["last/kernel"][0, 0] + tensors["last/bias"])


def generated(weights: Weights, key: PRNGKeyArray, size: tuple[int, int]) -> Float[np.ndarray, "h w 3"]:
    """Returns a texture of (height, width) in [0, 1], cut from a larger one unless sides are multiples of the unit."""
    network = describe(weights)
    height, width = (-(-length // network.unit) * network.unit for length in size)
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    pixels = _generated(tensors, noise(key, (height, width), network), network=network)
    return np.clip(np.asarray(pixels)[: size[0], : size[1]], 0, 1)


_generated = program(static_argnames="network")(texture)


def _convolved(tensors: Tensors, name: str, x: Float[Array, "h w _"], *, padding: Padding) -> Float[Array, "h w _"]:
    """Applies convolutions of 3, 3 and 1 pixels, each normalized and followed by a leaky ReLU (α = 0.01)."""
    for number in (1, 2, 3):
        kernel = tensors[f"{name}_{number}/kernel"]
        if len(kernel) == 1:
            x = x @ kernel[0, 0]
        else:
            continued: Array = convolve(jnp.pad(x, ((1, 1), (1, 1), (0, 0)), mode=_MODES[padding]), kernel, "zeros")
            x = continued[1:-1, 1:-1]
        x = jax.nn.leaky_relu(_normalized(tensors, f"{name}_{number}", x))
    return x


def _normalized(tensors: Tensors, name: str, x: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    return normalize(x, statistics(x), scale=tensors[f"{name}/scale"], shift=tensors[f"{name}/shift"])
