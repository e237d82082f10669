"""Masks at the layers of a network."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from stylepipe.errors import StageError
from stylepipe.image.resize import resize
from stylepipe.neural.encoders.encoder import Encoder, check_layers
from stylepipe.neural.style_transfer.stylization_inputs import MaskPooling

_LEAST = 1e-3
"""A mask that covers less than this many positions of a layer is empty there."""


def layer_masks(
    mask: Float[np.ndarray, "height width"], *, layers: Sequence[str], encoder: Encoder, pooling: MaskPooling, name: str
) -> dict[str, Float[Array, "_ _"]]:
    """Returns a mask at the resolution of each layer, in [0, 1].

    `network` propagates the mask through the network: each layer, taken as a 3×3 convolution, averages 3×3 positions (fewer at
    the border), each pool its window, so that a feature is weighted by the masked fraction of its receptive field. `area`
    averages only the pixels under a position. Raises StageError, with `name`, for a mask that is empty at a layer, and as
    `check_layers` does.
    """
    check_layers(layers, encoder, mask.shape)
    masks = _pooled(mask, layers, encoder) if pooling == "network" else _by_area(mask, layers, encoder)
    for layer, values in masks.items():
        if values.sum() < _LEAST:
            raise StageError(
                f"The {name} is empty at the layer '{layer}': it covers {values.sum():.2g} of its {values.size} positions.",
                hint="Masks are white inside. Give a larger region, or work at a larger size.",
            )
    return {layer: jnp.asarray(values) for layer, values in masks.items()}


def _pooled(mask: np.ndarray, layers: Sequence[str], encoder: Encoder) -> dict[str, np.ndarray]:
    masks: dict[str, np.ndarray] = {}
    stride = 1
    for layer in encoder.layers:
        if len(masks) == len(set(layers)):
            break
        factor, stride = encoder.stride(layer) // stride, encoder.stride(layer)
        if factor > 1:
            height, width = mask.shape[0] // factor, mask.shape[1] // factor
            mask = mask[: factor * height, : factor * width].reshape(height, factor, width, factor).mean((1, 3))
        mask = _average3(_average3(mask).T).T
        if layer in layers:
            masks[layer] = mask
    return masks


def _average3(mask: np.ndarray) -> np.ndarray:
    """Averages each value with its vertical neighbors."""
    padded = np.pad(mask, ((1, 1), (0, 0)))
    total = padded[:-2] + padded[1:-1] + padded[2:]
    there = np.full((len(mask), 1), 3, mask.dtype)
    there[0] -= 1
    there[-1] -= 1
    return total / there


def _by_area(mask: np.ndarray, layers: Sequence[str], encoder: Encoder) -> dict[str, np.ndarray]:
    sizes = {layer: encoder.size_at(layer, mask.shape) for layer in layers}
    return {layer: np.asarray(resize(mask, size, method="area")) for layer, size in sizes.items()}
