"""The stage `posterize`."""

from dataclasses import replace

import numpy as np
from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.stage import Params, same_size, stage


class PosterizeParams(Params):
    """The tones."""

    tones: int = Field(default=8, ge=2, le=256, description="The number of tones of each color.")


@stage(version=1, estimate=same_size("image"))
def posterize(image: Image, params: PosterizeParams) -> Image:
    """Reduces the number of tones."""
    steps = params.tones - 1
    return replace(image, pixels=np.round(np.asarray(image.pixels) * np.float32(steps)) / np.float32(steps))
