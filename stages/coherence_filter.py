"""The stage `coherence_filter`."""

from functools import partial

import numpy as np
from pydantic import Field

from stylepipe.artifacts import Image, Mask
from stylepipe.image.filters.reach import coherence_reach
from stylepipe.image.masks import mask_at, require_fitting
from stylepipe.image.operation_cost import in_tiles
from stylepipe.stage import Estimate, Params, stage

_TILE = 2048
"""Tiles are larger than those of other filters, since this one reaches far."""


class CoherenceFilterParams(Params):
    """The iterations, strength and scales (in pixels) of the filter."""

    iterations: int = Field(default=2, ge=1, le=10, description="The number of iterations of both steps.")
    amount: float = Field(
        default=0.7, ge=0, le=1, description="How strongly it sharpens across strokes; 0 only smooths along them."
    )
    gradient_sigma: float = Field(
        default=1.0, ge=0.5, le=10, description="Standard deviation of the blur before the gradient of luma is taken."
    )
    tensor_sigma: float = Field(
        default=3.0,
        ge=0.5,
        le=20,
        description="Standard deviation of the mean of directions: about half the width of a stroke.",
    )
    stroke_sigma: float = Field(
        default=4.0, ge=0.5, le=20, description="Standard deviation of the smoothing along strokes, which goes twice as far."
    )

    @property
    def sigmas(self) -> dict[str, float]:
        """The standard deviations by name."""
        return {name: getattr(self, name) for name in ("gradient_sigma", "tensor_sigma", "stroke_sigma")}


def _reach(params: CoherenceFilterParams) -> int:
    return coherence_reach(iterations=params.iterations, **params.sigmas)


def _estimate(image: Image, mask: Mask | None, params: CoherenceFilterParams) -> Estimate:
    require_fitting(mask, image, name="mask", picture="the image")
    work = params.iterations * (9e-7 + 2e-7 * params.stroke_sigma + 5e-8 * params.tensor_sigma)
    return Estimate(image, *in_tiles(image.size, reach=_reach(params), memory=165, work=work, results=2, tile=_TILE))


@stage(version=1, estimate=_estimate)
def coherence_filter(image: Image, mask: Mask | None, params: CoherenceFilterParams) -> Image:
    """Smooths an image along its strokes, and sharpens it across them.

    A coherence-enhancing shock filter (Weickert 2003; Kyprianidis and Kang 2011). The direction of strokes is that of the
    structure tensor of luma. In each iteration colors are averaged along the line that follows it from each pixel, and then,
    by `amount`, move across it toward the lightest neighbor on a light ridge and the darkest in a dark valley, so that grain
    goes and edges become crisp. Where the image is flat or has no direction, it is only blurred a little.
    `stylepipe.image.filters.coherence` has the formula.

    `mask` is the region that changes, softly; a mask of another size is resampled to the image's (bilinear). Transparency is
    preserved. All values stay within the range of the image. Large pictures are processed in tiles, with the same result except
    at rare pixels (fewer than one in a thousand) where rounding decides the sign of a direction. Raises StageError for a mask
    that is empty or of another aspect than the image.
    """
    from stylepipe.image.filters.coherence import coherence_filter as filtered
    from stylepipe.image.filters.tiled_filter import tiled

    local = partial(filtered, iterations=params.iterations, amount=params.amount, **params.sigmas)
    pixels = np.clip(tiled(local, image.pixels, reach=_reach(params), tile=_TILE), 0, 1)
    if mask is not None:
        share = np.asarray(mask_at(mask, image.size, name="mask", picture="the image"))[..., None]
        pixels = image.pixels + share * (pixels - image.pixels)
    return Image(pixels, image.alpha)
