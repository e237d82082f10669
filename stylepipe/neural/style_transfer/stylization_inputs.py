"""The inputs of a stylization, their checks, and their versions at each scale: the initial picture and the examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Image, Mask, blank
from stylepipe.errors import StageError
from stylepipe.image.color.color_spaces import luma
from stylepipe.image.masks import require_aspect, require_inside
from stylepipe.image.resize import resize, resize_image, scaled
from stylepipe.neural.losses.loss import LayerMasks
from stylepipe.neural.style_transfer.layer_masks import MaskPooling, layer_masks
from stylepipe.neural.style_transfer.objective import ExamplePicture, Objective, Visible
from stylepipe.neural.style_transfer.semantic_maps import Labelling, estimated_labels, shared_regions
from stylepipe.neural.xla.random_arrays import uniform
from stylepipe.transparency import alpha_of, require_visible

Start = Literal["content", "noise", "gray", "style_mean"]
MIN_SIDE = 16
"""The least long side of a result."""

Size = tuple[int, int]
"""(height, width)."""

_LONG_SIDE = 10_000
"""The long side of a result whose aspect is compared with that of masks."""


@dataclass(frozen=True)
class StylizationInputs:
    """The pictures and masks, the styles' weights (not all 0), and the names of the styles' masks in errors.

    `style_scale` is the ratio of the styles' long side to the result's.
    """

    content: Image | None
    styles: Sequence[Image]
    weights: Sequence[float]
    names: Sequence[str]
    masks: Sequence[Mask]
    style_masks: Sequence[Mask]
    content_mask: Mask | None
    init: Image | None
    style_map: Image | None
    target_map: Image | None
    style_scale: float
    mask_pooling: MaskPooling

    def check(self, start: Start) -> None:
        """Raises StageError for missing or incompatible inputs, independent of the pictures' content."""
        for name, values in {"masks": self.masks, "style_masks": self.style_masks, "style_weights": self.weights}.items():
            if values and len(values) != len(self.styles):
                raise StageError(
                    f"{len(self.styles)} styles and {len(values)} {name} were given.",
                    hint=f"Give one of '{name}' for each style.",
                )
        needed = {"content": "content", "gray": "content", "style_mean": "styles"}.get(start)
        if self.init is None and needed and not getattr(self, needed):
            raise StageError(
                f"'start: {start}' needs '{needed}', and none is given.", hint=f"Give '{needed}' or 'init', or 'start: noise'."
            )
        if self.content_mask is not None and self.content is None:
            raise StageError("A 'content_mask' was given, and no 'content'.", hint="Give both, or neither.")
        maps = [name for name in ("style_map", "target_map") if getattr(self, name) is not None]
        if len(maps) == 1:
            raise StageError(f"Of 'style_map' and 'target_map' only '{maps[0]}' was given.", hint="Give both, or neither.")
        if maps and (len(self.styles) != 1 or self.masks or self.style_masks):
            inputs = f"{len(self.styles)} styles, {len(self.masks)} masks and {len(self.style_masks)} style_masks"
            raise StageError(
                f"With semantic maps, {inputs} were given.", hint="They take exactly 1 style and replace its masks."
            )

    def check_pictures(self, aspect: float | None) -> None:
        """Raises StageError for masks and maps of another aspect than their pictures, and for fully transparent pictures."""
        self._check_aspects(aspect)
        shown = {"The content": self.content, "The style map": self.style_map, "The target map": self.target_map}
        shown |= {f"Style {name}": style for name, style in zip(self.names, self.styles, strict=True)}
        for name, image in shown.items():
            if image is not None:
                require_visible(image, name)

    def _check_aspects(self, aspect: float | None) -> None:
        """Masks and maps of the result may have the result's aspect or the content's, which is then stretched."""
        of_content = [] if self.content is None else [self.content.size]
        of_result = [self.size(_LONG_SIDE, aspect), *of_content]
        for name, mask in zip(self.names, self.masks, strict=bool(self.masks)):
            require_aspect(mask.size, *of_result, name=f"mask {name}", picture="the result")
        if self.target_map is not None:
            require_aspect(self.target_map.size, *of_result, name="target map", picture="the result")
        if self.content_mask is not None:
            require_aspect(self.content_mask.size, *of_content, of_result[0], name="content mask", picture="the content")
        for name, mask, style in zip(self.names, self.style_masks, self.styles, strict=bool(self.style_masks)):
            require_aspect(mask.size, style.size, name=f"style mask {name}", picture=f"style {name}")
        if self.style_map is not None:
            require_aspect(self.style_map.size, self.styles[0].size, name="style map", picture="the style")

    def by_label(self, labelling: Labelling) -> "StylizationInputs":
        """Returns the inputs with the style repeated for each label of the semantic maps, and the labels' regions as masks."""
        if self.style_map is None or self.target_map is None:
            return self
        regions = shared_regions(self.style_map, self.target_map, labelling)
        return replace(
            self,
            styles=(*self.styles,) * len(regions),
            weights=(1.0,) * len(regions),
            names=tuple(regions),
            masks=tuple(Mask(region.target) for region in regions.values()),
            style_masks=tuple(Mask(region.style) for region in regions.values()),
        )

    def by_estimated_labels(self, labelling: Labelling) -> "StylizationInputs":
        """Returns the inputs as `by_label` does, with blank masks for the estimated number of labels."""
        if self.style_map is None or self.target_map is None:
            return self
        count = estimated_labels(self.target_map, labelling)
        return replace(
            self,
            styles=(*self.styles,) * count,
            weights=(1.0,) * count,
            names=("label",) * count,
            masks=(Mask(blank(*self.target_map.size)),) * count,
            style_masks=(Mask(blank(*self.style_map.size)),) * count,
        )

    @property
    def regions(self) -> int:
        """The number of regions of the result; 0 without masks and transparency."""
        return len(self.masks) or int(self.content is not None and alpha_of(self.content) is not None)

    def size(self, side: int | Literal["content"], aspect: float | None) -> Size:
        """Returns the result's size for a long side and an aspect (width / height), by default that of the inputs.

        Raises StageError for 'content' as the side if there is no content, or one smaller than `MIN_SIDE`.
        """
        if side == "content":
            if self.content is None:
                raise StageError("'size: content' needs 'content', and none is given.", hint="Give it, or a size in pixels.")
            side = max(self.content.size)
            if side < MIN_SIDE:
                raise StageError(f"The content's long side is {side} pixels.", hint=f"Give a size of at least {MIN_SIDE}.")
        model = self.content or self.target_map or self.init
        aspect = aspect or (model.size[1] / model.size[0] if model else 1)
        return max(1, round(side / max(aspect, 1))), max(1, round(side * min(aspect, 1)))

    def style_sizes(self, size: Size) -> list[Size]:
        """Returns the sizes that the styles are resized to for a result of this size."""
        return [scaled(style.size, self.style_scale * max(size) / max(style.size)) for style in self.styles]

    def first(self, start: Start, size: Size, key: PRNGKeyArray) -> Float[Array, "h w 3"]:
        """Returns the initial picture of a result of this size."""
        if self.init is not None:
            return resize_image(self.init, size).pixels
        if start == "noise":
            return uniform(key, (*size, 3))
        if start == "style_mean":
            means = jnp.stack([_mean_color(style) for style in self.styles])
            mean = jnp.average(means, 0, jnp.asarray(self.weights))
            noise = uniform(key, (*size, 3), minval=-0.005, maxval=0.005)
            return jnp.clip(mean + noise, 0, 1)  # a uniform picture has the same features everywhere
        assert self.content is not None  # `check` ensures it
        content = resize_image(self.content, size).pixels
        return content if start == "content" else jnp.repeat(luma(content)[..., None], 3, -1)

    def examples(self, objective: Objective, size: Size) -> Mapping[str, Any]:
        """Returns the arguments of `Objective.prepare` for a result of this size."""
        at_layers = partial(region_at_layers, objective=objective, pooling=self.mask_pooling)
        styles = [
            style_example(
                style,
                to,
                objective,
                name=self.names[i],
                mask=self.style_masks[i] if self.style_masks else None,
                pooling=self.mask_pooling,
            )
            for i, (style, to) in enumerate(zip(self.styles, self.style_sizes(size), strict=True))
        ]
        content = visible = alpha = None
        if self.content is not None:
            shown = resize_image(self.content, size)
            alpha = None if alpha_of(self.content) is None else shown.alpha
            region = at_layers(self.content_mask, alpha, size, compares="content", name="content mask", picture="the content")
            content = ExamplePicture(shown.pixels, region)
        if alpha is not None:
            layers = at_layers(None, alpha, size, compares=None, name="", picture="the content")
            visible = Visible(jnp.asarray(alpha), layers or {})
        masks = zip(self.names, self.masks, strict=bool(self.masks))
        regions = [
            at_layers(mask, alpha, size, compares="styles", name=f"mask {name}", picture="the content") for name, mask in masks
        ]
        return {
            "content": content,
            "styles": styles,
            "weights": self._counts(),
            "regions": regions or None,
            "visible": visible,
        }

    def _counts(self) -> Sequence[float]:
        """Returns the weight of each style's losses: with regions, in proportion to their area.

        A loss within a region is a mean over it, so its gradient at a pixel is inversely proportional to the area, unlike that
        of the content: with equal weights, a region of 2 % ended at a hundredth of the distance to its style of one of 50 %.
        """
        if not self.masks:
            return self.weights
        mean = sum(self.weights) / len(self.weights)
        return [weight / mean * self._area(mask) for weight, mask in zip(self.weights, self.masks, strict=True)]

    def _area(self, mask: Mask) -> float:
        """Returns the fraction of the result's visible area inside a mask."""
        alpha = None if self.content is None else alpha_of(self.content)
        weights = None if alpha is None else np.asarray(resize(alpha, mask.size, method="bilinear"))
        return float(np.average(mask.values, weights=weights))


def style_example(
    style: Image, size: Size, objective: Objective, *, name: str, mask: Mask | None = None, pooling: MaskPooling = "network"
) -> ExamplePicture:
    """Returns a resized style, with its mask times its alpha at the layers."""
    shown = resize_image(style, size)
    alpha = None if alpha_of(style) is None else shown.alpha
    names = {"name": f"style mask {name}", "picture": f"style {name}"}
    region = region_at_layers(mask, alpha, size, objective=objective, compares="styles", pooling=pooling, **names)
    return ExamplePicture(shown.pixels, region)


def region_at_layers(
    mask: Mask | None,
    alpha: Float[Array, "h w"] | None,
    size: Size,
    *,
    objective: Objective,
    compares: str | None,
    pooling: MaskPooling,
    name: str,
    picture: str,
) -> LayerMasks | None:
    """Returns a mask times the alpha at the layers, for a picture of this size; None without mask and alpha.

    Raises StageError, with `name` and `picture`, if it is empty.
    """
    if mask is None and alpha is None:
        return None
    values, called = alpha, f"visible part of {picture}"
    if mask is not None:
        values, called = resize(mask.values, size, method="bilinear"), name
    if mask is not None and alpha is not None:
        values, called = values * alpha, f"visible part of {name}"
    masks = layer_masks(np.asarray(values), layers=objective.layers(compares), vgg=objective.vgg, pooling=pooling, name=called)
    require_inside(values, called)  # for objectives without layers
    return masks


def _mean_color(image: Image) -> Float[Array, "3"]:
    """Returns the mean color, weighted by alpha."""
    alpha = alpha_of(image)
    pixels = jnp.asarray(image.pixels)
    return jnp.mean(pixels, (0, 1)) if alpha is None else jnp.tensordot(jnp.asarray(alpha), pixels, 2) / np.sum(alpha)


def resized(values: Any, size: Size) -> Float[Array, "..."]:
    """Resizes a picture or mask, clamped to [0, 1]."""
    return jnp.clip(resize(values, size), 0, 1)
