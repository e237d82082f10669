"""The stage `upscale`."""

from collections.abc import Iterator
from math import prod
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from stylepipe.artifacts import Array, Image, Weights, blank
from stylepipe.errors import StageError
from stylepipe.image.operation_cost import FLOPS, PROGRAM, Cost, resampling
from stylepipe.image.sizes import scaled
from stylepipe.neural.networks.upscaler_layout import FACTORS, Upscaler, describe, operations
from stylepipe.stage import Estimate, Params, stage

_TILE_MEMORY = 1_000_000
"""Bytes that a tile of the network takes for each of its channels."""


class UpscaleParams(Params):
    """The factor and the method."""

    factor: float = Field(ge=1, le=8, description="The ratio of new to old sides, which are rounded to whole pixels.")
    method: Literal["learned", "lanczos3", "bicubic"] | None = Field(
        default=None,
        description="`learned` uses `network`; the others are kernels, lanczos3 the sharper one. By default `learned` if a "
        "network is given, else lanczos3.",
    )


def _estimate(image: Image, params: UpscaleParams, network: Weights | None = None) -> Estimate:
    size = scaled(image.size, params.factor)
    alpha = None if image.alpha is None else blank(*size)
    cost = resampling(image.size, size, alpha=alpha is not None)
    if network is not None and params.method in (None, "learned"):
        cost = _learned_cost(image.size, params.factor, describe(network), alpha=alpha is not None)
    return Estimate(Image(blank(*size, 3), alpha), *cost)


def _learned_cost(size: tuple[int, int], factor: float, network: Upscaler, *, alpha: bool) -> Cost:
    """Estimates the cost of `_learned`, whose last step is the largest; its result exists beside the resampled one.

    Where no resampling is needed, there are four copies: the network's, clamped, on the device, and clamped again.
    """
    steps, work, final = list(_steps(factor)), 0.0, scaled(size, factor)
    large = size
    for step in steps:
        work += prod(large) * operations(network, step) / FLOPS
        large = scaled(large, step)
    last = resampling(large, final)
    memory = PROGRAM + 48 * prod(large) if large == final else last.memory
    opacity = resampling(size, final).memory // 3 if alpha else 0
    return Cost(memory + opacity + _TILE_MEMORY * network.channels, work + last.work)


def _steps(factor: float) -> Iterator[int]:
    """Yields the factors by which the network enlarges, in order."""
    while factor > 1:
        step = next((step for step in FACTORS if step >= factor), FACTORS[-1])
        yield step
        factor /= step


def _check(params: UpscaleParams, network: Weights | None, **_: Any) -> None:
    if params.method == "learned" and network is None:
        raise StageError(
            "'method: learned' needs 'network', and none is given.",
            hint="Give 'network' the weights of an upscaler, or choose lanczos3 or bicubic.",
        )


@stage(version=1, check=_check, estimate=_estimate)
def upscale(image: Image, params: UpscaleParams, network: Weights | None = None) -> Image:
    """Enlarges an image.

    - `learned`: by `network`, an upscaler, which estimates detail for ×2, ×3 and ×4 (see `stylepipe.neural.networks.upscaler`).
      For other factors the picture is enlarged by the next larger one of these and then shrunk with lanczos3; above 4, by 4 and
      then by the remaining factor. A gray picture stays gray.
    - `lanczos3`, `bicubic`: by a kernel, as `resize` does. `bicubic` gives the figures published as the baseline of
      super-resolution (Set5 ×2 33.66 dB, ×3 30.39, ×4 28.42).

    Overshoot at edges is clamped to [0, 1]. Transparency is enlarged in the same way, but with lanczos3 for `learned`. Raises
    StageError for `learned` without a network, and WeightsError for a network that is not an upscaler.
    """
    from stylepipe.image.resize import resize_image

    method = params.method or ("learned" if network else "lanczos3")
    size = scaled(image.size, params.factor)
    if method != "learned":
        return resize_image(image, size, method=method)
    if network is None:
        raise StageError(
            "'method: learned' needs 'network', and none is given.",
            hint="Give 'network' the weights of an upscaler, or choose lanczos3 or bicubic.",
        )
    describe(network)
    alpha = None if image.alpha is None else _resized(image.alpha, size)
    return Image(_learned(image.pixels, params.factor, network), alpha)


def _learned(pixels: Float[Array, "h w 3"], factor: float, network: Weights) -> Float[Array, "big_h big_w 3"]:
    from stylepipe.neural.networks.upscaler import enlarge

    size = scaled(np.shape(pixels)[:2], factor)
    gray = bool(np.all(np.ptp(np.asarray(pixels), axis=-1) == 0))
    for step in _steps(factor):
        pixels = np.clip(enlarge(network, pixels, factor=step), 0, 1)
    if gray:
        pixels = np.repeat(pixels.mean(axis=-1, keepdims=True), 3, -1)
    return _resized(pixels, size)


def _resized(plane: Float[Array, "h w *channels"], size: tuple[int, int]) -> Float[Array, "new_h new_w *channels"]:
    import jax.numpy as jnp

    from stylepipe.image.resize import resize

    return jnp.clip(resize(plane, size), 0, 1)
