"""How near one picture is to another: PSNR and SSIM, in float64 on the host."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array

Pixels = Float[Array, "height width 3"]

_STUDIO_LUMA = np.array([65.481, 128.553, 24.966]) / 255


def psnr(picture: Pixels, reference: Pixels, *, channel: Literal["rgb", "y"] = "rgb", border: int = 0) -> float:
    """The peak signal-to-noise ratio in dB, 10 log₁₀(1 / mean squared difference); infinite for equal pictures.

    Of all three channels, or of `y`: Rec. BT.601 luma in studio range, as from MATLAB's rgb2ycbcr, which published figures on
    super-resolution are measured on. `border` pixels are left out on each side. Values are in [0, 1].
    """
    difference = _inner(picture, border) - _inner(reference, border)
    error = np.mean((difference @ _STUDIO_LUMA if channel == "y" else difference) ** 2)
    return float(-10 * np.log10(error)) if error else np.inf


def ssim(picture: Pixels, reference: Pixels) -> float:
    """The structural similarity, in [−1, 1], 1 for equal pictures: the mean over the channels.

    Wang et al. 2004, "Image Quality Assessment": windows of 11 × 11 pixels, Gaussian with σ = 1.5, that lie within the picture,
    K₁ = 0.01 and K₂ = 0.03. Values are in [0, 1], sides at least 11 pixels.
    """
    x, y = _inner(picture, 0), _inner(reference, 0)
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x, variance_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(likeness / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))))


def _inner(pixels: Pixels, border: int) -> np.ndarray:
    height, width, _ = np.shape(pixels)
    return np.asarray(pixels, np.float64)[border : height - border, border : width - border]


def _blurred(values: np.ndarray) -> np.ndarray:
    kernel = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        values = np.lib.stride_tricks.sliding_window_view(values, len(kernel), axis) @ kernel
    return values
