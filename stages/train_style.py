"""The stage `train_style`: a network that shows any picture in a style, or several, by one pass."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from pydantic import Field

from stylepipe.artifacts import Folder, Image, Weights
from stylepipe.errors import StageError
from stylepipe.image.resize import scaled
from stylepipe.neural.encoders.vgg_layout import describe as describe_vgg
from stylepipe.neural.losses import AnyLoss
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.networks.normalization import Normalization
from stylepipe.neural.networks.transformation import DEEPEST, WIDEST, Transformation, applied, describe, fresh, operations
from stylepipe.neural.style_transfer.objective import Objective
from stylepipe.neural.style_transfer.size_checks import check_scale
from stylepipe.neural.style_transfer.stylization_inputs import style_example
from stylepipe.neural.training import training_loop
from stylepipe.neural.training.crops import center_crops, crops_of
from stylepipe.neural.training.stylization import Stylization, Validation, style_batches, style_references, trained
from stylepipe.neural.training.training_cost import of_vgg, training, unseen
from stylepipe.stage import Checkpoint, Emit, Estimate, Frame, Note, Params, Progress, stage

_LAST = 16
"""The number of batches whose mean statistics a network with batch normalization stores."""


class TrainStyleParams(Params):
    """The network, the losses, the crops it sees, and its training."""

    channels: int = Field(default=16, ge=1, le=WIDEST, description="Of the first and last features; four times as many inside.")
    blocks: int = Field(default=5, ge=0, le=DEEPEST, description="Residual blocks, of two convolutions each.")
    normalization: Normalization = Field(
        default="instance",
        description="`instance`: by the statistics of the one picture; `batch`: by those of a step's pictures, and afterwards "
        "of the last ones, which is there to show the difference.",
    )
    losses: tuple[AnyLoss, ...] = Field(
        default=(Content(), Gram(weight=6.0), TotalVariation(weight=2.0)),
        min_length=1,
        max_length=32,
        description="What is minimized: the sum of these, as in `stylize`.",
    )
    style_size: int = Field(
        default=512,
        ge=32,
        le=8192,
        description="The styles' long side in pixels: strokes come to be as large as they are there.",
    )
    schedule: training_loop.Schedule = Field(
        default=training_loop.Schedule(steps=20_000), description="The steps and their size."
    )
    batch: int = Field(default=4, ge=1, le=1024, description="Crops in a step.")
    crop: int = Field(default=256, ge=32, le=2048, multiple_of=4, description="The side of a crop, in pixels.")
    longest: int = Field(default=640, ge=32, le=65_536, description="The long side that pictures are brought to, if above it.")
    halvings: int = Field(default=0, ge=0, le=8, description="How often pictures are halved, to be cut at that size too.")
    strict: bool = Field(default=False, description="Whether a damaged picture is an error; else it is left out, with a note.")


def _check(params: TrainStyleParams, styles: Sequence[Image], **_: Any) -> None:
    if not styles:
        raise StageError("No style was given.", hint="Give at least one of 'styles'.")


def _estimate(
    params: TrainStyleParams, styles: Sequence[Image], extractor: Weights, start: Weights | None, **_: Any
) -> Estimate:
    network = _network(params, styles)
    result = unseen(partial(fresh, network=network))
    training_loop.first(result, start, applied(network), describe)
    objective = Objective.of(params.losses, describe_vgg(extractor))
    shapes = {name: np.shape(tensor) for name, tensor in extractor.tensors.items()}
    check_scale(objective, shapes, (params.crop, params.crop), _sizes(params, styles), content=True)
    maps, passes = of_vgg(extractor)
    own = params.channels * (3.25 + params.blocks / 2)
    both = {"maps": 2 * maps + own, "operations": 2 * passes + operations(network)}
    cost = training(params.schedule, pictures=params.batch, side=params.crop, **both)
    return Estimate(replace(result, metadata=applied(network).metadata), *cost)


def _network(params: TrainStyleParams, styles: Sequence[Image]) -> Transformation:
    return Transformation(params.channels, params.blocks, len(styles), params.normalization)


def _sizes(params: TrainStyleParams, styles: Sequence[Image]) -> list[tuple[int, int]]:
    """What the styles are brought to."""
    return [scaled(style.size, params.style_size / max(style.size)) for style in styles]


@stage(version=1, check=_check, estimate=_estimate)
def train_style(  # noqa: PLR0917 (a stage's inputs)
    pictures: Sequence[Folder],
    styles: Sequence[Image],
    extractor: Weights,
    params: TrainStyleParams,
    validation: Folder | None = None,
    start: Weights | None = None,
    *,
    key: PRNGKeyArray,
    emit: Emit,
    checkpoint: Checkpoint,
) -> Weights:
    """Trains the network of `feedforward` for one or more styles.

    At each step the network shows random crops in a style each, and its tensors are changed so that the `losses`, which compare
    what the network `extractor` (a VGG) finds in the results, in the crops and in the styles, fall (see
    `stylepipe.neural.training.stylization` and `stylepipe.neural.networks.transformation`).

    - `pictures`: what the crops are cut from; each folder counts alike.
    - `styles`: each gets a scale and a shift of its own in every layer; the kernels are shared. They are brought to a long
      side of `style_size`. Of a style that is cut out, what is visible is the example.
    - `validation`: pictures whose middle parts are shown in all styles now and then, and at the end; the log holds the terms of
      the loss as 'validation content' …, and the first of them is a preview frame.
    - `start`: the result of an earlier training with the same network and as many styles, to go on from.

    The result is the network in half precision; it is computed with in single precision. Raises StageError for folders without
    a picture as large as a crop, for a layer that the extractor has not, for a `start` of another form, and for a loss that is
    not finite, and WeightsError for a `start` that is no such network.
    """
    _check(params, styles)
    crops_key, network_key = jax.random.split(key)
    network = _network(params, styles)
    first = training_loop.first(fresh(network_key, network), start, applied(network), describe)
    loss = Stylization(Objective.of(params.losses, describe_vgg(extractor)), network)

    def note(text: str) -> None:
        emit(Note(text))

    crops = crops_of(
        pictures, side=params.crop, longest=params.longest, halvings=params.halvings, strict=params.strict, note=note
    )
    shown = [
        style_example(style, size, loss.objective, name=str(number))
        for number, (style, size) in enumerate(zip(styles, _sizes(params, styles), strict=True), 1)
    ]
    references = style_references(loss.objective, extractor, shown)
    batches = style_batches(references, crops, crops_key, count=params.batch, side=params.crop)
    unseen = (
        None
        if validation is None
        else Validation.of(loss, references, center_crops(validation, params.crop, strict=params.strict, note=note))
    )
    step = training_loop.start(params.schedule, first, checkpoint.load())
    pictures_per_step = params.batch * params.schedule.accumulate
    for step in training_loop.train(step, loss, batches, schedule=params.schedule, validate=unseen):  # noqa: B020
        emit(Progress(step.number, params.schedule.steps, step.loss, step.terms, pictures_per_step))
        if unseen and any(name.startswith("validation ") for name in step.terms):
            emit(Frame(unseen.strip(step.tensors)))
        checkpoint.offer(partial(training_loop.saved, step))
    last = params.schedule.steps * params.schedule.accumulate
    return trained(step, loss, map(batches, range(max(1, last - _LAST + 1), last + 1)))
