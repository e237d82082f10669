"""The rows of a picture over several devices.

Only where arrays lie is said here. XLA's partitioner divides the computation accordingly: for a convolution it exchanges rows
at the parts' borders, a sum over positions it adds up over the devices. All devices that this process sees compute, or one.
"""

from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Tree = TypeVar("Tree")
Map = TypeVar("Map", bound=jax.Array)

_LEAST_ROWS = 256
"""How many rows are worth a device: at VGG's deepest block they are 16, and two more come from the neighbors."""


def count(height: int) -> int:
    """On how many devices a picture of this height is computed: on all of them if each gets enough of its rows, else on one."""
    devices = len(jax.local_devices())
    return devices if height >= _LEAST_ROWS * devices else 1


def memories(height: int) -> int:
    """Over how many memories such a picture lies. The CPU's devices share one."""
    return 1 if jax.default_backend() == "cpu" else count(height)


def by_rows(values: Map, height: int) -> Map:
    """Features of a picture of this height, (h, w, c), computed in parts along their rows. h need not divide by the devices."""
    return values if count(height) == 1 else jax.lax.with_sharding_constraint(values, _sharding("rows"))


def spread(tree: Tree, size: tuple[int, int]) -> Tree:
    """Arrays that belong to a picture of this (height, width), where they are needed.

    What holds its pixels, or the positions of a layer, lies in parts along the rows, and what holds all its values in one axis
    in parts along that. Everything else is whole on every device; so is what does not divide by their number, for JAX hands on
    equal parts only.
    """
    height, width = size
    devices = count(height)
    if devices == 1:
        return tree
    layers = {(height >> pools, width >> pools) for pools in range(5)}

    def lies(array: jax.Array) -> NamedSharding:
        if array.shape[:2] in layers and array.shape[0] % devices == 0:
            return _sharding("rows")
        if array.shape[1:] == (3 * height * width,) and array.shape[1] % devices == 0:
            return _sharding(None, "rows")
        return _sharding()

    return jax.device_put(tree, jax.tree.map(lies, tree))


def _sharding(*axes: str | None) -> NamedSharding:
    return NamedSharding(Mesh(np.array(jax.local_devices()), ("rows",)), PartitionSpec(*axes))
