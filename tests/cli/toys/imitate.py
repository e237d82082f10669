"""The stage `imitate`: as much of the styles as is wanted, and of the content the rest."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


class ImitateParams(Params):
    """How much, and what is told of losses."""

    share: float = 1.0
    losses: tuple[dict[str, Any], ...] = ()


@stage(version=1)
def imitate(content: Image | None, styles: Sequence[Image], params: ImitateParams) -> Image:
    """Mixes pictures of one size."""
    style = np.mean([style.pixels for style in styles], 0)
    return Image(style if content is None else content.pixels + np.float32(params.share) * (style - content.pixels))
