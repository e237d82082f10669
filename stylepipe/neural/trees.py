"""Conversion of a pytree, the state of a loop, to named arrays and back."""

from collections.abc import Mapping
from typing import TypeVar

import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_leaves_with_path, tree_map_with_path

Tree = TypeVar("Tree")


def named(tree: object) -> dict[str, np.ndarray]:
    """Returns the leaves of a tree by their paths, on the host; on the CPU without copying.

    A program cannot take over the memory of a leaf while such an array is kept.
    """
    return {keystr(path): np.asarray(leaf) for path, leaf in tree_leaves_with_path(tree)}


def filled(template: Tree, arrays: Mapping[str, np.ndarray]) -> Tree:
    """Rebuilds the tree from `named`; `template` has the same structure and types."""
    return tree_map_with_path(lambda path, leaf: jnp.array(arrays[keystr(path)], leaf.dtype), template)
