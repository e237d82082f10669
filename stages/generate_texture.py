"""The stage `generate_texture`: more of a texture, by a network that was trained for it."""

from typing import Annotated

from jaxtyping import PRNGKeyArray
from pydantic import Field

from stylepipe.artifacts import Image, Weights, blank
from stylepipe.image.operation_cost import FLOPS, PROGRAM, Cost
from stylepipe.neural.networks.texture import describe, generated, operations
from stylepipe.stage import Emit, Estimate, Note, Params, stage

Side = Annotated[int, Field(ge=1, le=16_384)]


class GenerateTextureParams(Params):
    """How large."""

    width: Side = Field(default=512, description="Of the result, in pixels.")
    height: Side = Field(default=512, description="Of the result, in pixels.")


_MAP = 16
"""Bytes that the maps of the largest size take by pixel and channel."""


def _estimate(network: Weights, params: GenerateTextureParams) -> Estimate:
    found = describe(network)
    height, width = (-(-side // found.unit) * found.unit for side in (params.height, params.width))
    cost = Cost(
        PROGRAM + (24 + _MAP * found.sizes * found.channels) * height * width, operations(found) * height * width / FLOPS
    )
    return Estimate(Image(blank(params.height, params.width, 3)), *cost)


@stage(version=1, estimate=_estimate)
def generate_texture(network: Weights, params: GenerateTextureParams, *, key: PRNGKeyArray, emit: Emit) -> Image:
    """Makes a texture of any size of noise, by one pass of a network.

    `network` is a texture network, as `train_texture` makes them (see `stylepipe.neural.networks.texture`). Another seed gives
    another texture. That of a network with circular padding continues at the opposite border, so that copies of it lie side by
    side without a seam, where width and height are multiples of the network's unit (32 for six sizes); others are cut from a
    larger one. Raises WeightsError for another network.
    """
    found = describe(network)
    if found.padding == "circular" and (params.width % found.unit or params.height % found.unit):
        size = f"{params.width}×{params.height}"
        emit(Note(f"The texture does not tile: only multiples of {found.unit} pixels do, and {size} is cut from more."))
    return Image(generated(network, key, (params.height, params.width)))
