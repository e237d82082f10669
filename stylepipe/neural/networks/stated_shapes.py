"""Checks of network metadata and tensor shapes."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError

_HINT = "The file is damaged, or was written by another program."


def require_network(weights: Weights, name: str, *, trained_by: str) -> None:
    """Raises WeightsError unless the metadata name this network."""
    network = weights.metadata.get("network")
    if network != name:
        stated = f"the network '{network}'" if network else "no network"
        raise WeightsError(
            f"The weights state {stated}; allowed is '{name}'.", hint=f"Give weights that were trained by '{trained_by}'."
        )


def stated(weights: Weights, name: str, allowed: Any, *, hint: str = _HINT) -> Any:
    """Returns the metadata's value of a name. Raises WeightsError unless it is one of an `allowed` Literal."""
    value = weights.metadata.get(name)
    if value not in get_args(allowed):
        actual = f"the {name} '{value}'" if value else f"no {name}"
        raise WeightsError(f"The weights state {actual}; allowed is {', '.join(get_args(allowed))}.", hint=hint)
    return value


def of_block(block: int) -> tuple[str, str]:
    """Returns the names of a residual block's layers; blocks count from 0, their names from 1."""
    return f"block{block + 1}_1", f"block{block + 1}_2"


def count_blocks(tensors: Mapping[str, object]) -> int:
    """Returns the number of residual blocks."""
    return sum(name.startswith("block") and name.endswith("_1/kernel") for name in tensors)


def require_shapes(weights: Weights, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raises WeightsError naming a missing tensor, or one of another shape."""
    for name, shape in expected.items():
        if name not in weights.tensors:
            raise WeightsError(f"The weights hold no '{name}'.", hint=_HINT)
        if (actual := np.shape(weights.tensors[name])) != shape:
            raise WeightsError(f"The tensor '{name}' has shape {actual}; expected is {shape}.", hint=_HINT)
