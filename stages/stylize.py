"""The stage `stylize`: the picture whose features are those of a content and the styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field, model_validator

from stylepipe.artifacts import Image, Mask, Weights
from stylepipe.errors import StageError
from stylepipe.image.color import luma
from stylepipe.image.resize import resize, scaled
from stylepipe.neural import optimize
from stylepipe.neural.layout import Pooling, describe
from stylepipe.neural.losses import AnyLoss
from stylepipe.neural.losses.base import Maps
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.masks import MaskPooling, layer_masks
from stylepipe.neural.objective import Constants, Example, Objective, prepare
from stylepipe.neural.optimizers import AnyOptimizer
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.semantic import Labelling, shared_regions
from stylepipe.stage import Checkpoint, Emit, Frame, Params, Progress, stage

Side = Annotated[int, Field(ge=16, le=65_536)]
Iterations = Annotated[int, Field(ge=1, le=100_000)]


class StylizeParams(Params):
    """What `stylize` minimises, how, and at which sizes."""

    size: Side | Annotated[tuple[Side, ...], Field(min_length=1, max_length=32)] = Field(
        default=(128, 256, 512),
        description="The result's long side in pixels. A list is worked through in one go, each size starting from the result "
        "of the one before: strokes get longer than at one size alone. A stage for each size does the same and keeps each "
        "picture, but only within one stage does Adam keep its moments.",
    )
    aspect: float | None = Field(
        default=None,
        ge=0.05,
        le=20,
        description="The result's width over its height; by default the content's, else that of `target_map`, else that of "
        "`init`, else 1.",
    )
    iterations: Iterations | tuple[Iterations, ...] = Field(
        default=200, description="How many; a list gives one number for each size."
    )
    losses: tuple[AnyLoss, ...] = Field(
        default=(Content(), Gram(weight=6.0), TotalVariation(weight=2.0)),
        min_length=1,
        max_length=32,
        description="What is minimised: the sum of these.",
    )
    optimizer: AnyOptimizer = Field(default=Lbfgs(), description="How it is minimised.")
    start: Literal["content", "noise", "gray", "style_mean"] = Field(
        default="content",
        description="Where it starts without `init`: the content; uniform noise; the content's luminance; or the styles' mean "
        "colour, with a hundredth of noise.",
    )
    style_weights: tuple[Annotated[float, Field(ge=0, le=1e6)], ...] | None = Field(
        default=None, description="How much each style counts, in any unit; all alike by default."
    )
    style_scale: float = Field(
        default=1.0, gt=0.05, le=20, description="The styles' long side over the result's: larger makes larger strokes."
    )
    mask_pooling: MaskPooling = Field(
        default="network",
        description="How masks come to the layers: `network` lets a position count by the share of what it sees that lies "
        "inside; `area` by the share of the pixels it stands for.",
    )
    labelling: Labelling = Field(default=Labelling(), description="What in semantic maps is a label, and which count.")
    pooling: Pooling | None = Field(default=None, description="How the network pools; by default as it was trained.")
    clamp: bool = Field(default=True, description="Keep pixels in [0, 1] at each step; otherwise only the result is.")
    early_stop: optimize.EarlyStop | None = Field(default=None, description="When to stop before all iterations are done.")
    preview_every: int | None = Field(
        default=None, ge=1, le=100_000, description="Show a preview frame every so many iterations."
    )

    @model_validator(mode="after")
    def _one_count_for_each_size(self) -> "StylizeParams":
        if not isinstance(self.iterations, int) and len(self.iterations) != len(self.sizes):
            raise ValueError(f"{len(self.iterations)} iterations were given for {len(self.sizes)} sizes")
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """The long side at each scale."""
        return (self.size,) if isinstance(self.size, int) else self.size

    @property
    def counts(self) -> tuple[int, ...]:
        """The iterations at each scale."""
        return (self.iterations,) * len(self.sizes) if isinstance(self.iterations, int) else self.iterations


@stage(version=1)
def stylize(  # noqa: PLR0917 (a stage's inputs)
    content: Image | None,
    styles: Sequence[Image],
    extractor: Weights,
    params: StylizeParams,
    masks: Sequence[Mask] = (),
    style_masks: Sequence[Mask] = (),
    content_mask: Mask | None = None,
    init: Image | None = None,
    style_map: Image | None = None,
    target_map: Image | None = None,
    *,
    key: PRNGKeyArray,
    emit: Emit,
    checkpoint: Checkpoint,
) -> Image:
    """Finds the picture that shows the content in the manner of the styles.

    It starts from `init`, or from what `start` says, and changes the pixels step by step so that the sum of `losses` falls; the
    losses compare features that the network `extractor` (a VGG) finds in the picture with those it finds in the examples
    (Gatys, Ecker and Bethge 2015, arXiv 1508.06576).

    - `content`: what is to be seen. Without it, the result is a texture. Its transparency, if any, is given to the result.
    - `styles`: one or more, each brought to a long side of `size` times `style_scale`; their aspects stay their own.
    - `masks`: where in the result each style applies, white inside, one for each style in the same order. Masks may be soft and
      may overlap. Losses are means over their regions and count by their area: so a region of any size takes on its style as
      strongly as a whole picture would, against the content too. Without masks, the styles are blended.
    - `style_masks`: which part of each style picture is its example; one for each style.
    - `content_mask`: where the content is kept.
    - `init`: a picture to start from, as of a smaller scale; brought to the result's size.
    - `style_map`, `target_map`: semantic maps of the one style and of the result, which make a neural doodle: each colour is a
      label, and what the style shows under a label applies where the result has that label. They stand in for `masks` and
      `style_masks`, one of each for every label. (Champandard 2016, arXiv 1603.01768, lets the maps guide which patches match;
      here, as in titu1994's improved_neural_doodle, the losses are taken label by label.)

    The result has a long side of `size` and values in [0, 1]. Raises StageError for an input that a loss or `start` needs and
    that is not given, for semantic maps whose labels do not fit together, for a mask that is empty at a layer, for a picture
    too small for the network, and for a loss that is not finite, naming the iteration and the term; the last good picture is
    then the last preview, which the run's folder keeps.
    """
    weights = params.style_weights or (1.0,) * len(styles)
    names = tuple(str(i + 1) for i in range(len(styles)))
    given = _Inputs(content, styles, weights, names, masks, style_masks, content_mask, init, style_map, target_map)
    _check(given, params)
    if style_map is not None and target_map is not None:
        given = _by_label(given, style_map, target_map, params)
    objective = Objective.of(params.losses, describe(extractor, pooling=params.pooling))
    tensors = {name: jnp.asarray(tensor) for name, tensor in extractor.tensors.items()}
    first_key, steps_key = jax.random.split(key)
    sizes = tuple(_size(given, params, side) for side in params.sizes)
    terms = len(objective.terms)

    saved = checkpoint.load()
    if saved is None:
        began, before, step = 0, 0, optimize.start(params.optimizer, _first(given, params, sizes[0], first_key), terms=terms)
    else:
        began, before = int(saved["scale"]), int(saved["before"])
        step = optimize.restored(params.optimizer, saved, sizes[began], terms=terms)
    for scale in range(began, len(sizes)):
        if scale > began:
            before += step.iteration
            reached = optimize.result(params.optimizer, step.state)
            step = optimize.enlarged(params.optimizer, step, _resized(reached, sizes[scale]))
        steps = optimize.minimise(
            objective,
            _constants(given, params, objective, tensors, sizes[scale]),
            step,
            optimizer=params.optimizer,
            iterations=params.counts[scale],
            key=jax.random.fold_in(steps_key, scale),
            clamp=params.clamp,
            early_stop=params.early_stop,
        )
        try:
            for step in steps:
                done = before + step.iteration
                left = sum(params.counts[scale:]) - (params.counts[scale] if step.settled else step.iteration)
                emit(Progress(done, done + left, step.loss, dict(zip(objective.terms, step.terms, strict=True))))
                if params.preview_every and done % params.preview_every == 0:
                    emit(Frame(optimize.result(params.optimizer, step.state)))
                checkpoint.offer(partial(_saved, step, scale, before))
        except optimize.Diverged as error:
            emit(Frame(error.pixels))
            error.within(f"At a long side of {max(sizes[scale])}")
            raise
    alpha = None if content is None or content.alpha is None else np.asarray(_resized(content.alpha, sizes[-1]))
    return Image(optimize.result(params.optimizer, step.state), alpha)


def _saved(step: optimize.Step, scale: int, before: int) -> dict[str, np.ndarray]:
    """Where the stage stands; `before` counts the iterations done at earlier scales."""
    return {**optimize.saved(step), "scale": np.array(scale), "before": np.array(before)}


@dataclass(frozen=True)
class _Inputs:
    """What the stage was given; for each style its weight, and how its masks are called in errors."""

    content: Image | None
    styles: Sequence[Image]
    weights: Sequence[float]
    names: Sequence[str]
    masks: Sequence[Mask]
    style_masks: Sequence[Mask]
    content_mask: Mask | None
    init: Image | None
    style_map: Image | None
    target_map: Image | None


def _check(given: _Inputs, params: StylizeParams) -> None:
    counts = {"masks": given.masks, "style_masks": given.style_masks, "style_weights": params.style_weights}
    for name, values in counts.items():
        if values and len(values) != len(given.styles):
            raise StageError(
                f"{len(given.styles)} styles and {len(values)} {name} were given.", hint=f"Give one of '{name}' for each style."
            )
    if params.style_weights and not sum(params.style_weights):
        raise StageError("All style weights are 0.", hint="At least one must be above 0.")
    needed = {"content": "content", "gray": "content", "style_mean": "styles"}.get(params.start)
    if given.init is None and needed and not getattr(given, needed):
        raise StageError(
            f"'start: {params.start}' needs '{needed}', and none is given.",
            hint=f"Give '{needed}' or 'init', or 'start: noise'.",
        )
    maps = [name for name in ("style_map", "target_map") if getattr(given, name) is not None]
    if len(maps) == 1:
        raise StageError(f"Of 'style_map' and 'target_map' only '{maps[0]}' was given.", hint="Give both, or neither.")
    if maps and (len(given.styles) != 1 or given.masks or given.style_masks):
        found = f"{len(given.styles)} styles, {len(given.masks)} masks and {len(given.style_masks)} style_masks"
        raise StageError(f"With semantic maps, {found} were given.", hint="They take 1 style, and make its masks themselves.")


def _by_label(given: _Inputs, style_map: Image, target_map: Image, params: StylizeParams) -> _Inputs:
    """The one style once for each label of the maps, with the label's regions as its masks."""
    regions = shared_regions(style_map.pixels, target_map.pixels, params.labelling)
    return replace(
        given,
        styles=(*given.styles,) * len(regions),
        weights=(1.0,) * len(regions),
        names=tuple(regions),
        masks=tuple(Mask(region.target) for region in regions.values()),
        style_masks=tuple(Mask(region.style) for region in regions.values()),
    )


def _size(given: _Inputs, params: StylizeParams, side: int) -> tuple[int, int]:
    """(height, width) of the result with this long side."""
    model = given.content or given.target_map or given.init
    aspect = params.aspect or (model.size[1] / model.size[0] if model else 1)
    return max(1, round(side / max(aspect, 1))), max(1, round(side * min(aspect, 1)))


def _first(given: _Inputs, params: StylizeParams, size: tuple[int, int], key: PRNGKeyArray) -> Float[Array, "h w 3"]:
    """The picture that the first scale starts from."""
    if given.init is not None:
        return _resized(given.init.pixels, size)
    noise = jax.random.uniform(key, (*size, 3))
    if params.start == "noise":
        return noise
    if params.start == "style_mean":
        means = jnp.stack([jnp.mean(jnp.asarray(style.pixels), (0, 1)) for style in given.styles])
        mean = jnp.average(means, 0, jnp.asarray(given.weights))
        return jnp.clip(mean + 0.01 * (noise - 0.5), 0, 1)  # a picture of one colour looks the same everywhere to the network
    assert given.content is not None  # as `_check` found
    content = _resized(given.content.pixels, size)
    return content if params.start == "content" else jnp.repeat(luma(content)[..., None], 3, -1)


def _constants(
    given: _Inputs, params: StylizeParams, objective: Objective, tensors: Mapping[str, Array], size: tuple[int, int]
) -> Constants:
    """The targets and masks for a result of this size."""

    def at_layers(mask: Mask, to: tuple[int, int], compares: str, name: str) -> Maps:
        values = np.asarray(resize(mask.values, to, method="bilinear"))
        layers = objective.layers(compares)
        return layer_masks(values, layers=layers, vgg=objective.vgg, pooling=params.mask_pooling, name=name)

    styles = []
    for i, style in enumerate(given.styles):
        to = scaled(style.size, params.style_scale * max(size) / max(style.size))
        mask = at_layers(given.style_masks[i], to, "styles", f"style mask {given.names[i]}") if given.style_masks else None
        styles.append(Example(_resized(style.pixels, to), mask))
    content = None
    if given.content is not None:
        mask = at_layers(given.content_mask, size, "content", "content mask") if given.content_mask else None
        content = Example(_resized(given.content.pixels, size), mask)
    masks = zip(given.names, given.masks, strict=bool(given.masks))
    regions = [at_layers(mask, size, "styles", f"mask {name}") for name, mask in masks]
    return prepare(objective, tensors, content=content, styles=styles, weights=_counts(given), regions=regions or None)


def _counts(given: _Inputs) -> Sequence[float]:
    """How much the losses of each style count: in regions, by their area.

    A loss within a region is a mean over it, whose gradient at a pixel is in inverse proportion to the area, and that of the
    content is not: counted alike, a region of 2 % was left with a hundredth of the distance to its style of one of 50 %.
    """
    if not given.masks:
        return given.weights
    mean = sum(given.weights) / len(given.weights)
    return [weight / mean * float(np.mean(mask.values)) for weight, mask in zip(given.weights, given.masks, strict=True)]


def _resized(values: Any, size: tuple[int, int]) -> Float[Array, "..."]:
    return jnp.clip(resize(values, size), 0, 1)
