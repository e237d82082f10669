"""Style as the histogram of each feature (Risser, Wilmot and Barnes 2017, arXiv 1701.08893)."""

from typing import Literal

from pydantic import Field

from stylepipe.neural.losses.loss import Layers, StyleLoss


class Histogram(StyleLoss):
    """Compares the histogram of each feature, without correlations between features.

    For features F of shape (n, c), each channel is matched to the style's: the k-th smallest value to the style's k-th
    smallest or, for different numbers of values, to the mean of the style's values over the same quantile interval. With R the
    matched values, recomputed at each step under stop-gradient, the loss of a layer is mean((F − R)²), over the mean square of
    the style's features unless `normalize: none`. There are no bins (Risser et al. use 256, Tseng 255): the values are
    sorted. For different numbers of values or with masks, the mean is over the transport plan, so that the loss is the
    squared 2-Wasserstein distance of the histograms, independent of a region's area. With several styles, each in a region
    of its own or not, the losses are summed by the style weights; without regions, their sum is minimal at the histogram whose
    quantiles are the weighted means of the styles'.
    """

    functions = "stylepipe.neural.losses.functions.histogram_functions"

    kind: Literal["histogram"] = "histogram"
    layers: Layers = Field(default={"relu1_1": 1.0, "relu4_1": 1.0})
    pool_channels: bool = Field(
        default=False, description="Pools the values of all channels of a layer in one histogram, as in Tseng's program."
    )
