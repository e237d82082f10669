"""Style as the mean and standard deviation of each feature (Huang and Belongie 2017, arXiv 1703.06868)."""

from typing import Literal

from stylepipe.neural.losses.loss import StyleLoss


class Moments(StyleLoss):
    """Compares the mean and the standard deviation of each feature, without correlations between features.

    For the means μ and standard deviations σ of the c channels over the positions, the loss of a layer is
    mean((μ − μ_style)²) + mean((σ − σ_style)²), over mean(μ_style² + σ_style²) unless `normalize: none`. It costs far less than
    a Gram matrix, and is the loss that AdaIN is trained with. With several styles the target has the moments of their weighted
    mixture; with masks, each style's are compared in its own region, and the losses are summed by the style weights.
    """

    functions = "stylepipe.neural.losses.functions.moments_functions"
    additive = True

    kind: Literal["moments"] = "moments"
