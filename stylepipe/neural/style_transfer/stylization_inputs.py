"""The inputs of a stylization, their checks and their sizes. No JAX here: recipes are checked without it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stylepipe.artifacts import Image, Mask, blank
from stylepipe.errors import StageError
from stylepipe.image.masks import require_aspect
from stylepipe.image.sizes import Size, scaled
from stylepipe.neural.style_transfer.semantic_maps import Labelling, estimated_labels, shared_regions
from stylepipe.transparency import alpha_of, require_visible

MaskPooling = Literal["network", "area"]
Start = Literal["content", "noise", "gray", "style_mean"]
MIN_SIDE = 16
"""The least long side of a result."""

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
