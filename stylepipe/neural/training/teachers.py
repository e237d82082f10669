"""The teachers of a distillation. No JAX here: estimates only describe them."""

from collections.abc import Sequence
from dataclasses import dataclass

from stylepipe.artifacts import Weights
from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.xla.padding import Padding


@dataclass(frozen=True)
class Teachers:
    """The teacher networks; each layer is taught by the first that has it.

    They pad pictures as the student does, regardless of the padding that they were trained with.
    """

    networks: tuple[tuple[Vgg, tuple[str, ...]], ...]

    @classmethod
    def of(cls, teachers: Sequence[Weights], layers: Sequence[str], padding: Padding) -> "Teachers":
        """Raises StageError for a layer that no teacher has."""
        networks, left = [], list(layers)
        for weights in teachers:
            own = describe(weights)
            taught = tuple(layer for layer in left if layer in own.layers)
            left = [layer for layer in left if layer not in taught]
            networks.append((Vgg(own.depth, own.pooling, padding), taught))
        if left:
            raise StageError(f"No teacher has the layer '{left[0]}'.", hint="Give a further teacher, or leave the layer out.")
        return cls(tuple(networks))
