"""The stage `mean`: takes a list of pictures."""

from collections.abc import Sequence

import numpy as np

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


@stage(version=1)
def mean(images: Sequence[Image], params: Params) -> Image:
    """Gives their mean."""
    return Image(np.mean([image.pixels for image in images], axis=0))
