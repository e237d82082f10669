"""The stage `sharpen`."""

from functools import partial

from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.image.filters.reach import blur_reach
from stylepipe.image.operation_cost import in_tiles
from stylepipe.stage import Estimate, Params, stage


class SharpenParams(Params):
    """The parameters of the unsharp mask."""

    amount: float = Field(default=0.6, ge=0, le=10, description="The factor of the added detail; 0 changes nothing.")
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
        description="A soft threshold in luma, from 0 to 1: weaker detail is unchanged, and stronger detail reduced by it.",
    )


def _estimate(image: Image, params: SharpenParams) -> Estimate:
    return Estimate(image, *in_tiles(image.size, reach=blur_reach(params.radius), memory=145, work=2e-7))


@stage(version=1, estimate=_estimate)
def sharpen(image: Image, params: SharpenParams) -> Image:
    """Sharpens an image: adds `amount` times the detail that a Gaussian blur removes.

    An unsharp mask on the luma Y (Rec. BT.601):

        result = image + amount · soft(Y − blur(Y)), clamped to [0, 1],    soft(d) = sign(d) · max(|d| − threshold, 0)

    The same detail is added to red, green and blue, which avoids colored fringes and does not amplify chroma noise.
    `threshold` is soft, so that no step appears at it. Transparency is preserved. Large pictures are processed in tiles, with
    the same result.
    """
    from stylepipe.image.filters.neighborhood import unsharp_mask
    from stylepipe.image.filters.tiled_filter import tiled

    sharpened = partial(unsharp_mask, amount=params.amount, radius=params.radius, threshold=params.threshold)
    return Image(tiled(sharpened, image.pixels, reach=blur_reach(params.radius)), image.alpha)
