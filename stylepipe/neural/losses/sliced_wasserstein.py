"""Style as the distribution of features, by random projections (Heitz et al. 2021, arXiv 2006.07229)."""

from typing import ClassVar, Literal

from pydantic import Field

from stylepipe.neural.losses.loss import StyleLoss


class SlicedWasserstein(StyleLoss):
    """Compares the full distribution of features, which includes Gram matrices and histograms.

    For features F of shape (n, c) and d random unit directions v, drawn anew at each step, F v and F_style v are sorted and the
    k-th smallest is matched with the k-th smallest; the loss of a layer is mean((F v − F_style v)²) over directions and what is
    matched, over the mean square of F_style v that is expected, mean(F_style²), unless `normalize: none`. For other numbers of
    positions (Heitz et al. interpolate) and for masks it is the exact squared 2-Wasserstein distance of the projections, the
    same for regions of any area. With several styles, each in a region of its own or not, the losses are summed by their
    weights. As the loss changes with the directions, it takes an optimizer that does not compare losses of different steps:
    `adam`. L-BFGS would reject good steps for their draw, and stall.
    """

    functions = "stylepipe.neural.losses.functions.sliced_wasserstein_functions"
    stochastic: ClassVar[bool] = True

    kind: Literal["sliced_wasserstein"] = "sliced_wasserstein"
    directions: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="Directions at each layer and step; by default, as many as the layer has channels.",
    )
