"""What a stylisation is given, and what becomes of it at each size: where it starts, and the examples of its losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Image, Mask
from stylepipe.errors import StageError
from stylepipe.image.color import luma
from stylepipe.image.resize import resize, scaled
from stylepipe.neural.losses.base import Maps
from stylepipe.neural.masks import MaskPooling, layer_masks
from stylepipe.neural.objective import Example, Objective
from stylepipe.neural.semantic import Labelling, shared_regions

Start = Literal["content", "noise", "gray", "style_mean"]
MIN_SIDE = 16
"""The least long side of a result."""

Size = tuple[int, int]
"""(height, width)."""


@dataclass(frozen=True)
class Given:
    """The pictures and masks; for each style its weight, not all of them 0, and how its masks are called in errors.

    `style_scale` is the long side of the styles over that of the result.
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
        """Raises StageError for what is missing, or does not fit together."""
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
            found = f"{len(self.styles)} styles, {len(self.masks)} masks and {len(self.style_masks)} style_masks"
            raise StageError(
                f"With semantic maps, {found} were given.", hint="They take 1 style, and make its masks themselves."
            )

    def by_label(self, labelling: Labelling) -> "Given":
        """The one style once for each label of the semantic maps, with the label's regions as its masks; as it is without."""
        if self.style_map is None or self.target_map is None:
            return self
        regions = shared_regions(self.style_map.pixels, self.target_map.pixels, labelling)
        return replace(
            self,
            styles=(*self.styles,) * len(regions),
            weights=(1.0,) * len(regions),
            names=tuple(regions),
            masks=tuple(Mask(region.target) for region in regions.values()),
            style_masks=tuple(Mask(region.style) for region in regions.values()),
        )

    def size(self, side: int | Literal["content"], aspect: float | None) -> Size:
        """That of a result with this long side; without an aspect, width over height, it is that of what is given.

        Raises StageError for the content's own long side where there is no content, or a tiny one.
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
        """Those that the styles are brought to for a result of this size."""
        return [scaled(style.size, self.style_scale * max(size) / max(style.size)) for style in self.styles]

    def first(self, start: Start, size: Size, key: PRNGKeyArray) -> Float[Array, "h w 3"]:
        """The picture that a result of this size starts from."""
        if self.init is not None:
            return resized(self.init.pixels, size)
        if start == "noise":
            return jax.random.uniform(key, (*size, 3))
        if start == "style_mean":
            means = jnp.stack([jnp.mean(jnp.asarray(style.pixels), (0, 1)) for style in self.styles])
            mean = jnp.average(means, 0, jnp.asarray(self.weights))
            noise = jax.random.uniform(key, (*size, 3), minval=-0.005, maxval=0.005)
            return jnp.clip(mean + noise, 0, 1)  # one colour alone looks the same everywhere to the network
        assert self.content is not None  # as `check` found
        content = resized(self.content.pixels, size)
        return content if start == "content" else jnp.repeat(luma(content)[..., None], 3, -1)

    def examples(self, objective: Objective, size: Size) -> Mapping[str, Any]:
        """What `prepare` takes, for a result of this size."""

        def at_layers(mask: Mask, to: Size, compares: str, name: str) -> Maps:
            values = np.asarray(resize(mask.values, to, method="bilinear"))
            layers = objective.layers(compares)
            return layer_masks(values, layers=layers, vgg=objective.vgg, pooling=self.mask_pooling, name=name)

        styles = []
        for i, (style, to) in enumerate(zip(self.styles, self.style_sizes(size), strict=True)):
            mask = at_layers(self.style_masks[i], to, "styles", f"style mask {self.names[i]}") if self.style_masks else None
            styles.append(Example(resized(style.pixels, to), mask))
        content = None
        if self.content is not None:
            mask = at_layers(self.content_mask, size, "content", "content mask") if self.content_mask else None
            content = Example(resized(self.content.pixels, size), mask)
        masks = zip(self.names, self.masks, strict=bool(self.masks))
        regions = [at_layers(mask, size, "styles", f"mask {name}") for name, mask in masks]
        return {"content": content, "styles": styles, "weights": self._counts(), "regions": regions or None}

    def _counts(self) -> Sequence[float]:
        """How much the losses of each style count: in regions, by their area.

        A loss within a region is a mean over it, whose gradient at a pixel is in inverse proportion to the area, and that of
        the content is not: counted alike, a region of 2 % was left with a hundredth of the distance to its style that one of
        50 % was.
        """
        if not self.masks:
            return self.weights
        mean = sum(self.weights) / len(self.weights)
        return [weight / mean * float(np.mean(mask.values)) for weight, mask in zip(self.weights, self.masks, strict=True)]


def resized(values: Any, size: Size) -> Float[Array, "..."]:
    """A picture or mask brought to a size, in [0, 1]."""
    return jnp.clip(resize(values, size), 0, 1)
