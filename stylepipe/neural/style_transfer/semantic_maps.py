"""Semantic maps: pictures whose colors are labels, and the regions that two maps share."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import Field

from stylepipe.artifacts import Array, Image
from stylepipe.errors import StageError
from stylepipe.image.sizes import scaled
from stylepipe.neural.spec import Spec

MAX_LABELS = 32

_SIDE = 128
"""The long side of the maps that k-means runs on; labels smaller than one of its pixels are ignored."""
USUAL_LABELS = 4
"""The assumed number of labels for maps whose content is unavailable."""
_TRIES = 8
"""Restarts of k-means, which finds local minima; with eight, labels of a few percent of the area are not missed."""


class Labelling(Spec):
    """How the colors of semantic maps become labels."""

    count: int | None = Field(
        default=None,
        ge=1,
        le=MAX_LABELS,
        description="The number of labels, for maps without clean colors: k-means clusters the pixels of both maps. By default "
        "every color is a label.",
    )
    unmatched: Literal["error", "ignore"] = Field(
        default="error",
        description="Labels that only one map has: `error` rejects them; `ignore` leaves that part of the style unused, and "
        "that part of the result to the other losses.",
    )


class Region(NamedTuple):
    """The masks of a label in the style's map and in the target's, at the maps' sizes."""

    style: Float[np.ndarray, "style_height style_width"]
    target: Float[np.ndarray, "height width"]


def shared_regions(style_map: Image, target_map: Image, labelling: Labelling) -> dict[str, Region]:
    """Returns the regions of the labels that both maps have, by their 8-bit colors as #rrggbb.

    Pixels are weighted by their alpha. Raises StageError for more than 32 colors without `count`, for fewer colors than
    `count`, for a label in only one map unless those are ignored, and for maps that have no label in common.
    """
    if labelling.count is not None:
        style_map, target_map = clustered(style_map, target_map, count=labelling.count)
    style, target = _codes(style_map.pixels), _codes(target_map.pixels)
    of_style, of_target = (
        set(np.unique(codes[_seen(image)]).tolist()) for codes, image in ((style, style_map), (target, target_map))
    )
    if len(of_style | of_target) > MAX_LABELS:
        raise StageError(
            f"The semantic maps have {len(of_style | of_target)} colors; each is a label, and {MAX_LABELS} are allowed.",
            hint="Draw them without antialiasing and save them as PNG, or give the labels' 'count': k-means finds them then.",
        )
    alone = {"the style's": of_style - of_target, "the target's": of_target - of_style}
    differences = [f"{whose} alone has {', '.join(map(_name, sorted(codes)))}" for whose, codes in alone.items() if codes]
    if differences and labelling.unmatched == "error":
        raise StageError(
            f"The semantic maps differ in their labels: {' and '.join(differences)}.",
            hint="Draw each label in both, or set 'unmatched: ignore'.",
        )
    shared = sorted(of_style & of_target)
    if not shared:
        raise StageError("The semantic maps have no label in common.", hint="Draw what belongs together in the same color.")
    return {_name(code): Region(_inside(style, code, style_map), _inside(target, code, target_map)) for code in shared}


def estimated_labels(target_map: Image, labelling: Labelling) -> int:
    """Estimates the number of labels from a sample of pixels; `USUAL_LABELS` if they are all equal, as in blank maps."""
    if labelling.count is not None:
        return labelling.count
    step = -(-max(target_map.size) // _SIDE)
    count = len(np.unique(_codes(target_map.pixels[::step, ::step])))
    return min(count, MAX_LABELS) if count > 1 else USUAL_LABELS


def clustered(*maps: Image, count: int) -> tuple[Image, ...]:
    """Replaces each pixel by the nearest of `count` cluster centers of the visible pixels of all maps.

    k-means++ (Arthur and Vassilvitskii 2007) and Lloyd's iteration from eight fixed seeds, keeping the centers with the least
    mean distance; deterministic. Raises StageError for fewer than `count` colors in all.
    """
    from scipy.cluster.vq import kmeans, kmeans2, vq  # here, for it takes a while, and recipes without maps need none of it

    from stylepipe.image.resize import resize_image

    small = [resize_image(each, scaled(each.size, min(1.0, _SIDE / max(each.size))), method="nearest") for each in maps]
    colors = np.concatenate([np.asarray(each.pixels)[_seen(each)] for each in small]).astype(np.float64)
    distinct = len(np.unique(_codes(colors)))
    if distinct < count:
        raise StageError(
            f"The semantic maps have {distinct} colors, and {count} labels are to be found.", hint="Ask for fewer."
        )
    starts = [kmeans2(colors, count, iter=1, minit="++", rng=seed)[0] for seed in range(_TRIES)]
    centers, _ = min((kmeans(colors, start) for start in starts), key=lambda result: result[1])

    def nearest(pixels: Float[Array, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        numbers, _ = vq(np.reshape(pixels, (-1, 3)), centers)
        return centers[numbers].reshape(np.shape(pixels))

    return tuple(Image(nearest(each.pixels), each.alpha) for each in maps)


def _seen(image: Image) -> Bool[np.ndarray, "h w"]:
    """Returns where an image is visible."""
    return np.ones(image.size, bool) if image.alpha is None else np.asarray(image.alpha) > 0


def _inside(codes: Int[np.ndarray, "h w"], code: int, image: Image) -> Float[np.ndarray, "h w"]:
    inside = (codes == code).astype(np.float32)
    return inside if image.alpha is None else inside * np.asarray(image.alpha)


def _codes(colors: Float[Array, "*shape 3"]) -> Int[np.ndarray, "*shape"]:
    """0xRRGGBB of each color."""
    return np.rint(np.asarray(colors) * 255).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])


def _name(code: int) -> str:
    return f"#{code:06x}"
