"""The stage `train_style`: trains a network that stylizes any picture in one forward pass."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from jaxtyping import Key
from pydantic import Field

from stylepipe.artifacts import Array, Folder, Image, Weights
from stylepipe.errors import StageError
from stylepipe.image.sizes import scaled
from stylepipe.neural.encoders.encoder_kinds import AnyEncoder
from stylepipe.neural.encoders.vgg_architecture import VggArchitecture
from stylepipe.neural.losses.content import Content
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss_kinds import AnyLoss
from stylepipe.neural.losses.total_variation import TotalVariation
from stylepipe.neural.networks.transformation_layout import (
    DEEPEST,
    WIDEST,
    Normalization,
    Transformation,
    applied,
    describe,
    operations,
)
from stylepipe.neural.style_transfer.loss_set import LossSet
from stylepipe.neural.style_transfer.size_checks import check_scale
from stylepipe.neural.training.initial_network import blank_weights, initial_tensors
from stylepipe.neural.training.schedule import Schedule
from stylepipe.neural.training.training_cost import of_encoder, training
from stylepipe.stage import Checkpoint, Emit, Estimate, Frame, Note, Params, Progress, stage

_LAST = 16
"""The number of batches whose mean statistics a network with batch normalization stores."""


class TrainStyleParams(Params):
    """The network, the losses, the crops, and the training."""

    channels: int = Field(
        default=16, ge=1, le=WIDEST, description="Channels of the first and last layers; those between have four times as many."
    )
    blocks: int = Field(default=5, ge=0, le=DEEPEST, description="The number of residual blocks, of two convolutions each.")
    normalization: Normalization = Field(
        default="instance",
        description="`instance`: by the statistics of each picture; `batch`: by those of all pictures of a step, and after "
        "training by those of the last batches, for comparison.",
    )
    losses: tuple[AnyLoss, ...] = Field(
        default=(Content(), Gram(weight=6.0), TotalVariation(weight=2.0)),
        min_length=1,
        max_length=32,
        description="The losses, whose sum is minimized, as in `stylize`.",
    )
    encoder: AnyEncoder = Field(default=VggArchitecture(), description="The kind of `extractor`; `{kind: vgg}` by default.")
    style_size: int = Field(
        default=512,
        ge=32,
        le=8192,
        description="The long side of the styles in pixels; it determines the size of strokes.",
    )
    schedule: Schedule = Field(
        default=Schedule(steps=20_000), description="The training schedule: steps, learning rate, validation."
    )
    batch: int = Field(default=4, ge=1, le=1024, description="The number of crops in a step.")
    crop: int = Field(default=256, ge=32, le=2048, multiple_of=4, description="The side of a crop, in pixels.")
    longest: int = Field(
        default=640, ge=32, le=65_536, description="The maximal long side of pictures; larger ones are shrunk to it."
    )
    halvings: int = Field(
        default=0, ge=0, le=8, description="How often pictures are halved: crops are taken at each of these sizes too."
    )
    strict: bool = Field(
        default=False, description="Whether a damaged picture is an error; otherwise it is skipped with a note."
    )


def _check(params: TrainStyleParams, styles: Sequence[Image], **_: Any) -> None:
    if not styles:
        raise StageError("No style was given.", hint="Give at least one of 'styles'.")


def _estimate(
    params: TrainStyleParams, styles: Sequence[Image], extractor: Weights, start: Weights | None, **_: Any
) -> Estimate:
    network = _network(params, styles)
    result = blank_weights(network.shapes, applied(network).metadata)
    initial_tensors(result, start, applied(network), describe)
    encoder = params.encoder.describe(extractor)
    losses = LossSet.of(params.losses, encoder)
    check_scale(losses, (params.crop, params.crop), _sizes(params, styles))
    maps, passes = of_encoder(encoder, extractor)
    own = params.channels * (3.25 + params.blocks / 2)
    both = {"maps": 2 * maps + own, "operations": 2 * passes + operations(network)}
    cost = training(params.schedule, pictures=params.batch, side=params.crop, **both)
    return Estimate(result, *cost)


def _network(params: TrainStyleParams, styles: Sequence[Image]) -> Transformation:
    return Transformation(params.channels, params.blocks, len(styles), params.normalization)


def _sizes(params: TrainStyleParams, styles: Sequence[Image]) -> list[tuple[int, int]]:
    """Returns the sizes to which the styles are resized."""
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
    key: Key[Array, ""],
    emit: Emit,
    checkpoint: Checkpoint,
) -> Weights:
    """Trains the network of `feedforward` for one or more styles.

    Each step stylizes random crops, each in one style, and updates the network to reduce the `losses`, which compare the
    features of the network `extractor` (a VGG) for the results with those for the crops and the styles (see
    `stylepipe.neural.training.stylization` and `stylepipe.neural.networks.transformation`).

    - `pictures`: the folders of pictures that crops are taken from, all with equal weight.
    - `styles`: each has its own scale and shift in every layer; the kernels are shared. They are resized to a long side of
      `style_size`. Only the visible part of a style with transparency counts.
    - `validation`: pictures whose central crops are stylized in all styles at intervals, and at the end; the log holds the
      terms of the loss as 'validation content' …, and the first result is a preview frame.
    - `start`: the result of an earlier training of the same network with as many styles, to continue.

    The result is the network in half precision; computations are in single precision. Raises StageError for folders without
    a picture as large as a crop, for a layer that the extractor has not, for a `start` of another form, and for a loss that is
    not finite, and WeightsError for a `start` that is no such network.
    """
    import jax

    from stylepipe.neural.networks.transformation import fresh
    from stylepipe.neural.style_transfer.objective import Objective
    from stylepipe.neural.style_transfer.scale_inputs import style_example
    from stylepipe.neural.training import training_loop
    from stylepipe.neural.training.crops import center_crops, crops_of
    from stylepipe.neural.training.stylization import Stylization, Validation, style_batches, style_references, trained

    _check(params, styles)
    crops_key, network_key = jax.random.split(key)
    network = _network(params, styles)
    first = initial_tensors(fresh(network_key, network), start, applied(network), describe)
    loss = Stylization(Objective.of(params.losses, params.encoder.describe(extractor)), network)

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
