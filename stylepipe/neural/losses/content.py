"""Content as features, position by position (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field, model_validator

from stylepipe.neural.losses.loss import FeatureLoss, Layers, References, View, normalizer

_WEIGHT_AT_TARGET = 10.0
"""What an error that is on its target counts: about the middle of what pictures need, 0.1 to 1000."""

_EXPONENT = 60
"""How steeply the weight rises with the error: a hundredfold for 8 percent."""

_LARGEST_FACTOR = 1000.0
"""The weight rises to this many times that at the target, so that it stays finite far from it."""

_LARGEST_RATIO = _LARGEST_FACTOR ** (1 / _EXPONENT)
"""The ratio of error to target from which on the weight rises no more."""


class Content(FeatureLoss):
    """Keeps what the picture shows: its features stay those of the content, position by position.

    For features F of the picture and P of the content, the loss of a layer is mean((F − P)²), over the mean square of P unless
    `normalize: none`. A content mask weighs the positions; both means are then taken within it.

    With a target t, the weighted sum e of the layers' losses is replaced by a penalty whose slope, the weight that e counts
    with, is 10 (e / t)^60, and at most 10,000: almost nothing below the target, and more than any style above it. So the
    optimization ends near e = t whatever the pictures are, within 10 percent where the weight that is needed is between 0.02
    and 3000. Where the styles ask for less change than that, e ends below.
    """

    compares = frozenset({"content"})
    additive = True

    kind: Literal["content"] = "content"
    layers: Layers = Field(default={"relu4_2": 1.0})
    scaling: Literal["mean", "sum", "sum/C", "sum/(C*S)", "sum/(2*sqrt(C*S))"] = Field(
        default="mean",
        description="What is made of the squared differences, C being the layer's channels and S the pixels of the picture: "
        "their mean; their sum; or the sum scaled as titu1994's programs do (`sum`, `sum/(C*S)`, `sum/(2*sqrt(C*S))`) or "
        "Tseng's (`sum/C`).",
    )
    target: float | None = Field(
        default=None,
        ge=0.01,
        le=100,
        description="The error to end with, instead of a weight to be found by trying: the weighted sum of the layers' losses. "
        "At relu3_3, 0.2 leaves a tinted photograph, 0.5 is faithful, 1.1 free, and above 1.5 the content is lost; at relu3_1 "
        "these are twice as large.",
    )

    @model_validator(mode="after")
    def _target_has_an_effect(self) -> "Content":
        if self.target is not None and self.weight == 0:
            raise ValueError("'target' needs a weight above 0; leave 'weight' out")
        if self.target is not None and isinstance(self.layers, dict) and min(self.layers.values()) < 0:
            raise ValueError("'target' needs layers of weights that are not negative")
        return self


class SquaredErrors(NamedTuple):
    """Of one layer, over positions p: Σ m_p (F_p − P_p)² and Σ m_p P_p² by channel, and Σ m_p."""

    error: Float[Array, " channels"]
    power: Float[Array, " channels"]
    positions: Float[Array, ""]


class Statistic(NamedTuple):
    """The sums of each layer, and the number of pixels."""

    layers: Mapping[str, SquaredErrors]
    pixels: Float[Array, ""]


def statistic(spec: Content, view: View) -> Statistic:
    """Sums over positions, with the content's features as a part of the view: O(n c) time and memory."""
    height, width, _ = view.picture.pixels.shape
    pixels = jnp.float32(height * width) if view.counted is None else view.counted.sum()
    return Statistic({layer: _errors(view, layer) for layer in spec.table}, pixels)


def _errors(view: View, layer: str) -> SquaredErrors:
    assert view.content is not None  # a loss is only given a view of what it `compares` with
    picture, content = view.picture.features[layer], view.content.features[layer]
    mask = jnp.ones((1, 1)) if view.content_region is None else view.content_region[layer]
    positions = jnp.sum(jnp.broadcast_to(mask, content.shape[:2]))
    weights = mask[:, :, None]
    return SquaredErrors(jnp.sum(weights * (picture - content) ** 2, (0, 1)), jnp.sum(weights * content**2, (0, 1)), positions)


def target(spec: Content, references: References) -> dict[str, Float[Array, ""]]:
    """By layer, the mean square of the content's features: what the loss is measured by."""
    return {layer: _mean(sums.power, sums) for layer, sums in references.content.layers.items()}


def distance(spec: Content, statistic: Statistic, target: Mapping[str, Float[Array, ""]]) -> Float[Array, ""]:
    """Σ over layers of weight times the scaled sum of squared differences, over the mean square of the content.

    With a target, the penalty for that sum.
    """
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        total += weight * _scaled(spec, statistic.layers[layer], statistic.pixels) / normalizer(spec, target[layer])
    return total if spec.target is None else _penalty(total, spec.target)


def error_of(spec: Content, loss: float) -> float:
    """The error that a loss was computed from, its weight included: the inverse of the penalty for a target.

    An error below a fifth of its target is not told apart from one of 0.
    """
    if spec.target is None:
        return loss / spec.weight
    scaled = loss / (spec.weight * _WEIGHT_AT_TARGET * spec.target)
    largest = _LARGEST_RATIO ** (_EXPONENT + 1) / (_EXPONENT + 1)
    if scaled > largest:
        return spec.target * (_LARGEST_RATIO + (scaled - largest) / _LARGEST_FACTOR)
    return spec.target * (scaled * (_EXPONENT + 1)) ** (1 / (_EXPONENT + 1))


def _penalty(error: Float[Array, ""], target: float) -> Float[Array, ""]:
    """w t r^61 / 61 for r = error / target, of slope w r^60; from the largest slope on, the tangent."""
    ratio = error / target
    power = jnp.minimum(ratio, _LARGEST_RATIO) ** (_EXPONENT + 1) / (_EXPONENT + 1)
    return _WEIGHT_AT_TARGET * target * (power + _LARGEST_FACTOR * jnp.maximum(ratio - _LARGEST_RATIO, 0))


def _scaled(spec: Content, sums: SquaredErrors, pixels: Float[Array, ""]) -> Float[Array, ""]:
    channels = sums.error.size
    match spec.scaling:
        case "mean":
            return _mean(sums.error, sums)
        case "sum":
            return sums.error.sum()
        case "sum/C":
            return sums.error.sum() / channels
        case "sum/(C*S)":
            return sums.error.sum() / (channels * pixels)
        case "sum/(2*sqrt(C*S))":
            return sums.error.sum() / (2 * jnp.sqrt(channels * pixels))


def _mean(total: Float[Array, " channels"], sums: SquaredErrors) -> Float[Array, ""]:
    return total.sum() / (sums.positions * total.size)
