"""What networks say of themselves, checked: their kind, and the shapes of their tensors."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError


def require_network(weights: Weights, name: str, *, trained_by: str) -> None:
    """Raises WeightsError unless the metadata state the network of that name."""
    network = weights.metadata.get("network")
    if network != name:
        stated = f"the network '{network}'" if network else "no network"
        raise WeightsError(
            f"The weights state {stated}; allowed is '{name}'.", hint=f"Give weights that were trained by '{trained_by}'."
        )


def stated(weights: Weights, name: str, allowed: Any) -> Any:
    """What the metadata state under a name, which is one of an `allowed` Literal. Raises WeightsError for another."""
    found = weights.metadata.get(name)
    if found not in get_args(allowed):
        given = f"the {name} '{found}'" if found else f"no {name}"
        raise WeightsError(f"The weights state {given}; allowed is {', '.join(get_args(allowed))}.")
    return found


def require_shapes(weights: Weights, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raises WeightsError, naming the tensor, when one is missing or has another shape."""
    for name, shape in expected.items():
        if name not in weights.tensors:
            raise WeightsError(f"The weights hold no '{name}'.")
        if (found := np.shape(weights.tensors[name])) != shape:
            raise WeightsError(f"The tensor '{name}' has shape {found}; expected is {shape}.")
