"""The stage `color_transfer`."""

from functools import partial
from math import prod
from typing import Annotated, Literal

from jaxtyping import Float
from pydantic import Field

from stylepipe.artifacts import Array, Image, Mask
from stylepipe.image.filters.reach import chroma_reach
from stylepipe.image.masks import mask_at, require_fitting, visible_at
from stylepipe.image.modes import LinearMap
from stylepipe.image.operation_cost import by_pixel, in_tiles, resampling
from stylepipe.stage import Estimate, Params, stage
from stylepipe.transparency import require_visible


class Luminance(Params):
    """The image's luma with the chroma of `colors`, pixel by pixel."""

    kind: Literal["luminance"] = "luminance"
    space: Literal["ycbcr", "yiq", "lab", "oklab"] = Field(
        default="ycbcr", description="The color space that separates luma from chroma."
    )


class HistogramMatching(Params):
    """Matches the distributions of R, G and B."""

    kind: Literal["histogram"] = "histogram"


class MeanStd(Params):
    """Matches the mean and the standard deviation of each channel."""

    kind: Literal["mean_std"] = "mean_std"
    space: Literal["lalphabeta", "lab", "oklab", "rgb"] = Field(
        default="lalphabeta", description="The color space whose channels are matched; Reinhard's is lalphabeta."
    )


class Linear(Params):
    """Matches the mean and the covariance of RGB."""

    kind: Literal["linear"] = "linear"
    variant: LinearMap = Field(
        default="monge_kantorovitch", description="The linear map; monge_kantorovitch moves colors least."
    )


class Guided(Params):
    """Keeps the image's lightness and takes the chroma of `colors`, smoothed along the edges of the image."""

    kind: Literal["guided"] = "guided"
    exponent: float = Field(
        default=0.7,
        ge=0,
        le=2,
        description="Chroma is scaled by the ratio of the new to the old lightness, from 0.6 to 2.5, to this power.",
    )
    gray: float = Field(
        default=0.012, ge=0, le=0.5, description="Colors with an Oklab chroma below this become gray rather than tinted."
    )
    radius: int = Field(
        default=5, ge=1, le=100, description="The radius in pixels of the squares within which chroma is smoothed."
    )
    eps: float = Field(
        default=0.0002,
        ge=1e-6,
        le=1,
        description="The variance of lightness, in [0, 1], above which an edge of the image is also one of its colors.",
    )
    gain: float = Field(default=1.0, ge=0, le=10, description="The factor of the chroma.")


class ColorTransferParams(Params):
    """The method of the color transfer, and its strength."""

    method: Annotated[Luminance | Guided | HistogramMatching | MeanStd | Linear, Field(discriminator="kind")] = Field(
        default=Luminance(), description="The method: a `kind` with its parameters."
    )
    strength: float = Field(
        default=1.0, ge=0, le=1, description="The fraction of the change that is applied, from 0 (none) to 1 (all)."
    )


def _estimate(
    image: Image, colors: Image, mask: Mask | None, colors_mask: Mask | None, params: ColorTransferParams
) -> Estimate:
    require_fitting(mask, image, name="mask", picture="the image")
    require_fitting(colors_mask, colors, name="colors_mask", picture="the picture 'colors'")
    weighed = any(each is not None for each in (mask, colors_mask, image.alpha, colors.alpha))
    if isinstance(params.method, Guided):
        reach, results = chroma_reach(params.method.radius), 5 if weighed else 3
        cost = resampling(colors.size, image.size, alpha=colors.alpha is not None)
        guided = in_tiles(image.size, reach=reach, memory=170, work=2e-6, results=results)
        return Estimate(image, *cost.and_then(guided))
    # Bytes by pixel of the image, the same where pixels are weighed, and of the larger one, whose statistics are the peak.
    own, weighted, larger = {
        Luminance: (95, 35, 0),
        MeanStd: (30, 35, 95),
        Linear: (10, 22, 70),
        HistogramMatching: (40, 22, 40),
    }[type(params.method)]
    work = 2e-6 if isinstance(params.method, HistogramMatching) else 7e-7
    cost = by_pixel(image.size, memory=own + weighted * weighed, work=work)
    if isinstance(params.method, Luminance):
        others = resampling(colors.size, image.size, alpha=colors.alpha is not None)
    else:
        others = by_pixel(max(image.size, colors.size, key=prod), memory=larger, work=work)
    return Estimate(image, *cost.and_then(others))


@stage(version=1, estimate=_estimate)
def color_transfer(
    image: Image, colors: Image, mask: Mask | None, colors_mask: Mask | None, params: ColorTransferParams
) -> Image:
    """Transfers the colors of one image to another.

    Before stylization, with `image` the style and `colors` the content, it makes a style in the content's colors; after it,
    with `image` the result and `colors` the content, it brings the content's colors back.

    - `luminance` takes chroma pixel by pixel, so that each object keeps the color it has in `colors`, which shows the same
      scene; where its size differs it is resampled (bicubic).
    - `guided` does so in Oklab, too, but the colors follow the edges of `image`, not those of `colors`: for a result whose
      strokes have moved. It scales them with the change of lightness, so that light strokes are colorful and dark ones muted.
      Large pictures are taken in tiles, with the same result.
    - `histogram`, `mean_std` and `linear` compare statistics, so the two may differ in size and in what they show.

    `mask` is the region of `image` that changes, softly, and that its statistics are taken within; `colors_mask` is the region
    for those of `colors`, of no effect on `luminance` and `guided`, which take none. Masks of another size are resampled to
    their picture's (bilinear). In statistics, pixels also count by their alpha, so a cut-out gives the colors of its visible
    part. The result is clamped to [0, 1] and keeps the transparency of `image`.

    The formulas and their sources are in `stylepipe.image.color.color_matching`, those of `guided` in
    `stylepipe.image.filters.guided_chroma`. Raises StageError for a mask that is empty or of another aspect than its picture,
    and for a wholly transparent picture.
    """
    import jax.numpy as jnp

    require_visible(image, "The image")
    require_visible(colors, "The picture 'colors'")
    weights = visible_at(image, mask, name="mask", picture="the image")
    color_weights = visible_at(colors, colors_mask, name="colors_mask", picture="the picture 'colors'")
    change = params.strength * (_matched(image, colors, weights, color_weights, params) - image.pixels)
    if mask is not None:
        change *= mask_at(mask, image.size, name="mask", picture="the image")[..., None]
    return Image(jnp.clip(image.pixels + change, 0, 1), image.alpha)


def _matched(
    image: Image,
    colors: Image,
    weights: Float[Array, "_ _"] | None,
    color_weights: Float[Array, "_ _"] | None,
    params: ColorTransferParams,
) -> Float[Array, "_ _ 3"]:
    from stylepipe.image.color.color_matching import match_covariance, match_histogram, match_luminance, match_mean_std
    from stylepipe.image.filters.guided_chroma import guided_chroma
    from stylepipe.image.filters.tiled_filter import tiled
    from stylepipe.image.resize import resize_image

    pictures = image.pixels, colors.pixels
    regions = {"weights": weights, "color_weights": color_weights}
    match params.method:
        case Luminance(space=space):
            return match_luminance(image.pixels, resize_image(colors, image.size, method="bicubic").pixels, space=space)
        case Guided(radius=radius) as method:
            local = partial(guided_chroma, **method.model_dump(exclude={"kind"}))
            resized = resize_image(colors, image.size, method="bicubic")
            return tiled(local, image.pixels, resized.pixels, reach=chroma_reach(radius))
        case HistogramMatching():
            return match_histogram(*pictures, **regions)
        case MeanStd(space=space):
            return match_mean_std(*pictures, space=space, **regions)
        case Linear(variant=variant):
            return match_covariance(*pictures, variant=variant, **regions)
