"""The stage `distill`: distills larger VGGs into a slim one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from jaxtyping import Key
from pydantic import Field, field_validator

from stylepipe.artifacts import Array, Folder, Weights
from stylepipe.errors import StageError
from stylepipe.image.operation_cost import FLOPS
from stylepipe.neural.encoders.encoder import Pooling
from stylepipe.neural.encoders.encoder_kinds import LayerName
from stylepipe.neural.encoders.vgg_layout import DEEPEST, WIDEST, Vgg, describe
from stylepipe.neural.training.schedule import Schedule
from stylepipe.neural.training.teachers import Teachers
from stylepipe.neural.training.training_cost import of_encoder, training
from stylepipe.neural.xla.padding import Padding
from stylepipe.stage import Checkpoint, Emit, Estimate, Note, Params, Progress, stage

Width = Annotated[int, Field(ge=1, le=WIDEST)]


class DistillParams(Params):
    """The student, its crops, and its training."""

    widths: tuple[Annotated[tuple[Width, ...], Field(min_length=1)], ...] = Field(
        default=((16, 16), (40, 32), (96, 64, 48, 48), (128, 160, 64, 80), (128,)),
        min_length=1,
        max_length=len(DEEPEST),
        description="The student's channels, block by block, for each of its convolutions.",
    )
    pooling: Pooling = Field(default="max", description="The pooling of the student.")
    padding: Padding = Field(default="reflect", description="The padding of pictures, for the student and its teachers.")
    layers: Mapping[LayerName, Annotated[float, Field(gt=0, le=1e6)]] = Field(
        default={"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 2.0, "relu4_2": 1.0, "relu5_1": 2.0},
        min_length=1,
        description="The layers to distill, and the weight of each.",
    )
    gram_weight: float = Field(
        default=0.2, ge=0, le=1e6, description="The weight of the error of the Gram matrices, relative to that of the features."
    )
    schedule: Schedule = Field(
        default=Schedule(steps=20_000), description="The training schedule: steps, learning rate, validation."
    )
    batch: int = Field(default=6, ge=1, le=1024, description="The number of crops in a step.")
    crop: int = Field(default=192, ge=32, le=1024, description="The side of a crop, in pixels.")
    longest: int = Field(
        default=1600, ge=32, le=65_536, description="The maximal long side of pictures; larger ones are shrunk to it."
    )
    halvings: int = Field(
        default=2, ge=0, le=8, description="How often pictures are halved: crops are taken at each of these sizes too."
    )
    strict: bool = Field(
        default=False, description="Whether a damaged picture is an error; otherwise it is skipped with a note."
    )
    batches: int = Field(default=32, ge=1, le=1024, description="Batches that the teachers process per round.")
    passes: int = Field(default=5, ge=1, le=100, description="Passes of the student over these batches.")

    @field_validator("widths")
    @classmethod
    def _at_most_vggs_depth(cls, widths: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        for number, (block, most) in enumerate(zip(widths, DEEPEST, strict=False), 1):
            if len(block) > most:
                raise ValueError(f"block {number} has {len(block)} convolutions, and VGG-19's has {most}")
        return widths


def _check(params: DistillParams, **_: Any) -> None:
    student = Vgg(tuple(map(len, params.widths)), params.pooling, params.padding)
    for layer in params.layers:
        if layer not in student.layers:
            raise StageError(
                f"The student has no layer '{layer}'.", hint="Give its block more 'widths', or leave the layer out."
            )


def _estimate(params: DistillParams, teachers: Sequence[Weights], **_: Any) -> Estimate:
    Teachers.of(teachers, tuple(params.layers), params.padding)
    both = [of_encoder(describe(teacher), teacher) for teacher in teachers]
    pixels = params.batch * params.crop**2
    own = sum(sum(block) / 4**number for number, block in enumerate(params.widths))
    taught = max((maps for maps, _ in both), default=0.0)
    activations = 4 * pixels * sum(3 * maps for maps, _ in both)
    cost = training(params.schedule, pictures=params.batch, side=params.crop, maps=own + taught, operations=9 * 2 * own**2)
    looked = params.schedule.steps / params.passes * sum(passes for _, passes in both) * pixels / FLOPS
    return Estimate(None, cost.memory + round(4 * taught * pixels * params.batches + activations), cost.work + looked)


@stage(version=1, check=_check, estimate=_estimate)
def distill(
    pictures: Sequence[Folder],
    teachers: Sequence[Weights],
    params: DistillParams,
    validation: Folder | None = None,
    start: Weights | None = None,
    *,
    key: Key[Array, ""],
    emit: Emit,
    checkpoint: Checkpoint,
) -> Weights:
    """Trains a slim VGG whose features are, up to a linear map, those of the teachers.

    Each step compares the student's features of random crops, through a linear head at each of `layers`, with those of the
    teachers, and the Gram matrices of both (see `Distillation`).

    - `pictures`: the folders of pictures that crops are taken from, all with equal weight.
    - `teachers`: VGGs; the teacher of a layer is the first one that has it.
    - `validation`: pictures whose central crops are compared at intervals, and at the end; the log holds the errors as
      'validation relu1_1' …
    - `start`: the result of an earlier training, to continue; with other `widths`, common channels are kept (see `grown`).

    The result holds the network and its heads in half precision; computations are in single precision. Raises StageError for
    a layer that the student or the teachers lack, for folders without a picture as large as a crop, and for a loss that is not
    finite; WeightsError for a `start` that is no VGG.
    """
    import jax
    import jax.numpy as jnp

    from stylepipe.neural.training import training_loop
    from stylepipe.neural.training.crops import center_crops, crops_of, in_groups
    from stylepipe.neural.training.distillation import Distillation, DistillationBatches, grown, student

    layers = tuple(params.layers.items())
    group = Teachers.of(teachers, tuple(params.layers), params.padding)
    tensors = [{name: jnp.asarray(tensor) for name, tensor in teacher.tensors.items()} for teacher in teachers]

    def note(text: str) -> None:
        emit(Note(text))

    crops = crops_of(
        pictures, side=params.crop, longest=params.longest, halvings=params.halvings, strict=params.strict, note=note
    )
    batches_key, student_key = jax.random.split(key)
    batches = DistillationBatches(
        group,
        tensors,
        crops,
        batch=params.batch,
        side=params.crop,
        batches=params.batches,
        passes=params.passes,
        key=batches_key,
    )
    channels = {layer: maps.shape[-1] for layer, maps in batches(1).features.items()}
    fresh = student(student_key, params.widths, pooling=params.pooling, padding=params.padding, channels=channels)
    begun = fresh if start is None else grown(start, fresh)
    loss = Distillation(describe(fresh), layers, params.gram_weight)
    unseen = (
        []
        if validation is None
        else in_groups(center_crops(validation, params.crop, strict=params.strict, note=note), params.batch)
    )

    def validate(tensors: training_loop.Tensors) -> dict[str, float]:
        # The teachers' features are recomputed: they take forty times the memory of the pictures.
        return training_loop.evaluate_all(tensors, map(batches.teach, unseen), map(len, unseen), loss=loss)

    step = training_loop.start(params.schedule, begun.tensors, checkpoint.load())
    pictures_per_step = params.batch * params.schedule.accumulate
    for step in training_loop.train(step, loss, batches, schedule=params.schedule, validate=validate if unseen else None):  # noqa: B020
        emit(Progress(step.number, params.schedule.steps, step.loss, step.terms, pictures_per_step))
        checkpoint.offer(partial(training_loop.saved, step))
    return training_loop.result(step, fresh.metadata)
