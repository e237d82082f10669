"""Checks of masks, and masks at the size of pictures. JAX is imported when a mask is resized: checks do without."""

import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array, Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.sizes import Size
from stylepipe.transparency import alpha_of


def mask_at(mask: Mask, size: Size, *, name: str, picture: str) -> Float[Array, "h w"]:
    """Resizes the values of a mask to the size of its picture, by linear interpolation.

    Raises StageError, calling the mask `name` and what it applies to `picture`, for a mask of another aspect, and for one that
    is 0 everywhere.
    """
    from stylepipe.image.resize import resize

    require_aspect(mask.size, size, name=name, picture=picture)
    values = resize(mask.values, size, method="bilinear")
    require_inside(values, name)
    return values


def require_fitting(mask: Mask | None, image: Image, *, name: str, picture: str) -> None:
    """Raises StageError, as `mask_at` does, for a mask of another aspect; compares only sizes."""
    if mask is not None:
        require_aspect(mask.size, image.size, name=name, picture=picture)


def visible_at(image: Image, mask: Mask | None, *, name: str, picture: str) -> Float[Array, "h w"] | None:
    """Returns the weight of each pixel of an image, its alpha times the mask; None for uniform weights.

    Raises StageError as `mask_at` does, and for an image that is wholly transparent within the mask.
    """
    region = None if mask is None else mask_at(mask, image.size, name=name, picture=picture)
    alpha = alpha_of(image)
    if region is None or alpha is None:
        return alpha if region is None else region
    weights = region * alpha
    if not np.any(weights):
        raise StageError(f"The {name} is empty: {picture} is wholly transparent within it.", hint=_WHITE)
    return weights


_WHITE = "White is the region that is meant; 'invert: true' beside a mask's path swaps black and white."


def require_aspect(mask: Size, *pictures: Size, name: str, picture: str) -> None:
    """Raises StageError for a mask with the aspect of none of these sizes, up to rounding.

    Rounding is what bringing a picture to whole pixels can explain: some sides less than one pixel from the mask's have the
    same aspect as some less than one pixel from the picture's. So 640×427 fits 3000×2000, and 640×424 does not.
    """
    if any(_same_aspect(mask, size) for size in pictures):
        return
    turned = any(_same_aspect((mask[1], mask[0]), size) for size in pictures)
    raise StageError(
        f"The {name} has {_spelled(mask)} pixels and {picture} {_spelled(pictures[0])}, which is another aspect.",
        hint=("It fits when it is turned by 90°. " if turned else "")
        + "A mask may be smaller or larger than its picture, but shows all of it: turn or crop it to the same aspect.",
    )


def require_inside(values: Float[Array, "h w"], name: str, *, threshold: float | None = None) -> None:
    """Raises StageError for a mask that is 0 (or below a threshold) everywhere."""
    largest = float(np.max(values))
    if threshold is None and largest <= 0:
        raise StageError(f"The {name} is empty: it is 0 everywhere.", hint=_WHITE)
    if threshold is not None and largest < threshold:
        raise StageError(
            f"The {name} is empty: no value reaches the threshold of {threshold:.3g}; the largest is {largest:.3g}.",
            hint=f"Lower the threshold. {_WHITE}",
        )


def _same_aspect(one: Size, other: Size) -> bool:
    def surely_wider(this: Size, that: Size) -> bool:
        return (this[1] - 1) * (that[0] - 1) >= (that[1] + 1) * (this[0] + 1)

    return not surely_wider(one, other) and not surely_wider(other, one)


def _spelled(size: Size) -> str:
    return f"{size[1]}×{size[0]}"
