"""The stage `brighten`: at once, and without a word."""

import numpy as np
from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.stage import Estimate, Params, stage


class BrightenParams(Params):
    """How much."""

    amount: float = Field(default=0.1, ge=-1, le=1, description="What is added to each pixel.")


def _estimate(image: Image, params: BrightenParams) -> Estimate:
    return Estimate(memory=600_000_000)


@stage(version=1, estimate=_estimate)
def brighten(image: Image, params: BrightenParams) -> Image:
    """Adds light."""
    return Image(np.clip(image.pixels + np.float32(params.amount), 0, 1))
