"""The content reassembled from features of the styles (Kolkin et al. 2022, arXiv 2203.13215)."""

from typing import Literal

from pydantic import Field

from stylepipe.neural.losses.loss import ExampleLoss, FeatureLoss, Layers, Reference


class NearestNeighbor(FeatureLoss, ExampleLoss):
    """Compares features with those of the style that are most similar to the content's at each position.

    From the features of the content and of the style, each less its mean over positions, every position of the content takes
    the one of the style of the largest cosine; the style's own features there are T, found once. For the picture's features F
    the loss of a layer is mean((F − T)²), over the mean square of T unless `normalize: none`. (Kolkin et al. match all layers
    together, as one long feature by position, and compare F and T by their cosine.) The picture is of the content's size. A
    mask weighs the positions; in a mask of the style's own, those of at least half of its largest value can be chosen. With
    several styles, each in a region of its own or not, the losses are summed by their weights.
    """

    functions = "stylepipe.neural.losses.functions.nearest_neighbor_functions"

    kind: Literal["nearest_neighbour"] = "nearest_neighbour"
    layers: Layers = Field(default={"relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0})

    @property
    def compares(self) -> frozenset[Reference]:
        """Both: the styles' features are rearranged to match the content's."""
        return frozenset({"content", "styles"})
