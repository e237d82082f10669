"""Training data, loss and score of the upscaler: downscaled crops, and the residual of their bicubic enlargement."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from stylepipe.artifacts import Weights
from stylepipe.image.metrics import psnr
from stylepipe.image.resize import resize
from stylepipe.neural.networks.upscaler import Tensors, enlarge, head, trunk
from stylepipe.neural.networks.upscaler_layout import FACTORS
from stylepipe.neural.training.crops import Crops


class UpscalingBatch(NamedTuple):
    """Small pictures, and the residuals between the large pictures and the bicubic enlargements."""

    small: Float[Array, "pictures h w 3"]
    detail: Float[Array, "pictures big_h big_w 3"]


@partial(jax.jit, static_argnames="factor")
def upscaling_batch(large: Float[Array, "pictures big_h big_w 3"], *, factor: int) -> UpscalingBatch:
    """Downscales pictures by a factor that divides their sides.

    Uses bicubic interpolation with antialiasing and rounding to 8 bits, as published results do (MATLAB's `imresize`).
    """
    size = large.shape[1], large.shape[2]
    shrunk = _resized(large, (size[0] // factor, size[1] // factor))
    small = jnp.rint(jnp.clip(shrunk, 0, 1) * 255) / 255
    return UpscalingBatch(small, large - _resized(small, size))


def upscaling_batches(crops: Crops, key: PRNGKeyArray, *, count: int, side: int) -> Callable[[int], tuple[UpscalingBatch, ...]]:
    """Returns a function from a step's number to its batches: `count` small pictures of `side` pixels for each factor.

    Crops are mirrored and rotated by multiples of 90° at random.
    """

    def of_factor(key: PRNGKeyArray, factor: int) -> UpscalingBatch:
        drawing, turning = jax.random.split(key)
        drawn = crops.draw(drawing, count=count, side=factor * side)
        turns = np.asarray(jax.random.randint(turning, (count,), 0, 4))
        return upscaling_batch(np.stack([np.rot90(crop, turn) for crop, turn in zip(drawn, turns, strict=True)]), factor=factor)

    def of_step(number: int) -> tuple[UpscalingBatch, ...]:
        keys = jax.random.split(jax.random.fold_in(key, number), len(FACTORS))
        return tuple(map(of_factor, keys, FACTORS))

    return of_step


def loss(tensors: Tensors, batches: tuple[UpscalingBatch, ...]) -> tuple[Float[Array, ""], Mapping[str, Float[Array, ""]]]:
    """Computes the sum over the factors of the mean absolute error in RGB, with the terms 'x2', 'x3', 'x4'.

    Every step trains all factors: their small pictures pass through the trunk together. (MDSR trains one factor per step; with
    all of them no head's gradient is zero, and the loss is the same quantity at every step.)
    """
    counts = np.cumsum([len(one.small) for one in batches])[:-1]
    features = jax.vmap(partial(trunk, tensors))(jnp.concatenate([one.small for one in batches]))
    terms = {}
    for factor, one, maps in zip(FACTORS, batches, jnp.split(features, counts), strict=True):
        detail = jax.vmap(partial(head, tensors, factor=factor))(maps)
        terms[f"x{factor}"] = jnp.mean(jnp.abs(detail - one.detail))
    return sum(terms.values(), jnp.zeros(())), terms


def score(tensors: Tensors, large: Float[np.ndarray, "pictures h w 3"]) -> dict[str, float]:
    """Computes the mean PSNR in dB at each factor, 'x2', 'x3', 'x4', with the protocol of published results.

    On luma, without `factor` pixels at the border, after rounding to 8 bits; clipped at 100, the value of equal pictures. Sides
    must be multiples of 12.
    """
    scores = {}
    for factor in FACTORS:
        pairs = zip(np.asarray(upscaling_batch(large, factor=factor).small), large, strict=True)
        results = ((np.clip(enlarge(Weights(tensors), small, factor=factor), 0, 1), picture) for small, picture in pairs)
        ratios = [psnr(np.rint(result * 255) / 255, picture, channel="y", border=factor) for result, picture in results]
        scores[f"x{factor}"] = float(np.mean(np.minimum(ratios, 100)))
    return scores


def _resized(pictures: Float[Array, "pictures _ _ 3"], size: tuple[int, int]) -> Float[Array, "pictures _ _ 3"]:
    return jax.vmap(partial(resize, size=size, method="bicubic"))(pictures)
