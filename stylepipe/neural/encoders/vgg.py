"""VGG's named layers as one pure function of the weights and an image (Simonyan and Zisserman 2014, arXiv 1409.1556)."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.neural.encoders.encoder import check_layers
from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.xla.convolution import Kernel, Map, convolve, correlate, plain
from stylepipe.neural.xla.sharding import by_rows

_PRECISIONS = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": "bfloat16"}
"""JAX's names of the precisions."""


def features(
    tensors: Mapping[str, Float[Array, "..."]],
    image: Float[Array, "height width 3"],
    *,
    layers: tuple[str, ...],
    encoder: Vgg,
) -> dict[str, Float[Array, "_ _ _"]]:
    """Returns the activations of the named layers after their ReLU, each of shape (h, w, channels).

    `tensors` are those of the weights that `encoder` describes; `image` is RGB in [0, 1]. A layer of block b has the image's
    size divided by 2^(b−1), rounded down at each pool. No deeper layer than asked for is computed. With padding by zeros, the
    normalized image is padded, as in training. Where there are several devices, the rows of a high image lie over them.
    `layers` and `encoder` are static under `jax.jit`; the tensors must be arguments, or XLA computes on them while it compiles.
    Raises StageError for a layer that the weights do not hold and for an image too small for one.
    """
    check_layers(layers, encoder, image.shape[:2])
    deepest = max((encoder.layers.index(name) for name in layers), default=-1)
    maps: dict[str, Array] = {}
    weights = {name: tensor.astype(image.dtype) for name, tensor in tensors.items()}
    x = correlate(image, weights["normalise/kernel"]) + weights["normalise/bias"]
    for name in encoder.layers[: deepest + 1]:
        place = name.removeprefix("relu")
        if place.endswith("_1") and place != "1_1":
            x = encoder.gain * _pool(x, encoder)
        x = jax.nn.relu(_convolved(x, weights[f"conv{place}/kernel"], encoder) + weights[f"conv{place}/bias"])
        x = by_rows(x, len(image))
        if name in layers:
            maps[name] = x
    return maps


def _convolved(x: Map, kernel: Kernel, vgg: Vgg) -> Map:
    """Convolves in the network's precision, forward and backward, from and to that of x."""
    precision = _PRECISIONS[vgg.precision]
    if vgg.precision == "bfloat16":
        return plain(x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16), vgg.padding, precision).astype(x.dtype)
    return convolve(x, kernel, vgg.padding, precision)


def _pool(x: Float[Array, "_ _ _"], vgg: Vgg) -> Float[Array, "_ _ _"]:
    """Pools 2×2 windows with stride 2, dropping an odd last row or column. `l2` is the root of the sum of squares."""
    height, width = x.shape[0] // 2, x.shape[1] // 2
    windows = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1)
    match vgg.pooling:
        case "max":
            # Slices and maxima: the gradient of `reduce_window` is several times slower on the CPU.
            rows = jnp.maximum(windows[:, 0], windows[:, 1])
            return jnp.maximum(rows[:, :, 0], rows[:, :, 1])
        case "average":
            return windows.mean((1, 3))
        case "l2":
            squares = jnp.square(windows).sum((1, 3))
            positive = squares > 0  # the root's gradient at 0 is infinite; 0 is used
            return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1)), 0)
