"""The stage `cutout`: a picture and a mask, both needed."""

from pydantic import Field

from stylepipe.artifacts import Image, Mask
from stylepipe.stage import Params, stage


class CutoutParams(Params):
    """How the edge looks."""

    feather: float = Field(description="Pixels over which the edge fades.", ge=0)


@stage(version=1)
def cutout(image: Image, mask: Mask, params: CutoutParams) -> Image:
    """Keeps what a mask marks."""
    raise NotImplementedError
