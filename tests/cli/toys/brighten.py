"""The stage `brighten`: at once, and without a word."""

import numpy as np
from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.stage import Forecast, Params, stage


class BrightenParams(Params):
    """How much."""

    amount: float = Field(default=0.1, ge=-1, le=1, description="What is added to each pixel.")


def _forecast(image: Image, params: BrightenParams) -> Forecast:
    return Forecast(memory=image.size[0] * image.size[1] * 12_500_000)


@stage(version=1, forecast=_forecast)
def brighten(image: Image, params: BrightenParams) -> Image:
    """Adds light."""
    return Image(np.clip(image.pixels + np.float32(params.amount), 0, 1))
