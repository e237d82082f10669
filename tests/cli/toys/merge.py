"""The stage `merge`: takes an input of each kind."""

from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.stage import Params, stage


@stage(version=1)
def merge(image: Image, mask: Mask, extractor: Weights, params: Params) -> Image:
    """Gives the image back."""
    return image
