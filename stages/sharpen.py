"""The stage `sharpen`."""

from functools import partial

from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.image.filters.neighborhood import reach, unsharp_mask
from stylepipe.image.filters.tiled_filter import tiled
from stylepipe.image.operation_cost import in_tiles
from stylepipe.stage import Estimate, Params, stage


class SharpenParams(Params):
    """How strongly, and which detail."""

    amount: float = Field(default=0.6, ge=0, le=10, description="How many times over the detail is added; 0 changes nothing.")
    radius: float = Field(
        default=1.5,
        ge=0.2,
        le=100,
        description="The standard deviation of the blur in pixels: detail finer than this is sharpened.",
    )
    threshold: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Detail weaker than this, in luma from 0 to 1, is left alone, and stronger by so much less.",
    )


def _estimate(image: Image, params: SharpenParams) -> Estimate:
    return Estimate(image, *in_tiles(image.size, reach=reach(params.radius), memory=145, work=2e-7))


@stage(version=1, estimate=_estimate)
def sharpen(image: Image, params: SharpenParams) -> Image:
    """Adds back, `amount` times over, the detail that a Gaussian blur removes.

    An unsharp mask on the luma Y (Rec. BT.601):

        result = image + amount · soft(Y − blur(Y)), clamped to [0, 1],    soft(d) = sign(d) · max(|d| − threshold, 0)

    The same detail is added to red, green and blue, so that edges get no colored fringes and the noise of the colors is not
    brought out. `threshold` is soft: unlike with a hard one, no step appears where it begins. Transparency is handed on.
    Large pictures are taken in tiles, with the same result.
    """
    sharpened = partial(unsharp_mask, amount=params.amount, radius=params.radius, threshold=params.threshold)
    return Image(tiled(sharpened, image.pixels, reach=reach(params.radius)), image.alpha)
