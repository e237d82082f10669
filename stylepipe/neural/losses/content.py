"""Content as features, position by position (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field, model_validator

from stylepipe.neural.losses.loss import FeatureLoss, Layers, LossInputs, References, normalizer

_WEIGHT_AT_TARGET = 10.0
"""The weight of the error at its target: about the middle of the range that pictures need, 0.1 to 1000."""

_EXPONENT = 60
"""The exponent with which the weight rises with the error: a hundredfold for 8 percent."""

_LARGEST_FACTOR = 1000.0
"""The upper bound of the weight, as a multiple of the weight at the target."""

_LARGEST_RATIO = _LARGEST_FACTOR ** (1 / _EXPONENT)
"""The ratio of error to target at which the weight reaches its bound."""


class Content(FeatureLoss):
    """Preserves the content: compares the picture's features with the content's, position by position.

    For features F of the picture and P of the content, the loss of a layer is mean((F − P)²), over the mean square of P unless
    `normalize: none`. A content mask weights the positions in both means.

    With a target t, the weighted sum e of the layers' losses is replaced by a penalty whose derivative with respect to e is
    10 (e / t)^60, at most 10,000: negligible below the target, and dominant above it. The optimization therefore ends near
    e = t for any pictures: within 10 percent where the required weight is between 0.02 and 3000. Where the styles require less
    change, e ends below t.
    """

    compares = frozenset({"content"})
    additive = True

    kind: Literal["content"] = "content"
    layers: Layers = Field(default={"relu4_2": 1.0})
    scaling: Literal["mean", "sum", "sum/C", "sum/(C*S)", "sum/(2*sqrt(C*S))"] = Field(
        default="mean",
        description="How squared differences are reduced, with C the layer's channels and S the pixels of the picture: "
        "the mean; the sum; or the sum scaled as in titu1994's programs (`sum`, `sum/(C*S)`, `sum/(2*sqrt(C*S))`) or in "
        "Tseng's (`sum/C`).",
    )
    target: float | None = Field(
        default=None,
        ge=0.01,
        le=100,
        description="The final error, the weighted sum of the layers' losses; replaces tuning the weight. At relu3_3, 0.2 "
        "leaves a tinted photograph, 0.5 is faithful, 1.1 free, and above 1.5 the content is lost; at relu3_1 twice as much.",
    )

    @model_validator(mode="after")
    def _target_has_an_effect(self) -> "Content":
        if self.target is not None and self.weight == 0:
            raise ValueError("'target' needs a weight above 0; leave 'weight' out")
        if self.target is not None and isinstance(self.layers, dict) and min(self.layers.values()) < 0:
            raise ValueError("'target' needs layers of weights that are not negative")
        return self


class SquaredErrors(NamedTuple):
    """The sums of one layer over positions p: Σ m_p (F_p − P_p)² and Σ m_p P_p² by channel, and Σ m_p."""

    error: Float[Array, " channels"]
    power: Float[Array, " channels"]
    positions: Float[Array, ""]


class ContentStatistic(NamedTuple):
    """The sums of each layer, and the sum of the pixels' weights."""

    layers: Mapping[str, SquaredErrors]
    pixels: Float[Array, ""]


def statistic(spec: Content, inputs: LossInputs) -> ContentStatistic:
    """Computes sums over positions of the differences to the inputs' content: O(n c) time and memory."""
    height, width, _ = inputs.picture.pixels.shape
    pixels = jnp.float32(height * width) if inputs.counted is None else inputs.counted.sum()
    return ContentStatistic({layer: _errors(inputs, layer) for layer in spec.table}, pixels)


def _errors(inputs: LossInputs, layer: str) -> SquaredErrors:
    assert inputs.content is not None  # `require` checks that everything in `compares` is provided
    picture, content = inputs.picture.features[layer], inputs.content.features[layer]
    mask = jnp.ones((1, 1)) if inputs.content_region is None else inputs.content_region[layer]
    positions = jnp.sum(jnp.broadcast_to(mask, content.shape[:2]))
    weights = mask[:, :, None]
    return SquaredErrors(jnp.sum(weights * (picture - content) ** 2, (0, 1)), jnp.sum(weights * content**2, (0, 1)), positions)


def target(spec: Content, references: References) -> dict[str, Float[Array, ""]]:
    """Returns the mean square of the content's features at each layer, for normalization."""
    return {layer: _mean(sums.power, sums) for layer, sums in references.content.layers.items()}


def distance(spec: Content, statistic: ContentStatistic, target: Mapping[str, Float[Array, ""]]) -> Float[Array, ""]:
    """Σ over layers of weight times the scaled squared differences, over the content's mean square, or its penalty."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        total += weight * _scaled(spec, statistic.layers[layer], statistic.pixels) / normalizer(spec, target[layer])
    return total if spec.target is None else _penalty(total, spec.target)


def error_of(spec: Content, loss: float) -> float:
    """Returns the error of a weighted loss: the inverse of the penalty for a target.

    Errors below a fifth of the target are indistinguishable from 0.
    """
    if spec.target is None:
        return loss / spec.weight
    scaled = loss / (spec.weight * _WEIGHT_AT_TARGET * spec.target)
    largest = _LARGEST_RATIO ** (_EXPONENT + 1) / (_EXPONENT + 1)
    if scaled > largest:
        return spec.target * (_LARGEST_RATIO + (scaled - largest) / _LARGEST_FACTOR)
    return spec.target * (scaled * (_EXPONENT + 1)) ** (1 / (_EXPONENT + 1))


def _penalty(error: Float[Array, ""], target: float) -> Float[Array, ""]:
    """w t r^61 / 61 for r = error / target, with derivative w r^60; the tangent from the largest derivative on."""
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
