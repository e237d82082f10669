"""The encoder interface: a network whose features losses compare, and the model that recipes name it by.

The features are computed in a module of their own, which is imported when they are needed: recipes are checked without JAX.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float

from stylepipe.artifacts import Array, Weights
from stylepipe.errors import ExtensionError, StageError, StylepipeError, did_you_mean, reason_of
from stylepipe.neural.kinds import functions_named_by, package_of
from stylepipe.neural.spec import Spec

Pooling = Literal["max", "average", "l2"]
Precision = Literal["float32", "tf32", "bfloat16"]
Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of a network's tensors, by name."""


@runtime_checkable
class EncoderFunctions(Protocol):
    """The module that computes the features of one kind of encoder."""

    def features(
        self, tensors: Mapping[str, Array], image: Float[Array, "height width 3"], *, layers: tuple[str, ...], encoder: Any
    ) -> dict[str, Float[Array, "_ _ _"]]:
        """Computes the features at layers, (height // stride, width // stride, channels), of an RGB image in [0, 1].

        Runs under `jax.jit`, with `layers` and `encoder` static. Raises as `check_layers` does.
        """
        ...


class Encoder(ABC):
    """A network without its tensors: its layers, and what is known of them without computing.

    A subclass is a frozen dataclass: the static argument of compiled functions. `functions` names the module that computes the
    features, `EncoderFunctions`.
    """

    functions: ClassVar[str]

    @property
    @abstractmethod
    def layers(self) -> tuple[str, ...]:
        """The names of all layers, shallowest first."""

    @abstractmethod
    def stride(self, layer: str) -> int:
        """Returns the distance of a layer's positions in pixels, a power of 2; strides do not fall from layer to layer."""

    @abstractmethod
    def channels(self, shapes: Shapes) -> Mapping[str, int]:
        """Returns the number of channels of each layer, from the shapes of the tensors."""

    def reach(self, layer: str) -> int:
        """Returns how many pixels beyond its own a position of a layer sees on each side; by default of 3×3 convolutions."""
        return sum(map(self.stride, self.layers[: self.layers.index(layer) + 1]))

    def least_side(self, layer: str) -> int:
        """Returns the least side in pixels of a picture that has a layer."""
        return self.stride(layer)

    def operations(self, shapes: Shapes, layers: Sequence[str]) -> float:
        """Returns the floating-point operations per pixel of computing the first layers; by default of 3×3 convolutions."""
        channels = self.channels(shapes)
        widths = [3, *(channels.get(layer, 0) for layer in layers)]
        return sum(18.0 * a * b / self.stride(layer) ** 2 for (a, b), layer in zip(pairwise(widths), layers, strict=True))

    @property
    def activation_copies(self) -> float:
        """How often a gradient holds the features of all layers: for the backward pass, and temporarily."""
        return 4.6

    def size_at(self, layer: str, size: Sequence[int]) -> tuple[int, int]:
        """Returns the (height, width) of a layer's features of a picture of this (height, width)."""
        return size[0] // self.stride(layer), size[1] // self.stride(layer)

    def features(
        self, tensors: Mapping[str, Array], image: Float[Array, "height width 3"], layers: tuple[str, ...]
    ) -> dict[str, Float[Array, "_ _ _"]]:
        """Computes the features at layers, as `EncoderFunctions.features` does."""
        return functions_named_by(type(self), EncoderFunctions).features(tensors, image, layers=layers, encoder=self)


class Architecture(Spec):
    """The base of the models by which recipes name a kind of encoder: `encoder: {kind: vgg}`.

    `layer_names` are the names of all layers that such an encoder may have, shallowest first; `functions` names the module that
    computes the features.
    """

    functions: ClassVar[str]
    layer_names: ClassVar[tuple[str, ...]]

    if TYPE_CHECKING:
        kind: Any  # each class has its own literal

    @classmethod
    def computed_by(cls) -> EncoderFunctions:
        """Imports the module with the functions. Raises ExtensionError as `functions_named_by` does."""
        return functions_named_by(cls, EncoderFunctions)

    @abstractmethod
    def encoder_of(self, weights: Weights, *, pooling: Pooling | None, precision: Precision) -> Encoder:
        """Returns the encoder of the weights. Raises WeightsError for weights of another network.

        `pooling` replaces the one that the network was trained with, and `precision` is that of its convolutions.
        """

    def describe(self, weights: Weights, *, pooling: Pooling | None = None, precision: Precision = "float32") -> Encoder:
        """Returns the encoder of the weights, as `encoder_of`. Raises ExtensionError where the code of a package fails."""
        failure = f"The encoder '{self.kind}' of the package '{package_of(type(self))}' cannot describe the weights"
        try:
            encoder = self.encoder_of(weights, pooling=pooling, precision=precision)
        except StylepipeError:
            raise
        except Exception as error:
            raise ExtensionError(f"{failure}: {reason_of(error).rstrip('.')}.") from error
        if not isinstance(encoder, Encoder):
            raise ExtensionError(f"{failure}: it returns {encoder!r}, which is no Encoder.")
        return encoder


def check_layers(layers: Sequence[str], encoder: Encoder, size: Sequence[int]) -> None:
    """Raises StageError for a layer that the network lacks, or for which a picture of this (height, width) is too small."""
    for name in layers:
        if name not in encoder.layers:
            raise StageError(
                f"The network has no layer '{name}'; its layers are {encoder.layers[0]} … {encoder.layers[-1]}.",
                hint=did_you_mean(name, encoder.layers),
            )
        least = encoder.least_side(name)
        if min(size) < least:
            raise StageError(
                f"The layer '{name}' takes images of at least {least}×{least} pixels; this one has {size[1]}×{size[0]}.",
                hint="Work at a larger size, or use layers of earlier blocks.",
            )
