"""The network that a training starts from. No JAX here: estimates need no more than its shapes."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from jaxtyping import Float

from stylepipe.artifacts import Array, Weights, blank
from stylepipe.errors import StageError

Network = TypeVar("Network")


def blank_weights(shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str]) -> Weights:
    """Returns blank weights of these shapes by name."""
    return Weights({name: blank(*shape) for name, shape in shapes.items()}, metadata)


def initial_tensors(
    fresh: Weights, start: Weights | None, network: Network, describe: Callable[[Weights], Network]
) -> Mapping[str, Float[Array, "..."]]:
    """Returns the initial tensors of a training of `network`: those of `start`, or else fresh ones.

    Raises StageError if `start` is another network, and the errors of `describe` if it is no such network.
    """
    if start is None:
        return fresh.tensors
    if (described := describe(start)) != network:
        raise StageError(f"'start' has {described}; the parameters say {network}.", hint="Give both alike.")
    return {name: start.tensors[name] for name in fresh.tensors}
