"""An encoder of two layers: edges, and the corners that they form at half the resolution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.encoders.encoder import Architecture, Encoder, Pooling, Precision, Shapes

FUNCTIONS = "sample_extension.edges_functions"
STRIDES = {"edges": 1, "corners": 2}
"""The layers and their strides. Each layer is a 3×3 convolution of the one before, with a ReLU; `corners` pools before it."""


@dataclass(frozen=True)
class Edges(Encoder):
    """The network; it has no parameters but its tensors."""

    functions = FUNCTIONS

    @property
    def layers(self) -> tuple[str, ...]:
        """Both layers."""
        return tuple(STRIDES)

    def stride(self, layer: str) -> int:
        """Returns 1 or 2."""
        return STRIDES[layer]

    def channels(self, shapes: Shapes) -> Mapping[str, int]:
        """Returns the number of channels of each layer."""
        return {layer: shapes[layer][-1] for layer in STRIDES}


class EdgesArchitecture(Architecture):
    """Edges and corners. The tensors `edges` and `corners` hold the kernels, (3, 3, in, out)."""

    functions = FUNCTIONS
    layer_names = tuple(STRIDES)

    kind: Literal["edges"] = "edges"

    def encoder_of(self, weights: Weights, *, pooling: Pooling | None, precision: Precision) -> Edges:
        """Returns the network. Raises WeightsError for weights of another one."""
        if weights.tensors.keys() != STRIDES.keys():
            raise WeightsError(f"The weights hold {', '.join(weights.tensors)}; 'edges' takes {', '.join(STRIDES)}.")
        return Edges()
