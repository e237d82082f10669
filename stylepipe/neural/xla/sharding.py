"""Sharding of the rows of a picture over several devices.

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
"""The least number of rows per device: 16 rows at VGG's deepest block, where two more come from the neighbors."""


def count(height: int) -> int:
    """Returns the number of devices for a picture of this height: all if each gets enough rows, else one."""
    devices = len(jax.local_devices())
    return devices if height >= _LEAST_ROWS * devices else 1


def by_rows(values: Map, height: int) -> Map:
    """Shards the features (h, w, c) of a picture along their rows. h need not be divisible by the devices."""
    return values if count(height) == 1 else jax.lax.with_sharding_constraint(values, _sharding("rows"))


def spread(tree: Tree, size: tuple[int, int]) -> Tree:
    """Places the arrays of a picture of this (height, width) on the devices.

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
