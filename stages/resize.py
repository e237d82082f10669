"""The stage `resize`."""

from math import prod, sqrt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from stylepipe.artifacts import Image, blank
from stylepipe.image.modes import ResizeMethod
from stylepipe.image.operation_cost import Cost, by_pixel, resampling
from stylepipe.image.sizes import scaled
from stylepipe.stage import Estimate, Params, stage

Side = Annotated[int, Field(ge=1, le=32_768)]


class ResizeParams(Params):
    """The new size, specified in exactly one way, and the resampling method."""

    long_side: Side | None = Field(default=None, description="Pixels of the longer side; the aspect is kept.")
    short_side: Side | None = Field(default=None, description="Pixels of the shorter side; the aspect is kept.")
    width: Side | None = Field(default=None, description="Pixels across; only together with `height`.")
    height: Side | None = Field(default=None, description="Pixels down; only together with `width`.")
    megapixels: float | None = Field(default=None, gt=0, le=1000, description="Millions of pixels in all; the aspect is kept.")
    fit: Literal["keep", "crop", "stretch"] = Field(
        default="keep",
        description="With `width` and `height`: `keep` scales the whole image to fit into them; `crop` fills them and crops "
        "the rest equally on both sides; `stretch` changes the aspect.",
    )
    method: ResizeMethod = Field(
        default="lanczos3", description="The kernel: lanczos3 is the sharpest, area the plainest way to shrink."
    )
    linear_light: bool = Field(
        default=False, description="Whether linear light is resampled instead of its sRGB encoding, which preserves brightness."
    )

    @model_validator(mode="after")
    def _one_size(self) -> "ResizeParams":
        names = ("long_side", "short_side", "width", "height", "megapixels")
        specified = [name for name in names if getattr(self, name) is not None]
        if specified not in (["long_side"], ["short_side"], ["width", "height"], ["megapixels"]):
            raise ValueError(
                f"the size is given by {' and '.join(specified) or 'nothing'}; "
                "allowed is one of long_side, short_side, megapixels, or width and height together"
            )
        if self.fit != "keep" and self.width is None:
            raise ValueError(f"fit is '{self.fit}', which needs width and height; the size is given by {specified[0]}")
        return self


def _estimate(image: Image, params: ResizeParams) -> Estimate:
    filled, kept = _sizes(image.size, params)
    alpha = None if image.alpha is None else blank(*kept)
    cost = resampling(image.size, filled, alpha=alpha is not None and params.method != "nearest")
    light = by_pixel(filled, memory=0, work=1e-7) if params.linear_light else Cost(0, 0.0)
    cropped = Cost(12 * prod(kept) if kept != filled else 0, 0.0)
    return Estimate(Image(blank(*kept, 3), alpha), *cost.and_then(light).and_then(cropped))


@stage(version=1, estimate=_estimate)
def resize(image: Image, params: ResizeParams) -> Image:
    """Resamples an image to another size, up or down.

    `stylepipe.image.resize.resize` describes the methods. Overshoot of lanczos3 and bicubic at edges is clamped to [0, 1].
    Transparency is resampled in the same way, but never as light; colors count by their alpha.
    """
    from stylepipe.image.resize import crop_center, resize_image

    filled, kept = _sizes(image.size, params)
    larger = resize_image(image, filled, method=params.method, linear_light=params.linear_light)
    return Image(crop_center(larger.pixels, kept), None if larger.alpha is None else crop_center(larger.alpha, kept))


def _sizes(size: tuple[int, int], params: ResizeParams) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the size to resample to, and the size of the central crop."""
    height, width = size
    if params.width is not None and params.height is not None:
        exact, ratios = (params.height, params.width), (params.height / height, params.width / width)
        whole = scaled(size, min(ratios))
        return {"keep": (whole, whole), "crop": (scaled(size, max(ratios)), exact), "stretch": (exact, exact)}[params.fit]
    if params.long_side is not None:
        factor = params.long_side / max(size)
    elif params.short_side is not None:
        factor = params.short_side / min(size)
    else:
        factor = sqrt((params.megapixels or 0) * 1e6 / (height * width))
    whole = scaled(size, factor)
    return whole, whole
