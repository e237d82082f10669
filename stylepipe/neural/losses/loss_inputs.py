"""The inputs of the losses' functions: pictures with their features, masks, and statistics of references. No JAX here."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxtyping import Float, Key

from stylepipe.artifacts import Array

LayerMasks = Mapping[str, Float[Array, "_ _"]]
"""A mask at each layer, by the layer's name."""


class PictureFeatures(NamedTuple):
    """A picture's pixels and its features at the layers that the losses read."""

    pixels: Float[Array, "h w 3"]
    features: Mapping[str, Float[Array, "_ _ _"]]


class LossInputs(NamedTuple):
    """The inputs of a statistic: the picture, and the content and masks at the same positions.

    `content_region` and `regions` (one per style, or a single one where styles are blended) weight the positions of each layer;
    None weights them uniformly. `key` is new at each step, for stochastic losses. `counted` weights the pixels, in [0, 1]: by
    their alpha and, in a tile of a larger picture, 0 where another tile counts the pixel. The regions include these weights;
    None weights pixels uniformly.
    """

    picture: PictureFeatures
    content: PictureFeatures | None = None
    content_region: LayerMasks | None = None
    regions: tuple[LayerMasks | None, ...] = (None,)
    key: Key[Array, ""] | None = None
    counted: Float[Array, "h w"] | None = None


class References(NamedTuple):
    """The statistics of content and styles, from which a target is computed.

    `content` is the statistic of the content compared with itself, or None. `styles` are those of the styles, each within its
    own mask, and `weights` are their weights. If `regional`, each style applies in its own region of the picture; otherwise
    all apply everywhere, and the weights sum to 1.
    """

    content: Any
    styles: tuple[Any, ...]
    weights: Float[Array, " styles"]
    regional: bool
