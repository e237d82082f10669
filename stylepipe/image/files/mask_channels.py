"""Selects the channel of a picture that is a mask: alpha, luma, or a color."""

import numpy as np
from jaxtyping import Float

from stylepipe.errors import InputError
from stylepipe.image.files.decode import Samples, bands

CHANNELS = ("alpha", "luma", "red", "green", "blue")
_LUMA = np.array([0.299, 0.587, 0.114])  # Rec. BT.601

_SAME = 4 / 255
"""Difference of luma below which colors count as equal, because of lossy compression and rounding."""


def mask_channel(samples: Samples, channel: str | None, *, name: str) -> Float[np.ndarray, "height width"]:
    """Returns one of `CHANNELS` of a picture; transparent parts of colors and luma count as black.

    Without a channel it is the one that varies: alpha where only that does (a silhouette of one color), else luma. Raises
    InputError, with the picture's `name`, where both vary, and for the alpha of a picture without transparency.
    """
    color, alpha = samples.color, samples.alpha
    luma = color if color.ndim == 2 else _luma(color)
    if channel is None:
        channel = _varying(luma, alpha, name)
    if channel == "alpha":
        if alpha is None:
            raise InputError(
                f"'{name}' has no transparency, and its alpha is to be the mask.",
                hint=f"Choose another channel: {', '.join(CHANNELS[1:])}.",
            )
        return alpha
    plane = luma if channel == "luma" or color.ndim == 2 else color[..., CHANNELS.index(channel) - 2]
    return plane if alpha is None else plane * alpha


def _luma(color: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width"]:
    height, width, _ = color.shape
    luma = np.empty((height, width), np.float32)
    for rows in bands(height, width):
        luma[rows] = color[rows] @ _LUMA
    return luma


def _varying(luma: Float[np.ndarray, "h w"], alpha: Float[np.ndarray, "h w"] | None, name: str) -> str:
    if alpha is None or (np.ptp(alpha) == 0 and alpha.flat[0] > 0):
        return "luma"
    visible = max(float(alpha.sum(dtype=np.float64)), np.finfo(float).tiny)
    mean = float((luma * alpha).sum(dtype=np.float64)) / visible
    if np.max(alpha * np.abs(luma - np.float32(mean))) < _SAME:
        return "alpha"
    raise InputError(
        f"'{name}' could be two masks: its transparency varies, and so does the brightness of what is visible.",
        hint=f"Choose one, as in {{mask: {name}, channel: alpha}}; the channels are {', '.join(CHANNELS)}. "
        "'invert: true' beside it swaps inside and outside.",
    )
