"""The stage `blend`."""

from pydantic import Field

from stylepipe.artifacts import Image, Mask
from stylepipe.image.masks import mask_at, require_fitting
from stylepipe.image.modes import BlendMode
from stylepipe.image.operation_cost import by_pixel, resampling
from stylepipe.stage import Estimate, Params, stage


class BlendParams(Params):
    """The blend mode, and the opacity of the upper picture."""

    mode: BlendMode = Field(
        default="normal",
        description="How colors combine: `normal`, the upper one's; `multiply` darkens; `screen` lightens; `overlay` and "
        "`soft_light` raise the contrast, the one hard, the other soft; `luminosity` takes only the upper one's lightness.",
    )
    opacity: float = Field(default=1.0, ge=0, le=1, description="The opacity of the upper picture; 0 returns the lower one.")


def _estimate(image: Image, over: Image, mask: Mask | None, params: BlendParams) -> Estimate:
    require_fitting(mask, image, name="mask", picture="the image")
    memory = (35 if params.mode == "normal" else 65) + (0 if image.alpha is None else 20)
    cost = by_pixel(image.size, memory=memory, work=2e-7)
    return Estimate(image, *cost.and_then(resampling(over.size, image.size, alpha=over.alpha is not None)))


@stage(version=1, estimate=_estimate)
def blend(image: Image, over: Image, mask: Mask | None, params: BlendParams) -> Image:
    """Composites the picture `over` onto the image.

    The colors combine by `mode` as in W3C's Compositing and Blending, level 1, on their sRGB encoding. The upper picture
    counts by `opacity`, times its own transparency, times the mask, if there is one (white: it is seen).

    The result has the image's size; the upper picture is brought to it by Lanczos-3 and the mask by linear interpolation. It is
    opaque where either picture is. Raises StageError for a mask of another aspect than the image, and for an empty one.
    """
    import jax.numpy as jnp

    from stylepipe.image.blend import composite
    from stylepipe.image.resize import resize_image

    upper = resize_image(over, image.size)
    coverage = jnp.full(image.size, params.opacity, jnp.float32)
    if upper.alpha is not None:
        coverage *= upper.alpha
    if mask is not None:
        coverage *= mask_at(mask, image.size, name="mask", picture="the image")
    return Image(*composite(jnp.asarray(image.pixels), image.alpha, jnp.asarray(upper.pixels), coverage, mode=params.mode))
