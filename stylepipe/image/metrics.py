"""Measures of the difference of two pictures, in float64 on the host."""

from typing import Literal

import numpy as np

from stylepipe.image.arrays import Pixels

_STUDIO_LUMA = np.array([65.481, 128.553, 24.966]) / 255


def psnr(picture: Pixels, reference: Pixels, *, channel: Literal["rgb", "y"] = "rgb", border: int = 0) -> float:
    """Returns the peak signal-to-noise ratio in dB, 10 log₁₀(1 / mean squared difference); infinite for equal pictures.

    Of all three channels, or of `y`: Rec. BT.601 luma in studio range, as from MATLAB's rgb2ycbcr, which published figures on
    super-resolution are measured on. `border` pixels are left out on each side. Values are in [0, 1].
    """
    difference = _inner(picture, border) - _inner(reference, border)
    error = np.mean((difference @ _STUDIO_LUMA if channel == "y" else difference) ** 2)
    return float(-10 * np.log10(error)) if error else np.inf


def _inner(pixels: Pixels, border: int) -> np.ndarray:
    height, width, _ = np.shape(pixels)
    return np.asarray(pixels, np.float64)[border : height - border, border : width - border]
