"""Checks from sizes alone that pictures are large enough for the layers and losses."""

from collections.abc import Sequence

from stylepipe.errors import StageError
from stylepipe.neural.encoders.encoder import check_layers
from stylepipe.neural.losses.loss import FeatureLoss
from stylepipe.neural.style_transfer.loss_set import LossSet


def check_scale(objective: LossSet, size: tuple[int, int], styles: Sequence[tuple[int, int]]) -> None:
    """Raises StageError for a layer that the network lacks, and for a picture too small for a layer or a loss.

    `size` is that of the result and of the content, `styles` are those of the styles, (height, width) each.
    """
    check_size(objective, size)
    for number, style in enumerate(styles, 1):
        try:
            check_size(objective, style, compares="styles")
        except StageError as error:
            error.within(f"Style {number} is brought to {style[1]}×{style[0]} pixels")
            raise


def check_size(objective: LossSet, size: tuple[int, int], *, compares: str | None = None) -> None:
    """Raises StageError for a layer that the network lacks, or for which a picture of this (height, width) is too small.

    `compares` selects the losses as in `LossSet.layers`.
    """
    check_layers(objective.layers(compares), objective.encoder, size)
    for loss in objective.losses:
        if compares is None or compares in loss.compares:
            loss.check_size(size)
            if isinstance(loss, FeatureLoss):
                for layer in loss.table:
                    loss.check_map(layer, objective.encoder.size_at(layer, size))
