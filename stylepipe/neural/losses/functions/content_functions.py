"""The functions of the loss `content`."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.content import EXPONENT, LARGEST_FACTOR, LARGEST_RATIO, WEIGHT_AT_TARGET, Content
from stylepipe.neural.losses.functions.sums import MeanTarget, MomentSums, mean_target, normalizer, sum_positions
from stylepipe.neural.losses.loss_inputs import LayerMasks, LossInputs, References

_ROUNDING = 1e-6
"""Expected errors below this fraction of the content's mean square are lost to rounding in float32."""


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


def _penalty(error: Float[Array, ""], target: float) -> Float[Array, ""]:
    """w t r^61 / 61 for r = error / target, with derivative w r^60; the tangent from the largest derivative on."""
    ratio = error / target
    power = jnp.minimum(ratio, LARGEST_RATIO) ** (EXPONENT + 1) / (EXPONENT + 1)
    return WEIGHT_AT_TARGET * target * (power + LARGEST_FACTOR * jnp.maximum(ratio - LARGEST_RATIO, 0))


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
