"""The stage `train_texture`: trains a network that generates textures of any size in one forward pass."""

from functools import partial
from typing import Any

from jaxtyping import Key
from pydantic import Field

from stylepipe.artifacts import Array, Image, Weights
from stylepipe.errors import StageError
from stylepipe.image.sizes import scaled
from stylepipe.neural.encoders.encoder_kinds import AnyEncoder
from stylepipe.neural.encoders.vgg_architecture import VggArchitecture
from stylepipe.neural.losses.gram import Gram
from stylepipe.neural.losses.loss_kinds import AnyLoss
from stylepipe.neural.networks.texture_layout import MOST_SIZES, WIDEST, Padding, Texture, describe, operations
from stylepipe.neural.style_transfer.loss_set import LossSet, require
from stylepipe.neural.style_transfer.size_checks import check_size
from stylepipe.neural.training.initial_network import blank_weights, initial_tensors
from stylepipe.neural.training.schedule import Schedule
from stylepipe.neural.training.training_cost import of_encoder, training
from stylepipe.stage import Checkpoint, Emit, Estimate, Frame, Params, Progress, stage


class TrainTextureParams(Params):
    """The network, the losses, and the training."""

    sizes: int = Field(
        default=6,
        ge=1,
        le=MOST_SIZES,
        description="The number of sizes of the input noise, each half as large as the one before.",
    )
    channels: int = Field(default=8, ge=1, le=WIDEST, description="The number of channels that each size adds.")
    padding: Padding = Field(
        default="circular", description="`circular`: textures continue at the opposite border, and tile; `edge`: they do not."
    )
    losses: tuple[AnyLoss, ...] = Field(
        default=(Gram(),), min_length=1, max_length=32, description="The losses, whose sum is minimized, as in `stylize`."
    )
    encoder: AnyEncoder = Field(default=VggArchitecture(), description="The kind of `extractor`; `{kind: vgg}` by default.")
    diversity: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="The weight of the mean logarithm of the distance of each texture of a step to the nearest other.",
    )
    texture_size: int = Field(default=256, ge=32, le=8192, description="The example's long side in pixels.")
    schedule: Schedule = Field(
        default=Schedule(steps=3000), description="The training schedule: steps, learning rate, validation."
    )
    batch: int = Field(default=4, ge=1, le=1024, description="The number of textures in a step.")
    side: int = Field(
        default=256, ge=32, le=2048, description="The side of these textures in pixels, a multiple of 2^(sizes − 1)."
    )


def _check(params: TrainTextureParams, **_: Any) -> None:
    network = _network(params)
    if params.side % network.unit:
        raise StageError(
            f"'side' is {params.side}; with {network.sizes} sizes of noise it is a multiple of {network.unit}.",
            hint="Choose another side, or fewer sizes.",
        )
    if params.diversity and params.batch < 2:
        raise StageError("'diversity' compares the textures of a step, and 'batch' is 1.", hint="Take at least 2.")
    require(params.losses, content=None, styles=["texture"])


def _network(params: TrainTextureParams) -> Texture:
    return Texture(params.sizes, params.channels, params.padding)


def _estimate(params: TrainTextureParams, texture: Image, extractor: Weights, start: Weights | None) -> Estimate:
    network = _network(params)
    result = blank_weights(network.shapes, network.metadata)
    initial_tensors(result, start, network, describe)
    encoder = params.encoder.describe(extractor)
    losses = LossSet.of(params.losses, encoder)
    check_size(losses, (params.side, params.side))
    check_size(losses, scaled(texture.size, params.texture_size / max(texture.size)), compares="styles")
    maps, passes = of_encoder(encoder, extractor)
    own = sum(3 * params.channels * (1 + size) / 4 ** (params.sizes - size) for size in range(1, params.sizes + 1))
    both = {"maps": maps + own, "operations": passes + operations(network)}
    return Estimate(result, *training(params.schedule, pictures=params.batch, side=params.side, **both))


@stage(version=1, check=_check, estimate=_estimate)
def train_texture(
    texture: Image,
    extractor: Weights,
    params: TrainTextureParams,
    start: Weights | None = None,
    *,
    key: Key[Array, ""],
    emit: Emit,
    checkpoint: Checkpoint,
) -> Weights:
    """Trains the network of `generate_texture` on a texture.

    Each step generates textures from new noise, and updates the network to reduce the `losses`, which compare the features of
    the network `extractor` (a VGG) for them with those for the example (Ulyanov et al. 2016, arXiv 1603.03417; diversity: 2017,
    arXiv 1701.02096). See `stylepipe.neural.networks.texture`.

    - `texture`: the example, resized to a long side of `texture_size`. Only the visible part of a texture with transparency
      counts.
    - `start`: the result of an earlier training of the same network, to continue.

    At intervals, and at the end, the log holds the terms for textures that are not trained on, as 'validation gram', and one of
    them is a preview frame. The result is the network in half precision; computations are in single precision. Raises
    StageError for a loss that compares with a content, for a `side` that is no multiple of the network's unit, for diversity
    with a `batch` of 1, for a `start` of another form, and for a loss that is not finite, and WeightsError for a `start` that
    is no such network.
    """
    import jax

    from stylepipe.neural.networks.texture import fresh, generated
    from stylepipe.neural.style_transfer.objective import Objective, targets
    from stylepipe.neural.style_transfer.scale_inputs import style_example
    from stylepipe.neural.training import training_loop
    from stylepipe.neural.training.stylization import style_references
    from stylepipe.neural.training.synthesis import Synthesis, texture_batches

    _check(params)
    network = _network(params)
    noise_key, network_key, frame_key = jax.random.split(key, 3)
    first = initial_tensors(fresh(network_key, network), start, network, describe)
    objective = Objective.of(params.losses, params.encoder.describe(extractor))
    size = scaled(texture.size, params.texture_size / max(texture.size))
    example = style_example(texture, size, objective, name="'texture'")
    tensors, statistics = style_references(objective, extractor, [example])
    wanted = targets(objective, None, statistics, [1.0], regional=False)
    batches = texture_batches(tensors, wanted, noise_key, network=network, count=params.batch, side=params.side)
    loss = Synthesis(objective, network, params.diversity)
    step = training_loop.start(params.schedule, first, checkpoint.load())
    validate = partial(training_loop.evaluate, batch=batches(0), loss=loss)
    pictures_per_step = params.batch * params.schedule.accumulate
    for step in training_loop.train(step, loss, batches, schedule=params.schedule, validate=validate):  # noqa: B020
        emit(Progress(step.number, params.schedule.steps, step.loss, step.terms, pictures_per_step))
        if any(name.startswith("validation ") for name in step.terms):
            emit(Frame(generated(Weights(step.tensors, network.metadata), frame_key, (params.side, params.side))))
        checkpoint.offer(partial(training_loop.saved, step))
    return training_loop.result(step, network.metadata)
