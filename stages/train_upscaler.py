"""The stage `train_upscaler`: trains a network for super-resolution."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from jaxtyping import Key
from pydantic import Field

from stylepipe.artifacts import Array, Folder, Weights
from stylepipe.neural.networks.upscaler_layout import DEEPEST, FACTORS, WIDEST, Upscaler, describe, operations
from stylepipe.neural.training.initial_network import blank_weights, initial_tensors
from stylepipe.neural.training.schedule import Schedule
from stylepipe.neural.training.training_cost import training
from stylepipe.stage import Checkpoint, Emit, Estimate, Note, Params, Progress, stage


class TrainUpscalerParams(Params):
    """The network, its crops, and its training."""

    blocks: int = Field(default=4, ge=1, le=DEEPEST, description="The number of residual blocks, of two convolutions each.")
    channels: int = Field(default=64, ge=1, le=WIDEST, description="The number of channels between them.")
    schedule: Schedule = Field(
        default=Schedule(steps=40_000), description="The training schedule: steps, learning rate, validation."
    )
    batch: int = Field(
        default=5, ge=1, le=1024, description="The number of crops in a step, for each of the factors 2, 3 and 4."
    )
    crop: int = Field(default=48, ge=8, le=1024, description="The side of a crop in pixels, after shrinking.")
    longest: int = Field(
        default=1280,
        ge=32,
        le=65_536,
        description="The maximal long side of pictures; larger ones are shrunk to it, as photographs are sharp only then.",
    )
    halvings: int = Field(
        default=1, ge=0, le=8, description="How often pictures are halved: crops are taken at each of these sizes too."
    )
    strict: bool = Field(
        default=False, description="Whether a damaged picture is an error; otherwise it is skipped with a note."
    )
    validation_crop: int = Field(
        default=240, ge=24, le=4096, multiple_of=12, description="The side of the central crops for validation, in pixels."
    )


def _estimate(params: TrainUpscalerParams, start: Weights | None, **_: Any) -> Estimate:
    network = _network(params)
    result = blank_weights(network.shapes, network.metadata)
    initial_tensors(result, start, network, describe)
    maps = float(params.channels) * (1 + 3 * params.blocks) + sum(3 * factor**2 for factor in FACTORS)
    passes = sum(operations(network, factor) for factor in FACTORS)
    cost = training(params.schedule, pictures=3 * params.batch, side=params.crop, maps=maps, operations=passes / 3)
    return Estimate(result, *cost)


def _network(params: TrainUpscalerParams) -> Upscaler:
    return Upscaler(params.blocks, params.channels)


@stage(version=1, estimate=_estimate)
def train_upscaler(
    pictures: Sequence[Folder],
    params: TrainUpscalerParams,
    validation: Folder | None = None,
    start: Weights | None = None,
    *,
    key: Key[Array, ""],
    emit: Emit,
    checkpoint: Checkpoint,
) -> Weights:
    """Trains the network of `upscale` to enlarge pictures by 2, 3 and 4.

    Each step shrinks random crops by bicubic interpolation, and updates the network to reduce the mean absolute difference
    between its results and the crops (see `stylepipe.neural.training.superresolution`).

    - `pictures`: the folders of pictures that crops are taken from, all with equal weight.
    - `validation`: pictures whose central crops are enlarged at intervals, and at the end; the log holds the mean
      PSNR in dB as 'validation x2', 'validation x3' and 'validation x4'.
    - `start`: the result of an earlier training with the same `blocks` and `channels`, to continue.

    The result is the network in half precision; computations are in single precision. Raises StageError for folders without
    a picture as large as a crop, for a `start` of other sizes, and for a loss that is not finite, and WeightsError for a
    `start` that is no such network.
    """
    import jax

    from stylepipe.neural.networks.upscaler import fresh
    from stylepipe.neural.training import training_loop
    from stylepipe.neural.training.crops import center_crops, crops_of
    from stylepipe.neural.training.superresolution import loss, score, upscaling_batches

    crops_key, network_key = jax.random.split(key)
    network = _network(params)
    untrained = fresh(network_key, network)
    first = initial_tensors(untrained, start, network, describe)

    def note(text: str) -> None:
        emit(Note(text))

    crops = crops_of(
        pictures,
        side=max(FACTORS) * params.crop,
        longest=params.longest,
        halvings=params.halvings,
        strict=params.strict,
        note=note,
    )
    batches = upscaling_batches(crops, crops_key, count=params.batch, side=params.crop)
    unseen = None if validation is None else center_crops(validation, params.validation_crop, strict=params.strict, note=note)
    validate = None if unseen is None else partial(score, large=unseen)
    step = training_loop.start(params.schedule, first, checkpoint.load())
    pictures_per_step = params.batch * params.schedule.accumulate
    for step in training_loop.train(step, loss, batches, schedule=params.schedule, validate=validate):  # noqa: B020
        emit(Progress(step.number, params.schedule.steps, step.loss, step.terms, pictures_per_step))
        checkpoint.offer(partial(training_loop.saved, step))
    return training_loop.result(step, untrained.metadata)
