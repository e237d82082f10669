"""Prepares pictures for the quality measures: resized, and their features computed."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array, Image, Weights
from stylepipe.errors import StageError
from stylepipe.image.resize import resize_image
from stylepipe.image.sizes import scaled
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.evaluation.measures import BINS, PATCH, Layers, MeasuredPicture
from stylepipe.neural.xla.compile_options import program
from stylepipe.transparency import alpha_of, require_visible, without_hidden

SIDE = 256
"""The long side of measured pictures."""

Pixels = Float[Array, "height width 3"]


def working_size(size: tuple[int, int]) -> tuple[int, int]:
    """Returns the (height, width) at which a picture of a size is measured."""
    return scaled(size, SIDE / max(size))


def measured_picture(image: Image, size: tuple[int, int], network: Weights, layers: Layers) -> MeasuredPicture:
    """Computes what the measures need of a picture at this size; pixels are weighted by their alpha.

    `network` is a VGG, `layers` those of each measure. The picture lies in the corner of a square, and its mirror image
    fills the rest, so that one compiled program serves all pictures. Raises StageError for a picture so narrow that a layer
    holds no patch of it, and for one of which nothing is visible.
    """
    require_visible(image, "A picture that is measured")
    height, width = size
    vgg = describe(network)
    steps = {layer: vgg.stride(layer) for layer in sorted({name for each in layers.values() for name in each})}
    least = PATCH * max(steps.values())
    if min(size) < least:
        raise StageError(
            f"The quality of a picture so narrow cannot be measured: brought to a long side of {SIDE} pixels it has"
            f" {width}×{height}, and needs {least} each way.",
            hint="Compare pictures that are less narrow.",
        )
    shown = resize_image(without_hidden(image), size, method="area")
    small, alpha = np.asarray(shown.pixels), None if alpha_of(image) is None else np.asarray(shown.alpha)
    bins = np.clip(small * BINS, 0, BINS - 1).astype(int)
    weights = None if alpha is None else alpha.ravel()
    counts = np.array([np.bincount(bins[..., channel].ravel(), weights, minlength=BINS) for channel in range(3)])
    square = np.pad(small, ((0, SIDE - height), (0, SIDE - width), (0, 0)), mode="symmetric")
    maps = _features(network.tensors, square, layers=tuple(steps), vgg=vgg)
    cropped = {layer: np.asarray(maps[layer])[: height // step, : width // step] for layer, step in steps.items()}
    visible = None if alpha is None else {layer: _pooled(alpha, step) for layer, step in steps.items()}
    return MeasuredPicture(counts / counts[0].sum(), cropped, visible)


def _pooled(alpha: Float[np.ndarray, "height width"], step: int) -> Float[np.ndarray, "_ _"]:
    """Returns the means of step × step pixels."""
    height, width = (side // step for side in alpha.shape)
    return alpha[: height * step, : width * step].reshape(height, step, width, step).mean((1, 3))


@program(static_argnames=("layers", "vgg"))
def _features(
    tensors: Mapping[str, Array], square: Pixels, *, layers: tuple[str, ...], vgg: Vgg
) -> dict[str, Float[Array, "_ _ _"]]:
    return features(tensors, square, layers=layers, encoder=vgg)
