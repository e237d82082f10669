"""Checks from sizes alone that pictures are large enough for the layers and losses."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg import check_layers
from stylepipe.neural.encoders.vgg_layout import pooling_stages
from stylepipe.neural.losses.loss import LossInputs, PictureFeatures
from stylepipe.neural.style_transfer.objective import Objective

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of a network's tensors by name."""


def check_scale(
    objective: Objective, network: Shapes, size: tuple[int, int], styles: Sequence[tuple[int, int]], *, content: bool
) -> None:
    """Raises StageError for a layer that the network lacks, and for a picture too small for a layer or a loss.

    `size` is that of the result and of the content, `styles` are those of the styles, (height, width) each.
    """
    check_size(objective, network, size, content=content)
    for number, style in enumerate(styles, 1):
        try:
            check_size(objective, network, style, compares="styles")
        except StageError as error:
            error.within(f"Style {number} is brought to {style[1]}×{style[0]} pixels")
            raise


def check_size(
    objective: Objective, network: Shapes, size: tuple[int, int], *, compares: str | None = None, content: bool = True
) -> None:
    """Raises StageError for a layer that the network lacks, or for which a picture of this (height, width) is too small.

    `compares` selects the losses as in `Objective.layers`. They are traced, not computed.
    """
    check_layers(objective.layers(compares), objective.vgg, size)
    picture = _picture(size, network, objective.layers(compares))
    shown = _picture(size, network, objective.layers("content")) if content else None
    jax.eval_shape(lambda picture, shown: objective.statistics(LossInputs(picture, shown), compares), picture, shown)


def channels(network: Shapes) -> dict[str, int]:
    """Returns the number of channels of each layer."""
    kernels = {name.removesuffix("/kernel"): shape for name, shape in network.items() if name.endswith("/kernel")}
    return {name.replace("conv", "relu"): shape[-1] for name, shape in kernels.items()}


def _picture(size: tuple[int, int], network: Shapes, layers: Sequence[str]) -> Any:
    """Returns a `PictureFeatures` of abstract arrays (`jax.ShapeDtypeStruct`)."""

    def map_of(layer: str) -> Any:
        height, width = (side >> pooling_stages(layer) for side in size)
        return jax.ShapeDtypeStruct((height, width, channels(network)[layer]), jnp.float32)

    pixels: Any = jax.ShapeDtypeStruct((*size, 3), jnp.float32)
    return PictureFeatures(pixels, {layer: map_of(layer) for layer in layers})
