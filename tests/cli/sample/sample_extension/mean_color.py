"""Style as its mean color (sample extension, 2026)."""

from typing import Literal

from stylepipe.neural.losses.loss import Loss, Reference


class MeanColor(Loss):
    """Compares the mean color with that of the styles: Σ (mean(X) − mean(S))² over the channels."""

    functions = "sample_extension.mean_color_functions"
    additive = True

    kind: Literal["mean_color"] = "mean_color"

    @property
    def compares(self) -> frozenset[Reference]:
        """The styles."""
        return frozenset({"styles"})
