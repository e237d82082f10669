"""Masks that are drawn, not seen."""

import numpy as np

from .picture import Array


def halves(shape: tuple[int, int]) -> Array:
    """1 on the left and 0 on the right (h, w); they melt into each other over a fifth of the width, along an S-curve."""
    y, x = (np.indices(shape, np.float32) + 0.5) / np.array(shape, np.float32)[:, None, None]
    share = np.clip((0.5 + 0.08 * np.sin(2 * np.pi * y) - x) / 0.2 + 0.5, 0, 1)
    return share * share * (3 - 2 * share)
