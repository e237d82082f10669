"""Smoothness: the total variation of the picture itself (Mahendran and Vedaldi 2015, arXiv 1412.0035)."""

from typing import Literal

from pydantic import Field

from stylepipe.neural.losses.loss import Loss


class TotalVariation(Loss):
    """Smooths the picture: mean((dx² + dy²)^(exponent/2)).

    dx and dy are the differences of each pixel to its right and lower neighbor, by channel; 0 where there is no neighbor.
    (INetwork omits the last row and column. They are then not smoothed along the border, and pooling that drops an odd last
    position hides them from deep layers: artifacts appear there.) INetwork and stylenet use the exponent 2.5.
    """

    functions = "stylepipe.neural.losses.functions.total_variation_functions"
    additive = True

    kind: Literal["total_variation"] = "total_variation"
    exponent: float = Field(
        default=2.0, ge=1, le=4, description="Above 2, strong edges weigh more; at 1, an edge weighs as much as a ramp."
    )
