"""The stage `stylize`: neural style transfer by optimization."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Key
from pydantic import Field, model_validator

from stylepipe.artifacts import Array, Image, Mask, Weights, blank
from stylepipe.errors import Interrupted, StageError
from stylepipe.image.sizes import Size
from stylepipe.neural.encoders.encoder import Encoder, Pooling, Precision
from stylepipe.neural.encoders.encoder_kinds import AnyEncoder
from stylepipe.neural.encoders.vgg_architecture import VggArchitecture
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss_kinds import AnyLoss
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.optimizers.lbfgs import Lbfgs
from stylepipe.neural.optimizers.optimizer_kinds import AnyOptimizer
from stylepipe.neural.style_transfer.early_stop import EarlyStop, end
from stylepipe.neural.style_transfer.loss_set import LossSet, require, require_deterministic
from stylepipe.neural.style_transfer.memory_budget import Budget, choose, in_bytes
from stylepipe.neural.style_transfer.memory_estimate import RUNTIME, Workload
from stylepipe.neural.style_transfer.semantic_maps import Labelling
from stylepipe.neural.style_transfer.size_checks import check_scale
from stylepipe.neural.style_transfer.style_weights import StyleWeights
from stylepipe.neural.style_transfer.stylization_inputs import MIN_SIDE, MaskPooling, Start, StylizationInputs
from stylepipe.neural.xla.allocator import memories
from stylepipe.stage import Checkpoint, Emit, Estimate, Frame, Note, Params, Progress, State, Trajectory, stage

Side = Annotated[int, Field(ge=MIN_SIDE, le=65_536)] | Literal["content"]
Iterations = Annotated[int, Field(ge=1, le=100_000)]


class StylizeParams(Params):
    """The losses, optimizer and scales of `stylize`."""

    size: Side | Annotated[tuple[Side, ...], Field(min_length=1, max_length=32)] = Field(
        default=(128, 256, 512),
        description="The result's long side in pixels; `content` is the content's own. A list is worked through in one "
        "go, each size starting from the result of the one before: strokes get longer than at one size alone. A stage for each "
        "size does the same and keeps each picture, but only within one stage does Adam keep its moments.",
    )
    aspect: float | None = Field(
        default=None,
        ge=0.05,
        le=20,
        description="The result's width over its height; by default the content's, else that of `target_map`, else that of "
        "`init`, else 1.",
    )
    iterations: Iterations | tuple[Iterations, ...] = Field(
        default=200, description="The number of iterations; a list has one number for each size."
    )
    losses: tuple[AnyLoss, ...] = Field(
        default=(Content(), Gram(weight=6.0), TotalVariation(weight=2.0)),
        min_length=1,
        max_length=32,
        description="The losses, whose sum is minimized.",
    )
    optimizer: AnyOptimizer = Field(default=Lbfgs(), description="The optimizer.")
    start: Start = Field(
        default="content",
        description="The initial picture without `init`: the content; uniform noise; the content's luminance; or the styles' "
        "mean color with noise of amplitude 0.005.",
    )
    style_weights: StyleWeights | None = Field(
        default=None, description="The weights of the styles, in any unit; equal by default."
    )
    style_scale: float = Field(
        default=1.0, gt=0.05, le=20, description="The styles' long side over the result's: larger makes larger strokes."
    )
    mask_pooling: MaskPooling = Field(
        default="network",
        description="How masks are resized to the layers: `network` weights a position by the masked fraction of its receptive "
        "field, `area` by that of the pixels that it covers.",
    )
    labelling: Labelling = Field(default=Labelling(), description="How the colors of semantic maps become labels.")
    encoder: AnyEncoder = Field(default=VggArchitecture(), description="The kind of `extractor`; `{kind: vgg}` by default.")
    pooling: Pooling | None = Field(default=None, description="The pooling of the network; by default as it was trained.")
    precision: Precision = Field(
        default="float32",
        description="The precision of the network's convolutions; all else is float32. `tf32` and `bfloat16` are for GPUs and "
        "TPUs; the result differs but looks the same. On a CPU `tf32` is float32, and `bfloat16` is slower.",
    )
    clamp: bool = Field(
        default=True, description="Whether pixels are clamped to [0, 1] at each step; otherwise only the result is."
    )
    early_stop: EarlyStop | None = Field(default=None, description="The convergence criterion for stopping early.")
    memory: Budget = Field(
        default="auto",
        description="The memory budget, such as `4GB`; `auto` is 80 % of the free memory when the stage starts. A picture that "
        "needs more is computed in tiles, if the losses and the optimizer support them, with the same result up to rounding. "
        "With several GPUs, the budget of each.",
    )
    preview_every: int | None = Field(
        default=None, ge=1, le=100_000, description="The number of iterations between preview frames."
    )

    @model_validator(mode="after")
    def _one_count_for_each_size(self) -> "StylizeParams":
        if not isinstance(self.iterations, int) and len(self.iterations) != len(self.sizes):
            raise ValueError(f"{len(self.iterations)} iterations were given for {len(self.sizes)} sizes")
        return self

    @model_validator(mode="after")
    def _no_drawn_losses_for_an_optimizer_that_compares_them(self) -> "StylizeParams":
        try:
            require_deterministic(self.losses, self.optimizer)
        except StageError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def sizes(self) -> tuple[Side, ...]:
        """The long sides of the scales."""
        return self.size if isinstance(self.size, tuple) else (self.size,)

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of iterations of the scales."""
        return (self.iterations,) * len(self.sizes) if isinstance(self.iterations, int) else self.iterations


def _check(params: StylizeParams, extractor: Weights, **others: Any) -> None:
    inputs = _inputs(params, **others)
    inputs.check(params.start)
    require(params.losses, content=inputs.content, styles=inputs.styles)


def _estimate(params: StylizeParams, extractor: Weights, style_map: Image | None, **others: Any) -> Estimate:
    """Estimates the result's size, the memory of the scale that needs most, and the work of all scales.

    How many labels semantic maps have is estimated; of blank ones, which plans have, it is taken to be four.
    """
    inputs = _inputs(params, style_map=style_map, **others)
    inputs.check(params.start)
    inputs.check_pictures(params.aspect)
    inputs = inputs.by_estimated_labels(params.labelling)
    sizes = [inputs.size(side, params.aspect) for side in params.sizes]
    losses = LossSet.of(params.losses, _encoder(params, extractor))
    memory, work = 0.0, 0.0
    for size, count in zip(sizes, params.counts, strict=True):
        scale = _workload(params, losses, extractor, inputs, size)
        try:
            check_scale(losses, size, scale.styles)
            tile = choose(scale, params.memory).tile
        except StageError as error:
            error.within(f"At a long side of {max(size)}")
            raise
        memory = max(memory, scale.process_peak(tile) - RUNTIME)
        work += scale.work(tile, iterations=count, previews=count // params.preview_every if params.preview_every else 0)
    alpha = None if inputs.content is None or inputs.content.alpha is None else blank(*sizes[-1])
    return Estimate(Image(blank(*sizes[-1], 3), alpha), round(memory), work)


def _passes_through(params: StylizeParams, state: State) -> bool:
    """Returns whether the parameters end the earlier scales where the state did, and not its last scale before the state."""
    histories = [*_earlier(state), state["history"].tolist()]
    ends = [end(*scale, params.early_stop) for scale in zip(histories, params.counts, strict=False)]
    return all(end == len(history) for end, history in zip(ends[:-1], histories, strict=False)) and (
        ends[-1] in (None, len(histories[-1]))
    )


@stage(version=1, estimate=_estimate, check=_check, trajectory=Trajectory(("iterations", "early_stop"), _passes_through))
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
    key: Key[Array, ""],
    emit: Emit,
    checkpoint: Checkpoint,
) -> Image:
    """Stylizes the content by optimizing the pixels of a picture (neural style transfer).

    Starts from `init`, or from the picture that `start` selects, and minimizes the sum of `losses`, which compare the features
    of the network `extractor` (a VGG) for the picture with those for the content and the styles (Gatys, Ecker and Bethge 2015,
    arXiv 1508.06576).

    - `content`: the picture to stylize. Without it, the result is a texture. The result takes its transparency, and only
      visible pixels count in the losses.
    - `styles`: one or more, each resized to a long side of `size` times `style_scale`, with its own aspect. Only the visible
      part of a style with transparency counts.
    - `masks`: the regions of the result where each style applies, white inside; one for each style in the same order. Masks may
      be soft and may overlap. Losses are means over their regions, weighted by area: a region of any size takes on its style as
      strongly as a whole picture would, also relative to the content. Without masks, the styles are blended.
    - `style_masks`: the region of each style picture that is its example; one for each style.
    - `content_mask`: the region where the content loss applies.
    - `init`: the initial picture, for example of a smaller scale; resized to the result's size.
    - `style_map`, `target_map`: semantic maps of the single style and of the result, for a neural doodle: each color is a
      label, and the style's region of a label applies to the result's region of that label. They replace `masks` and
      `style_masks`, with one of each for every label. (Champandard 2016, arXiv 1603.01768, guides the matching of patches by
      the maps; here, as in titu1994's improved_neural_doodle, each label has its own losses.)

    The result has a long side of `size` and values in [0, 1]. Raises StageError for a missing input that a loss or `start`
    needs, for semantic maps whose labels differ, for a mask or map of another aspect than its picture, for a mask that is empty
    or vanishes at a layer, for a picture that is wholly transparent or too small for the network, and for a loss that is not
    finite, with the iteration and the term; the last preview, kept in the run's folder, then shows the picture at that point.
    """
    import jax
    import jax.numpy as jnp

    from stylepipe.neural.style_transfer import optimize
    from stylepipe.neural.style_transfer.budgeted_optimization import minimize_within
    from stylepipe.neural.style_transfer.objective import Objective
    from stylepipe.neural.style_transfer.scale_inputs import examples, first_picture, resized

    inputs = _inputs(
        params,
        content=content,
        styles=styles,
        masks=masks,
        style_masks=style_masks,
        content_mask=content_mask,
        init=init,
        style_map=style_map,
        target_map=target_map,
    )
    inputs.check(params.start)
    inputs.check_pictures(params.aspect)
    inputs = inputs.by_label(params.labelling)
    objective = Objective.of(params.losses, _encoder(params, extractor))
    tensors = {name: jnp.asarray(tensor) for name, tensor in extractor.tensors.items()}
    first_key, steps_key = jax.random.split(key)
    sizes = tuple(inputs.size(side, params.aspect) for side in params.sizes)
    terms = len(objective.terms)

    saved = checkpoint.load()
    earlier: list[list[float]] = []
    if saved is None:
        budget = in_bytes(params.memory)
        step = optimize.start(params.optimizer, first_picture(inputs, params.start, sizes[0], first_key), terms=terms)
    else:
        earlier, budget = _earlier(saved), float(saved["budget"])
        step = optimize.restored(params.optimizer, saved, sizes[len(earlier)], terms=terms)
    del saved  # as large as the state
    for scale in range(len(earlier), len(sizes)):
        size = sizes[scale]
        if scale > len(earlier):
            earlier.append(step.history)
            reached = optimize.result(params.optimizer, step.state)
            step = optimize.enlarged(params.optimizer, step, resized(reached, size))
        before = sum(map(len, earlier))
        steps = minimize_within(
            objective,
            _workload(params, objective, extractor, inputs, size),
            tensors,
            partial(examples, inputs, objective, size),
            step,
            memory=params.memory,
            budget=budget,
            tell=lambda text: emit(Note(text)),
            iterations=params.counts[scale],
            key=jax.random.fold_in(steps_key, scale),
            clamp=params.clamp,
            early_stop=params.early_stop,
            stops=_multiples(params.preview_every, before, params.counts[scale]),
        )
        try:
            for step in steps:
                iteration = before + step.iteration
                left = sum(params.counts[scale:]) - (params.counts[scale] if step.converged else step.iteration)
                for ahead, (loss, values) in zip(reversed(range(len(step.losses))), step.losses, strict=True):
                    emit(Progress(iteration - ahead, iteration + left, loss, dict(zip(objective.terms, values, strict=True))))
                if params.preview_every and iteration % params.preview_every == 0:
                    emit(Frame(optimize.result(params.optimizer, step.state)))
                checkpoint.offer(lambda: _saved(optimize.saved(step), earlier, budget))  # noqa: B023 (the step of the moment is meant)
        except Interrupted:
            emit(Frame(optimize.result(params.optimizer, step.state)))
            raise
        except StageError as error:
            if isinstance(error, optimize.Diverged):
                emit(Frame(error.pixels))
            error.within(f"At a long side of {max(size)}")
            raise
        for text in _reached(objective, step.state.terms.tolist()):
            emit(Note(f"At a long side of {max(size)}, {text}"))
    alpha = None if content is None or content.alpha is None else np.asarray(resized(content.alpha, sizes[-1]))
    return Image(optimize.result(params.optimizer, step.state), alpha)


def _inputs(params: StylizeParams, *, styles: Sequence[Image], **others: Any) -> StylizationInputs:
    """Collects the inputs and their parameters."""
    return StylizationInputs(
        styles=styles,
        weights=params.style_weights or (1.0,) * len(styles),
        names=tuple(str(i + 1) for i in range(len(styles))),
        style_scale=params.style_scale,
        mask_pooling=params.mask_pooling,
        **others,
    )


def _encoder(params: StylizeParams, extractor: Weights) -> Encoder:
    return params.encoder.describe(extractor, pooling=params.pooling, precision=params.precision)


def _workload(params: StylizeParams, losses: LossSet, extractor: Weights, inputs: StylizationInputs, size: Size) -> Workload:
    """Returns the workload of one scale, for memory estimates."""
    return Workload(
        losses,
        {name: np.shape(tensor) for name, tensor in extractor.tensors.items()},
        params.optimizer,
        size,
        styles=inputs.style_sizes(size),
        content=inputs.content is not None,
        regions=inputs.regions,
        memories=memories(size[0]),
    )


def _reached(losses: LossSet, values: Sequence[float]) -> list[str]:
    """Returns a note for each content loss with a target: its final error, from the values of all terms."""
    ends = zip(losses.losses, losses.terms, values, strict=True)
    return [
        f"'{name}' ends with an error of {loss.error_of(term):.3g}; its target is {loss.target:g}."
        for loss, name, term in ends
        if isinstance(loss, Content) and loss.target is not None
    ]


def _multiples(every: int | None, before: int, iterations: int) -> range:
    """Returns the iterations of a scale at which the count over all scales, `before` at its start, is a multiple of `every`."""
    return range(every - before % every, iterations + 1, every) if every else range(0)


def _saved(step: State, earlier: Sequence[Sequence[float]], budget: float) -> dict[str, np.ndarray]:
    """Returns the state of the stage, from a saved step; `earlier` has the losses of each scale before the step's."""
    losses = np.array([loss for history in earlier for loss in history], np.float64)
    counts = np.array([len(history) for history in earlier], np.int64)
    return {**step, "earlier": losses, "earlier_counts": counts, "budget": np.array(budget)}


def _earlier(saved: State) -> list[list[float]]:
    """Returns the losses of each scale before that of a saved state."""
    ends = np.cumsum(saved["earlier_counts"])
    return [history.tolist() for history in np.split(saved["earlier"], ends)[:-1]]
