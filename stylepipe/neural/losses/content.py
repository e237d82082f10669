"""Content as features, position by position (Gatys, Ecker and Bethge 2015, arXiv 1508.06576)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field, model_validator

from stylepipe.neural.losses.loss import (
    FeatureLoss,
    LayerMasks,
    Layers,
    LossInputs,
    MeanTarget,
    MomentSums,
    Reference,
    References,
    mean_target,
    normalizer,
    sum_positions,
)

_WEIGHT_AT_TARGET = 10.0
"""The weight of the error at its target: about the middle of the range that pictures need, 0.1 to 1000."""

_EXPONENT = 60
"""The exponent with which the weight rises with the error: a hundredfold for 8 percent."""

_LARGEST_FACTOR = 1000.0
"""The upper bound of the weight, as a multiple of the weight at the target."""

_LARGEST_RATIO = _LARGEST_FACTOR ** (1 / _EXPONENT)
"""The ratio of error to target at which the weight reaches its bound."""

_ROUNDING = 1e-6
"""Expected errors below this fraction of the content's mean square are lost to rounding in float32."""


class Content(FeatureLoss):
    """Preserves the content: compares the picture's features with the content's, position by position.

    For features F of the picture and P of the content, the loss of a layer is mean((F − P)²), over the mean square of P unless
    `normalize` says otherwise. A content mask weights the positions in both means.

    `normalize: styles` divides by the error that is expected where the picture has the style's features S, independent of the
    content: mean(σ_P² + σ_S² + (μ_P − μ_S)²) over the channels, with means and variances over the positions. Several styles
    make one mixture by their weights. With masks, each style's expected error is that of its own region, overlaps are shared
    in proportion to the masks, and positions outside of all masks are expected to keep the content. So 0 is the content, and 1
    shows nothing of it wherever a style applies. Where no error is expected, the divisor is the mean square of P.

    With a target t, the weighted sum e of the layers' losses is replaced by a penalty whose derivative with respect to e is
    10 (e / t)^60, at most 10,000: negligible below the target, and dominant above it. The optimization therefore ends near
    e = t for any pictures: within 10 percent where the required weight is between 0.02 and 3000. Where the styles require less
    change, e ends below t.
    """

    additive = True

    kind: Literal["content"] = "content"
    layers: Layers = Field(default={"relu4_2": 1.0})
    normalize: Literal["target", "styles", "none"] = Field(
        default="target",
        description="What divides each layer's loss: `target`, the mean square of the content's features, so that weights do "
        "not depend on the network or the scale of its features; `styles`, the error of the styles' features where they are "
        "independent of the content, so that a `target` means the same for any pictures; `none`, nothing.",
    )
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
        description="The final error, the weighted sum of the layers' losses; replaces tuning the weight. With `normalize: "
        "styles`, 0.3 is faithful, 0.6 free, and above 0.8 the content is lost. Otherwise it depends on the pictures: at "
        "relu3_3, 0.2 often leaves a tinted photograph, 0.5 is faithful, 1.1 free; at relu3_1 twice as much.",
    )

    @property
    def compares(self) -> frozenset[Reference]:
        """The content, and with `normalize: styles` the styles."""
        return frozenset({"content", "styles"} if self.normalize == "styles" else {"content"})

    @model_validator(mode="after")
    def _target_has_an_effect(self) -> "Content":
        if self.target is not None and self.weight == 0:
            raise ValueError("'target' needs a weight above 0; leave 'weight' out")
        if self.target is not None and isinstance(self.layers, dict) and min(self.layers.values()) < 0:
            raise ValueError("'target' needs layers of weights that are not negative")
        return self


class LayerSums(NamedTuple):
    """The sums of one layer over positions p: Σ m_p (F_p − P_p)² and Σ m_p P_p² by channel, and Σ m_p.

    `styled`, with `normalize: styles`, has the sums of P_p and P_p² in the region of each style.
    """

    error: Float[Array, " channels"]
    power: Float[Array, " channels"]
    positions: Float[Array, ""]
    styled: MomentSums | None = None


class ContentStatistic(NamedTuple):
    """The sums of each layer, and the sum of the pixels' weights."""

    layers: Mapping[str, LayerSums]
    pixels: Float[Array, ""]


class ContentTarget(NamedTuple):
    """The mean square of the content's features by layer and, with `normalize: styles`, the styles' `MomentSums` as means."""

    power: Mapping[str, Float[Array, ""]]
    styles: MeanTarget | None


def statistic(spec: Content, inputs: LossInputs) -> ContentStatistic:
    """Computes sums over positions of the differences to the inputs' content: O(n c) time and memory.

    Without content, the picture is a style and is compared with itself.
    """
    height, width, _ = inputs.picture.pixels.shape
    pixels = jnp.float32(height * width) if inputs.counted is None else inputs.counted.sum()
    return ContentStatistic({layer: _sums(spec, inputs, layer) for layer in spec.table}, pixels)


def _sums(spec: Content, inputs: LossInputs, layer: str) -> LayerSums:
    picture = inputs.picture.features[layer]
    content = picture if inputs.content is None else inputs.content.features[layer]
    mask = jnp.ones((1, 1)) if inputs.content_region is None else inputs.content_region[layer]
    positions = jnp.sum(jnp.broadcast_to(mask, content.shape[:2]))
    weights = mask[:, :, None]
    return LayerSums(
        jnp.sum(weights * (picture - content) ** 2, (0, 1)),
        jnp.sum(weights * content**2, (0, 1)),
        positions,
        _styled(content, mask, inputs.regions, layer) if spec.normalize == "styles" else None,
    )


def _styled(
    content: Float[Array, "h w channels"], mask: Float[Array, "_ _"], regions: tuple[LayerMasks | None, ...], layer: str
) -> MomentSums:
    """Returns the content's sums in each region r_k, with the weights m r_k / max(m, Σ_j r_j) for the content's weight m.

    A single region thus has the weights min(m, r): both include the alpha, which counts once.
    """
    height, width, channels = content.shape
    masks = [jnp.ones((1, 1)) if region is None else region[layer] for region in regions]
    largest = jnp.maximum(mask, sum(masks))
    shares = [mask * each / jnp.where(largest > 0, largest, 1) for each in masks]
    weights = [jnp.broadcast_to(share, (height, width)).ravel() for share in shares]
    flat = content.reshape(-1, channels)
    return MomentSums(sum_positions(flat, weights), sum_positions(flat**2, weights))


def target(spec: Content, references: References) -> ContentTarget:
    """Returns what normalizes each layer: the mean square of the content's features, and the styles' means and mean squares."""
    power = {layer: _mean(sums.power, sums) for layer, sums in references.content.layers.items()}
    if spec.normalize != "styles":
        return ContentTarget(power, None)
    styles = tuple({layer: sums.styled for layer, sums in style.layers.items()} for style in references.styles)
    return ContentTarget(power, mean_target(references._replace(styles=styles)))


def distance(spec: Content, statistic: ContentStatistic, target: ContentTarget) -> Float[Array, ""]:
    """Σ over layers of weight times the scaled squared differences, over what normalizes them, or its penalty."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        sums, divisor = statistic.layers[layer], target.power[layer]
        if target.styles is not None:
            style = target.styles.means[layer]
            expected = _expected(sums, style.first, style.second, target.styles.weights)
            divisor = jnp.where(expected > _ROUNDING * divisor, expected, divisor)
        total += weight * _scaled(spec, sums, statistic.pixels) / normalizer(spec, divisor)
    return total if spec.target is None else _penalty(total, spec.target)


def _expected(
    sums: LayerSums,
    mean: Float[Array, "regions channels"],
    mean_square: Float[Array, "regions channels"],
    weights: Float[Array, " regions"],
) -> Float[Array, ""]:
    """Returns the mean of E(S − P)² = P² − 2 P·E S + E S² in the regions, for a style's features S independent of P.

    `mean` and `mean_square` are those of S. Styles of weight 0 do not apply.
    """
    assert sums.styled is not None  # `statistic` and `target` have the same spec
    content, power = sums.styled.first, sums.styled.second
    errors = power.total - 2 * content.total * mean + content.positions[:, None] * mean_square
    return _mean(jnp.sign(weights) @ errors, sums)


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


def _scaled(spec: Content, sums: LayerSums, pixels: Float[Array, ""]) -> Float[Array, ""]:
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


def _mean(total: Float[Array, " channels"], sums: LayerSums) -> Float[Array, ""]:
    return total.sum() / (sums.positions * total.size)
