"""The encoders of the kind `vgg`: VGG-16, VGG-19, and what is distilled or cut from them."""

from typing import ClassVar, Literal

from stylepipe.artifacts import Weights
from stylepipe.neural.encoders.encoder import Architecture, Pooling, Precision
from stylepipe.neural.encoders.vgg_layout import DEEPEST, Vgg, describe, layer_name, places


class VggArchitecture(Architecture):
    """VGG-16, VGG-19, vgg19-slim, vgg19-shallow: 3×3 convolutions, each with a ReLU, and pools between blocks of them.

    The layers are named by their block and their place in it, `relu4_1`. (Simonyan and Zisserman 2014, arXiv 1409.1556.)
    """

    functions: ClassVar[str] = Vgg.functions
    layer_names: ClassVar[tuple[str, ...]] = tuple(layer_name(*place) for place in places(DEEPEST))

    kind: Literal["vgg"] = "vgg"

    def encoder_of(self, weights: Weights, *, pooling: Pooling | None, precision: Precision) -> Vgg:
        """Returns the network of the weights. Raises WeightsError for weights of another network."""
        return describe(weights, pooling=pooling, precision=precision)
