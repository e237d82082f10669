"""The stage `generate_texture`: generates a texture with a trained network."""

from typing import Annotated

from jaxtyping import Key
from pydantic import Field

from stylepipe.artifacts import Array, Image, Weights, blank
from stylepipe.image.operation_cost import FLOPS, PROGRAM, Cost
from stylepipe.neural.networks.texture_layout import describe, operations
from stylepipe.stage import Emit, Estimate, Note, Params, stage

Side = Annotated[int, Field(ge=1, le=16_384)]


class GenerateTextureParams(Params):
    """The size of the texture."""

    width: Side = Field(default=512, description="Width of the result in pixels.")
    height: Side = Field(default=512, description="Height of the result in pixels.")


_MAP = 16
"""Bytes that the maps of the largest size take by pixel and channel."""


def _estimate(network: Weights, params: GenerateTextureParams) -> Estimate:
    described = describe(network)
    height, width = (-(-side // described.unit) * described.unit for side in (params.height, params.width))
    cost = Cost(
        PROGRAM + (24 + _MAP * described.sizes * described.channels) * height * width,
        operations(described) * height * width / FLOPS,
    )
    return Estimate(Image(blank(params.height, params.width, 3)), *cost)


@stage(version=1, estimate=_estimate)
def generate_texture(network: Weights, params: GenerateTextureParams, *, key: Key[Array, ""], emit: Emit) -> Image:
    """Generates a texture of any size from noise, by one forward pass of a network.

    `network` is a texture network from `train_texture` (see `stylepipe.neural.networks.texture`). The texture depends on the
    seed. With circular padding it tiles seamlessly if width and height are multiples of the network's unit (32 for six sizes);
    other sizes are cropped from a larger texture. Raises WeightsError for another network.
    """
    from stylepipe.neural.networks.texture import generated

    described = describe(network)
    if described.padding == "circular" and (params.width % described.unit or params.height % described.unit):
        size = f"{params.width}×{params.height}"
        emit(Note(f"The texture does not tile: only multiples of {described.unit} pixels do, and {size} is cut from more."))
    return Image(generated(network, key, (params.height, params.width)))
