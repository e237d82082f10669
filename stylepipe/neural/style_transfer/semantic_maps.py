"""Semantic maps: pictures that say by color what lies where, and the regions that two of them share."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import Field

from stylepipe.artifacts import Array, Image
from stylepipe.errors import StageError
from stylepipe.image.resize import resize_image, scaled
from stylepipe.neural.spec import Spec

MAX_LABELS = 32

_SIDE = 128
"""The centers of clusters are sought in maps of this long side; a label that is smaller than one of its pixels is a speck."""
USUAL_LABELS = 4
"""How many labels are taken to be in maps of which only the size is known."""
_TRIES = 8
"""k-means ends in a local minimum; with so many starts, a label of a few per cent is not missed."""


class Labelling(Spec):
    """How the colors of semantic maps become labels."""

    count: int | None = Field(
        default=None,
        ge=1,
        le=MAX_LABELS,
        description="How many labels there are, where colors are not clean: k-means finds them in the pixels of both maps. By "
        "default every color is a label.",
    )
    unmatched: Literal["error", "ignore"] = Field(
        default="error",
        description="What becomes of a label that only one map has: `ignore` leaves that part of the style unused, and that "
        "part of the result to the other losses.",
    )


class Region(NamedTuple):
    """Where a label is in the style's map and in the target's: 1 inside and 0 outside, of the maps' own sizes."""

    style: Float[np.ndarray, "style_height style_width"]
    target: Float[np.ndarray, "height width"]


def shared_regions(style_map: Image, target_map: Image, labelling: Labelling) -> dict[str, Region]:
    """The regions of the labels that both maps have, by their colors as #rrggbb, to 8 bits.

    A pixel is in the region of its label as far as it is visible. Raises StageError for more than 32 colors where each is a
    label, for fewer than there are to be labels, for a label in only one map unless those are ignored, and for maps that have
    no label in common.
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
    told = [f"{whose} alone has {', '.join(map(_name, sorted(codes)))}" for whose, codes in alone.items() if codes]
    if told and labelling.unmatched == "error":
        raise StageError(
            f"The semantic maps differ in their labels: {' and '.join(told)}.",
            hint="Draw each label in both, or set 'unmatched: ignore'.",
        )
    shared = sorted(of_style & of_target)
    if not shared:
        raise StageError("The semantic maps have no label in common.", hint="Draw what belongs together in the same color.")
    return {_name(code): Region(_inside(style, code, style_map), _inside(target, code, target_map)) for code in shared}


def estimated_labels(target_map: Image, labelling: Labelling) -> int:
    """About how many labels a map has, by a sample of its pixels; `USUAL_LABELS` where they are all alike, as in blank ones."""
    if labelling.count is not None:
        return labelling.count
    step = -(-max(target_map.size) // _SIDE)
    found = len(np.unique(_codes(target_map.pixels[::step, ::step])))
    return min(found, MAX_LABELS) if found > 1 else USUAL_LABELS


def clustered(*maps: Image, count: int) -> tuple[Image, ...]:
    """The maps with each pixel in the nearest of `count` colors, which k-means finds in the visible pixels of all together.

    k-means++ (Arthur and Vassilvitskii 2007) and Lloyd's iteration, from eight fixed seeds; the centers of the least mean
    distance are taken. The same maps always give the same labels. Raises StageError for fewer than `count` colors in all.
    """
    from scipy.cluster.vq import kmeans, kmeans2, vq  # here, for it takes a while, and recipes without maps need none of it

    small = [resize_image(each, scaled(each.size, min(1.0, _SIDE / max(each.size))), method="nearest") for each in maps]
    colors = np.concatenate([np.asarray(each.pixels)[_seen(each)] for each in small]).astype(np.float64)
    found = len(np.unique(_codes(colors)))
    if found < count:
        raise StageError(f"The semantic maps have {found} colors, and {count} labels are to be found.", hint="Ask for fewer.")
    starts = [kmeans2(colors, count, iter=1, minit="++", rng=seed)[0] for seed in range(_TRIES)]
    centers, _ = min((kmeans(colors, start) for start in starts), key=lambda result: result[1])

    def nearest(pixels: Float[Array, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        numbers, _ = vq(np.reshape(pixels, (-1, 3)), centers)
        return centers[numbers].reshape(np.shape(pixels))

    return tuple(Image(nearest(each.pixels), each.alpha) for each in maps)


def _seen(image: Image) -> Bool[np.ndarray, "h w"]:
    """Where an image is visible."""
    return np.ones(image.size, bool) if image.alpha is None else np.asarray(image.alpha) > 0


def _inside(codes: Int[np.ndarray, "h w"], code: int, image: Image) -> Float[np.ndarray, "h w"]:
    inside = (codes == code).astype(np.float32)
    return inside if image.alpha is None else inside * np.asarray(image.alpha)


def _codes(colors: Float[Array, "*shape 3"]) -> Int[np.ndarray, "*shape"]:
    """0xRRGGBB of each color."""
    return np.rint(np.asarray(colors) * 255).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])


def _name(code: int) -> str:
    return f"#{code:06x}"
