"""Style as the correlations of features: the Gram matrix (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from typing import Literal

from stylepipe.neural.losses.loss import Shift, StyleLoss


class Gram(StyleLoss):
    """Compares Gram matrices: which features occur together, regardless of position.

    For features F of shape (n, c), G = (F − shift)ᵀ (F − shift) / n, and the loss of a layer is mean((G − G_style)²), over
    the mean square of G_style unless `normalize: none`. As a mean over positions, G does not depend on the picture's size or a
    region's area (Gatys et al. do not divide by n). With several styles the target is the weighted mean of their G; with masks,
    each style's G is compared in its own region, and the losses are summed by the style weights.
    """

    functions = "stylepipe.neural.losses.functions.gram_functions"
    additive = True

    kind: Literal["gram"] = "gram"
    shift: Shift = 0.0
