"""The stage `soften`: one picture in, one out; plain parameters."""

from typing import Literal

from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


class SoftenParams(Params):
    """How much."""

    radius: float = Field(1.0, ge=0, le=100, description="In pixels.")
    passes: int = Field(1, ge=1, le=8, description="How often.")
    method: Literal["box", "gaussian", "median"] = Field("gaussian", description="Which filter.")
    wrap: bool = Field(False, description="Whether the borders meet.")
    label: str = Field("", max_length=20, description="Said in the log.")


@stage(version=1)
def soften(image: Image, params: SoftenParams) -> Image:
    """Softens a picture."""
    raise NotImplementedError
