"""Style as local patches of features, a Markov random field (Li and Wand 2016, arXiv 1601.04589)."""

from typing import Literal

from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.image.sizes import Size
from stylepipe.neural.losses.loss import Layers, StyleLoss

SIDE = 3
"""Patches have 3×3 positions, as in the paper."""


class Mrf(StyleLoss):
    """Compares each patch of features with the most similar patch of the style.

    P_i are the patches of 3×3 positions of the features, one around each inner position; Q_i is the style patch with the
    largest normalized cross-correlation with P_i, searched at each step under stop-gradient. The loss of a layer is
    mean((P − Q)²), over the mean square of the style's patches unless `normalize: none`. (Li and Wand sum; the mean does not
    depend on a region's area.) A mask weights a patch by its value at the center; a style mask selects the patches whose
    centers have at least half of its largest value. With several styles, with or without regions, the losses are summed by the
    style weights; without regions, each patch is matched in every style.
    """

    functions = "stylepipe.neural.losses.functions.mrf_functions"

    kind: Literal["mrf"] = "mrf"
    layers: Layers = Field(default={"relu3_1": 1.0, "relu4_1": 1.0})

    def check_map(self, layer: str, size: Size) -> None:
        """Raises StageError for a layer smaller than a patch."""
        if min(size) < SIDE:
            raise StageError(
                f"The loss 'mrf' needs layers of at least {SIDE}×{SIDE} positions; here '{layer}' has {size[1]}×{size[0]}.",
                hint="Work at a larger size, or use layers of earlier blocks.",
            )
