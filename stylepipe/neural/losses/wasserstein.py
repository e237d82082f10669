"""Style as a Gaussian over features: the Wasserstein distance (K. Crowson 2020, style-transfer-pytorch)."""

from typing import Literal

from stylepipe.neural.losses.loss import StyleLoss


class Wasserstein(StyleLoss):
    """Compares Gaussians fitted to the features by the squared 2-Wasserstein distance.

    For the mean μ and covariance Σ of c features over the positions, the loss of a layer is

        mean((μ − μ_style)²) + mean(diag(Σ + Σ_style − 2 (Σ_style^½ Σ Σ_style^½)^½)),    1e-4·I added to both Σ.

    Unless `normalize: none`, features are measured in root mean squares of the style's, which divides the loss by their mean
    square, and makes 1e-4 a share of it. Crowson's program has the matrix root from Newton and Schulz's iteration; here it is
    exact. Several styles: the target is the Gaussian of them all together, each in its share; with masks, each style's is
    compared in its own region, and the losses are summed by those weights.
    """

    functions = "stylepipe.neural.losses.functions.wasserstein_functions"
    additive = True

    kind: Literal["wasserstein"] = "wasserstein"
