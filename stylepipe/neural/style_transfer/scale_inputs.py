"""The inputs of a stylization at one scale: the initial picture, and the examples with their masks at the layers."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Image, Mask
from stylepipe.image.color.color_spaces import luma
from stylepipe.image.masks import require_inside
from stylepipe.image.resize import resize, resize_image
from stylepipe.image.sizes import Size
from stylepipe.neural.losses.loss_inputs import LayerMasks
from stylepipe.neural.style_transfer.layer_masks import layer_masks
from stylepipe.neural.style_transfer.loss_set import LossSet
from stylepipe.neural.style_transfer.objective import ExamplePicture, Visible
from stylepipe.neural.style_transfer.stylization_inputs import MaskPooling, Start, StylizationInputs
from stylepipe.neural.xla.random_arrays import uniform
from stylepipe.transparency import alpha_of


def first_picture(inputs: StylizationInputs, start: Start, size: Size, key: PRNGKeyArray) -> Float[Array, "h w 3"]:
    """Returns the initial picture of a result of this size."""
    if inputs.init is not None:
        return resize_image(inputs.init, size).pixels
    if start == "noise":
        return uniform(key, (*size, 3))
    if start == "style_mean":
        means = jnp.stack([_mean_color(style) for style in inputs.styles])
        mean = jnp.average(means, 0, jnp.asarray(inputs.weights))
        noise = uniform(key, (*size, 3), minval=-0.005, maxval=0.005)
        return jnp.clip(mean + noise, 0, 1)  # a uniform picture has the same features everywhere
    assert inputs.content is not None  # `check` ensures it
    content = resize_image(inputs.content, size).pixels
    return content if start == "content" else jnp.repeat(luma(content)[..., None], 3, -1)


def examples(inputs: StylizationInputs, objective: LossSet, size: Size) -> Mapping[str, Any]:
    """Returns the arguments of `Objective.prepare` for a result of this size."""
    at_layers = partial(region_at_layers, objective=objective, pooling=inputs.mask_pooling)
    styles = [
        style_example(
            style,
            to,
            objective,
            name=inputs.names[i],
            mask=inputs.style_masks[i] if inputs.style_masks else None,
            pooling=inputs.mask_pooling,
        )
        for i, (style, to) in enumerate(zip(inputs.styles, inputs.style_sizes(size), strict=True))
    ]
    content = visible = alpha = None
    if inputs.content is not None:
        shown = resize_image(inputs.content, size)
        alpha = None if alpha_of(inputs.content) is None else shown.alpha
        region = at_layers(inputs.content_mask, alpha, size, compares="content", name="content mask", picture="the content")
        content = ExamplePicture(shown.pixels, region)
    if alpha is not None:
        layers = at_layers(None, alpha, size, compares=None, name="", picture="the content")
        visible = Visible(jnp.asarray(alpha), layers or {})
    masks = zip(inputs.names, inputs.masks, strict=bool(inputs.masks))
    regions = [
        at_layers(mask, alpha, size, compares="styles", name=f"mask {name}", picture="the content") for name, mask in masks
    ]
    return {
        "content": content,
        "styles": styles,
        "weights": _counts(inputs),
        "regions": regions or None,
        "visible": visible,
    }


def _counts(inputs: StylizationInputs) -> Sequence[float]:
    """Returns the weight of each style's losses: with regions, in proportion to their area.

    A loss within a region is a mean over it, so its gradient at a pixel is inversely proportional to the area, unlike that
    of the content: with equal weights, a region of 2 % ended at a hundredth of the distance to its style of one of 50 %.
    """
    if not inputs.masks:
        return inputs.weights
    mean = sum(inputs.weights) / len(inputs.weights)
    return [weight / mean * _area(inputs, mask) for weight, mask in zip(inputs.weights, inputs.masks, strict=True)]


def _area(inputs: StylizationInputs, mask: Mask) -> float:
    """Returns the fraction of the result's visible area inside a mask."""
    alpha = None if inputs.content is None else alpha_of(inputs.content)
    weights = None if alpha is None else np.asarray(resize(alpha, mask.size, method="bilinear"))
    return float(np.average(mask.values, weights=weights))


def style_example(
    style: Image, size: Size, objective: LossSet, *, name: str, mask: Mask | None = None, pooling: MaskPooling = "network"
) -> ExamplePicture:
    """Returns a resized style, with its mask times its alpha at the layers."""
    shown = resize_image(style, size)
    alpha = None if alpha_of(style) is None else shown.alpha
    names = {"name": f"style mask {name}", "picture": f"style {name}"}
    region = region_at_layers(mask, alpha, size, objective=objective, compares="styles", pooling=pooling, **names)
    return ExamplePicture(shown.pixels, region)


def region_at_layers(
    mask: Mask | None,
    alpha: Float[Array, "h w"] | None,
    size: Size,
    *,
    objective: LossSet,
    compares: str | None,
    pooling: MaskPooling,
    name: str,
    picture: str,
) -> LayerMasks | None:
    """Returns a mask times the alpha at the layers, for a picture of this size; None without mask and alpha.

    Raises StageError, with `name` and `picture`, if it is empty.
    """
    if mask is None and alpha is None:
        return None
    values, called = alpha, f"visible part of {picture}"
    if mask is not None:
        values, called = resize(mask.values, size, method="bilinear"), name
    if mask is not None and alpha is not None:
        values, called = values * alpha, f"visible part of {name}"
    masks = layer_masks(
        np.asarray(values), layers=objective.layers(compares), encoder=objective.encoder, pooling=pooling, name=called
    )
    require_inside(values, called)  # for objectives without layers
    return masks


def _mean_color(image: Image) -> Float[Array, "3"]:
    """Returns the mean color, weighted by alpha."""
    alpha = alpha_of(image)
    pixels = jnp.asarray(image.pixels)
    return jnp.mean(pixels, (0, 1)) if alpha is None else jnp.tensordot(jnp.asarray(alpha), pixels, 2) / np.sum(alpha)


def resized(values: Any, size: Size) -> Float[Array, "..."]:
    """Resizes a picture or mask, clamped to [0, 1]."""
    return jnp.clip(resize(values, size), 0, 1)
