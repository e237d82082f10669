"""The stage `mask_transfer`: three methods to combine two pictures by a mask."""

from typing import Annotated, Literal

from pydantic import Field

from stylepipe.artifacts import Image, Mask
from stylepipe.image.masks import mask_at, require_fitting, require_inside
from stylepipe.image.operation_cost import by_pixel, resampling
from stylepipe.stage import Estimate, Params, stage

THRESHOLD = 129 / 255

Threshold = Annotated[float, Field(ge=0, le=1, description="The least value of the mask that counts as white.")]


class Hard(Params):
    """Every pixel from one of the two pictures: crisp edges."""

    kind: Literal["hard"] = "hard"
    threshold: Threshold = THRESHOLD


class Feathered(Params):
    """A smooth transition along the edges."""

    kind: Literal["feathered"] = "feathered"
    radius: float = Field(default=4.0, gt=0, le=500, description="The half width of the transition, in pixels.")


class Poisson(Params):
    """The image's detail in the background's colors, without a visible edge."""

    kind: Literal["poisson"] = "poisson"
    threshold: Threshold = THRESHOLD


class MaskTransferParams(Params):
    """The method of combining at the edge of the mask."""

    method: Annotated[Hard | Feathered | Poisson, Field(discriminator="kind")] = Field(
        default=Hard(), description="The method of combining at the edge of the mask: a `kind` with its parameters."
    )


def _estimate(image: Image, background: Image, mask: Mask, params: MaskTransferParams) -> Estimate:
    require_fitting(mask, image, name="mask", picture="the image")
    memory, work = (145, 5e-6) if isinstance(params.method, Poisson) else (50, 3e-7)
    cost = by_pixel(image.size, memory=memory + (0 if image.alpha is None else 20), work=work)
    return Estimate(image, *cost.and_then(resampling(background.size, image.size, alpha=background.alpha is not None)))


@stage(version=1, estimate=_estimate)
def mask_transfer(image: Image, background: Image, mask: Mask, params: MaskTransferParams) -> Image:
    """Keeps the image where the mask is white and takes the background where it is black.

    - `hard`: white is where the mask is at least `threshold`, by default 129/255, as titu1994's Neural-Style-Transfer has it.
    - `feathered`: the mask is blurred with σ = radius / 3, and its values m mix the two: (1 − m) · background + m · image.
    - `poisson`: inside the mask (as for `hard`) the result has the gradients of the image, and along the mask's edge it meets
      the background (Pérez, Gangnet and Blake 2003), so its colors change too, most near the edge. Where the mask reaches the
      picture's border, values there are unconstrained; an all-white mask returns the image. Solved to within 0.001.

    The result has the image's size; the background is resized to it by Lanczos-3, and the mask by linear interpolation before
    the threshold, so edges are crisp at full size. Transparency comes from the same picture as the pixel. Raises StageError for
    a mask of another aspect than the image, and for one that is empty, or below the threshold everywhere.
    """
    import jax.numpy as jnp

    from stylepipe.image.blend import feather, mix
    from stylepipe.image.poisson import poisson_blend
    from stylepipe.image.resize import resize_image

    pixels, behind = jnp.asarray(image.pixels), resize_image(background, image.size)
    values = mask_at(mask, image.size, name="mask", picture="the image")
    match params.method:
        case Hard(threshold=threshold):
            require_inside(values, "mask", threshold=threshold)
            values = (values >= threshold).astype(jnp.float32)
        case Feathered(radius=radius):
            values = feather(values, radius=radius)
        case Poisson(threshold=threshold):
            require_inside(values, "mask", threshold=threshold)
            inside = values >= threshold
            pixels = poisson_blend(jnp.asarray(behind.pixels), pixels, inside)
            values = inside.astype(jnp.float32)
    return Image(*mix(jnp.asarray(behind.pixels), behind.alpha, pixels, image.alpha, values))
