"""The stage `outline`: a mask out of a picture, without parameters."""

from stylepipe.artifacts import Image, Mask
from stylepipe.stage import Params, stage


@stage(version=1)
def outline(image: Image, params: Params) -> Mask:
    """Finds what stands out in a picture."""
    raise NotImplementedError
