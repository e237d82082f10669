"""Masks: two halves that melt into each other; the part of a mask that hangs together."""

import numpy as np

from .picture import Array


def halves(shape: tuple[int, int]) -> Array:
    """1 on the left and 0 on the right (h, w); they melt into each other over a fifth of the width, along an S-curve."""
    y, x = (np.indices(shape, np.float32) + 0.5) / np.array(shape, np.float32)[:, None, None]
    share = np.clip((0.5 + 0.08 * np.sin(2 * np.pi * y) - x) / 0.2 + 0.5, 0, 1)
    return share * share * (3 - 2 * share)


def hanging_together(mask: Array, start: Array) -> Array:
    """The pixels of a mask (h, w) that a walk by rows and columns within it reaches from `start` (h, w), both boolean."""
    reached = mask & start
    while True:
        wider = _along_rows(mask.T, _along_rows(mask, reached).T).T
        if (wider == reached).all():
            return reached
        reached = wider


def _along_rows(mask: Array, reached: Array) -> Array:
    """Every run of mask pixels in a row, if any of it is reached."""
    fresh = ~mask
    fresh[:, 0] = True
    run = np.cumsum(fresh.ravel())
    hit = np.zeros(run[-1] + 1, bool)
    hit[run[reached.ravel()]] = True
    return hit[run].reshape(mask.shape) & mask
