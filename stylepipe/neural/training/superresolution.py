"""What the upscaler learns from: crops that are made small, and the detail that bicubic interpolation does not bring back."""

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
from stylepipe.neural.networks.upscaler import FACTORS, Tensors, enlarge, head, trunk
from stylepipe.neural.training.crops import Crops


class UpscalingBatch(NamedTuple):
    """Small pictures, and what must be added to their bicubic enlargements so that these are the large ones."""

    small: Float[Array, "pictures h w 3"]
    detail: Float[Array, "pictures big_h big_w 3"]


@partial(jax.jit, static_argnames="factor")
def upscaling_batch(large: Float[Array, "pictures big_h big_w 3"], *, factor: int) -> UpscalingBatch:
    """The example that pictures make at a factor, which their sides are multiples of.

    They are shrunk by bicubic interpolation with antialiasing, as in MATLAB, which published results are measured on, and
    rounded to 8 bits.
    """
    size = large.shape[1], large.shape[2]
    shrunk = _resized(large, (size[0] // factor, size[1] // factor))
    small = jnp.rint(jnp.clip(shrunk, 0, 1) * 255) / 255
    return UpscalingBatch(small, large - _resized(small, size))


def upscaling_batches(crops: Crops, key: PRNGKeyArray, *, count: int, side: int) -> Callable[[int], tuple[UpscalingBatch, ...]]:
    """The examples of each step, by its number: for each factor, `count` small pictures with `side` pixels a side.

    Crops are mirrored and turned by quarters at random.
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
    """The sum over the factors of the mean absolute error in RGB, and these as terms 'x2', 'x3', 'x4'.

    All factors have a part in every step: their small pictures go through the trunk together. (MDSR is trained on one factor
    at a time; with all of them a head's gradient is never zero, and the loss is the same quantity at every step.)
    """
    counts = np.cumsum([len(one.small) for one in batches])[:-1]
    features = jax.vmap(partial(trunk, tensors))(jnp.concatenate([one.small for one in batches]))
    terms = {}
    for factor, one, found in zip(FACTORS, batches, jnp.split(features, counts), strict=True):
        detail = jax.vmap(partial(head, tensors, factor=factor))(found)
        terms[f"x{factor}"] = jnp.mean(jnp.abs(detail - one.detail))
    return sum(terms.values(), jnp.zeros(())), terms


def score(tensors: Tensors, large: Float[np.ndarray, "pictures h w 3"]) -> dict[str, float]:
    """The mean PSNR of the pictures in dB at each factor, 'x2', 'x3', 'x4', as published ones are measured.

    On luma, without `factor` pixels at the border, after rounding to 8 bits; at most 100, which stands for equal pictures.
    Sides are multiples of 12.
    """
    found = {}
    for factor in FACTORS:
        pairs = zip(np.asarray(upscaling_batch(large, factor=factor).small), large, strict=True)
        results = ((np.clip(enlarge(Weights(tensors), small, factor=factor), 0, 1), picture) for small, picture in pairs)
        ratios = [psnr(np.rint(result * 255) / 255, picture, channel="y", border=factor) for result, picture in results]
        found[f"x{factor}"] = float(np.mean(np.minimum(ratios, 100)))
    return found


def _resized(pictures: Float[Array, "pictures _ _ 3"], size: tuple[int, int]) -> Float[Array, "pictures _ _ 3"]:
    return jax.vmap(partial(resize, size=size, method="bicubic"))(pictures)
