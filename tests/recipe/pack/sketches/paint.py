"""The stage `paint`: lists of inputs, optional inputs, weights; unions, nested models and tables as parameters."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.stage import Params, stage

Layer = Literal["relu1_1", "relu2_1", "relu3_1"]


class Content(Params):
    """Keeps the content."""

    kind: Literal["content"]
    layers: dict[Layer, float] = Field(min_length=1, description="A weight for each layer.")


class Gram(Params):
    """Keeps the style."""

    kind: Literal["gram"]
    weight: Annotated[float, Field(gt=0)] = Field(1.0, description="How much it counts.")
    layers: dict[Layer, float] | Literal["all"] = Field({}, description="A weight for each layer.")


class Crop(Params):
    """A part of the picture."""

    at: tuple[int, int] = Field((0, 0), description="Row and column.")
    size: tuple[int, int] | None = Field(None, description="Rows and columns.")


class PaintParams(Params):
    """How to paint."""

    size: int | tuple[int, ...] | Literal["full"] = Field("full", description="The long side, at each scale.")
    losses: tuple[Annotated[Content | Gram, Field(discriminator="kind")], ...] = Field((), description="What is minimized.")
    crop: Crop | None = Field(None, description="The part to paint.")
    seeds: list[int] = Field([], max_length=3, description="Where strokes begin.")
    first: float = Field(0.0, description="Where it begins.")
    last: float = Field(1.0, description="Where it ends.")
    extra: dict[str, Any] = Field({}, description="Anything.")

    @model_validator(mode="after")
    def _ordered(self) -> "PaintParams":
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) lies after last ({self.last})")
        return self


@stage(version=2)
def paint(
    content: Image,
    styles: Sequence[Image],
    params: PaintParams,
    masks: Sequence[Mask] = (),
    init: Image | None = None,
    extractor: Weights | None = None,
    *,
    key: Any,
) -> Image:
    """Paints a picture in the manner of others."""
    raise NotImplementedError
