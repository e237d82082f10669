"""Style as the correlations of adjacent layers (Novak and Nikulin 2016, 3.5, arXiv 1605.04603)."""

from typing import Literal

from pydantic import Field, field_validator

from stylepipe.errors import StageError
from stylepipe.image.sizes import Size
from stylepipe.neural.losses.loss import Layers, Shift, StyleLoss


class CorrelationChain(StyleLoss):
    """Compares which features of each layer occur together with which features of the next.

    For features F of a layer, (n, c), and F' of the next of `layers`, (n', c'), G = (F − shift)ᵀ (up(F') − shift) / n, where up
    repeats each position of the deeper layer for all those of the shallower one that its pools came from (at an odd size, its
    last row and column for what the pools left out). The loss is the sum over pairs of mean((G − G_style)²), over the mean
    square of G_style unless `normalize: none`; a pair counts by the mean of its layers' weights. Several styles: the target is
    the mean of their G by their weights; with masks, each style's G is compared in its own region, and the losses are summed
    by those weights.

    INetwork codes the chain as something else, differences of consecutive layers' errors: that is a loss of the kind `gram`,
    with `shift: 1` and `geometric: consecutive_errors`.
    """

    functions = "stylepipe.neural.losses.functions.correlation_chain_functions"
    additive = True

    kind: Literal["correlation_chain"] = "correlation_chain"
    layers: Layers = Field(default="all")
    shift: Shift = 0.0

    @field_validator("layers")
    @classmethod
    def _two_at_least(cls, layers: Layers) -> Layers:
        if layers != "all" and len(layers) < 2:
            raise ValueError("a chain takes at least 2 layers")
        return layers

    def check_size(self, size: Size) -> None:
        """Raises StageError where `all` is a single layer."""
        if len(self.table) < 2:
            raise StageError(
                f"The loss 'correlation_chain' takes at least 2 layers; the network has {', '.join(self.table)}.",
                hint="Leave it out, or take a network of more layers.",
            )
