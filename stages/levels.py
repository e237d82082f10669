"""The stage `levels`."""

from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from stylepipe.artifacts import Array, Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.masks import mask_at, require_fitting, visible_at
from stylepipe.image.operation_cost import by_pixel
from stylepipe.stage import Estimate, Params, stage
from stylepipe.transparency import require_visible


class Percentiles(Params):
    """Brings two percentiles of lightness to a black and a white point."""

    kind: Literal["percentiles"] = "percentiles"
    low: float = Field(default=0.5, ge=0, le=50, description="The percentile of lightness that becomes `black`.")
    high: float = Field(default=98.5, ge=50, le=100, description="The percentile of lightness that becomes `white`.")
    black: float = Field(default=0.01, ge=0, le=0.5, description="The new lightness of the low percentile and below.")
    white: float = Field(default=0.99, ge=0.5, le=1, description="The new lightness of the high percentile and above.")
    gamma: float = Field(
        default=1.0, ge=0.1, le=10, description="Above 1 brightens what lies between black and white, below 1 darkens it."
    )


class Match(Params):
    """Matches the distribution of lightness to that of `reference`."""

    kind: Literal["match"] = "match"


class LevelsParams(Params):
    """The mapping of lightness, and its strength."""

    method: Annotated[Percentiles | Match, Field(discriminator="kind")] = Field(
        default=Percentiles(), description="The mapping: a `kind` with its parameters."
    )
    strength: float = Field(
        default=1.0, ge=0, le=1, description="The fraction of the change that is applied, from 0 (none) to 1 (all)."
    )


def _check(params: LevelsParams, reference: Image | None, reference_mask: Mask | None, **_: Any) -> None:
    if isinstance(params.method, Match):
        _required(reference)
    elif reference is not None or reference_mask is not None:
        name = "reference_mask" if reference is None else "reference"
        raise StageError(
            f"'{name}' has no effect with 'method: {{kind: percentiles}}'.",
            hint=f"Set 'method: {{kind: match}}' to match the lightness of a reference, or remove '{name}'.",
        )


def _required(reference: Image | None) -> Image:
    if reference is None:
        raise StageError(
            "'method: {kind: match}' needs 'reference', and none is given.",
            hint="Give 'reference' the picture whose lightness is matched, or set 'method: {kind: percentiles}'.",
        )
    return reference


def _estimate(
    image: Image, reference: Image | None, mask: Mask | None, reference_mask: Mask | None, params: LevelsParams
) -> Estimate:
    require_fitting(mask, image, name="mask", picture="the image")
    cost = by_pixel(image.size, memory=105, work=1e-6)
    if isinstance(params.method, Match):
        reference = _required(reference)
        require_fitting(reference_mask, reference, name="reference_mask", picture="the picture 'reference'")
        cost = cost.and_then(by_pixel(max(image.size, reference.size, key=prod), memory=25, work=8e-7))
    return Estimate(image, *cost)


@stage(version=1, estimate=_estimate, check=_check)
def levels(
    image: Image, reference: Image | None, mask: Mask | None, reference_mask: Mask | None, params: LevelsParams
) -> Image:
    """Sets the black and white point of an image, or matches its lightness to another picture's.

    Lightness is L of Oklab (B. Ottosson 2020); a and b, the chroma, stay.

    - `percentiles`: L becomes black + (white − black) · t^(1 / gamma), where t goes from 0 at the low percentile of L to 1 at
      the high one and is clamped. The defaults use the full range. A flat picture stays as it is.
    - `match`: each L becomes the one at the same quantile of `reference`, exactly, not in bins. The two may differ in size and
      in what they show.

    `mask` is the region that changes, softly, and that its statistics are taken within; `reference_mask` is the region for
    those of `reference`. Masks of another size are resampled to their picture's (bilinear). In statistics, pixels also count by
    their alpha. The result keeps the transparency of `image` and is clamped to [0, 1]: a strong color of a new lightness may
    lie outside.

    Raises StageError for `match` without a reference, for a mask that is empty or of another aspect than its picture, and for a
    wholly transparent picture.
    """
    import jax.numpy as jnp

    from stylepipe.image.color.tone import lightness, stretch, with_lightness

    require_visible(image, "The image")
    weights = visible_at(image, mask, name="mask", picture="the image")
    old = np.asarray(lightness(image.pixels))
    match params.method:
        case Percentiles(low=low, high=high, black=black, white=white, gamma=gamma):
            new = stretch(old, percentiles=(low, high), targets=(black, white), gamma=gamma, weights=weights)
        case Match():
            new = _matched(old, weights, _required(reference), reference_mask)
    change = params.strength * (with_lightness(image.pixels, new) - image.pixels)
    if mask is not None:
        change *= mask_at(mask, image.size, name="mask", picture="the image")[..., None]
    return Image(jnp.clip(image.pixels + change, 0, 1), image.alpha)


def _matched(
    plane: Float[np.ndarray, "h w"],
    weights: Float[Array, "h w"] | None,
    reference: Image,
    reference_mask: Mask | None,
) -> Float[np.ndarray, "h w"]:
    from stylepipe.image.color.color_matching import match_distribution
    from stylepipe.image.color.tone import lightness

    require_visible(reference, "The picture 'reference'")
    counts = visible_at(reference, reference_mask, name="reference_mask", picture="the picture 'reference'")
    return match_distribution(plane, np.asarray(lightness(reference.pixels)), weights=weights, reference_weights=counts)
