"""Distillation of a slim VGG: its features, mapped linearly, regress those of larger teachers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Weights
from stylepipe.errors import StageError
from stylepipe.neural.encoders.encoder import Pooling
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Vgg, describe, layer_name, places
from stylepipe.neural.training.crops import Crops
from stylepipe.neural.training.teachers import Teachers
from stylepipe.neural.training.training_loop import Tensors
from stylepipe.neural.xla.compile_options import program
from stylepipe.neural.xla.padding import Padding
from stylepipe.neural.xla.random_arrays import he_normal, normal

Features = Mapping[str, Float[Array, "crops _ _ _"]]

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colors of photographs (ImageNet's), as usual for networks on RGB."""


class DistillationBatch(NamedTuple):
    """Crops with the teachers' features, divided by their layer's root mean square, and their Gram matrices."""

    crops: Float[Array, "crops side side 3"]
    features: Features
    grams: Mapping[str, Float[Array, "crops _ _"]]


# --- the teachers -----------------------------------------------------------------------------------------------------


def taught_features(teachers: Teachers, tensors: Sequence[Tensors], crops: Float[Array, "crops side side 3"]) -> Features:
    """Computes the teachers' features of crops at all taught layers."""
    maps: dict[str, Array] = {}
    for (vgg, layers), own in zip(teachers.networks, tensors, strict=True):
        maps |= jax.vmap(partial(features, own, layers=layers, encoder=vgg))(crops)
    return maps


@program(static_argnames="teachers")
def scales(teachers: Teachers, tensors: Sequence[Tensors], crops: Float[Array, "crops side side 3"]) -> Mapping[str, Array]:
    """Returns the root mean square of each layer's features."""
    return {layer: jnp.sqrt(jnp.mean(maps**2)) for layer, maps in taught_features(teachers, tensors, crops).items()}


@program(static_argnames="teachers")
def distillation_batch(
    teachers: Teachers, tensors: Sequence[Tensors], units: Mapping[str, Array], crops: Float[Array, "crops side side 3"]
) -> DistillationBatch:
    """Computes the batch of crops: the teachers' features and Gram matrices."""
    scaled = {layer: maps / units[layer] for layer, maps in taught_features(teachers, tensors, crops).items()}
    return DistillationBatch(crops, scaled, {layer: _grams(maps) for layer, maps in scaled.items()})


class DistillationBatches:
    """The batch of each step, with data echoing: the teachers, which cost more than the student, process `batches` new batches
    per round, and the student is trained on them `passes` times, each time in another order.

    (Choi et al. 2019, "Faster Neural Network Training with Data Echoing", arXiv 1907.05550.)
    """

    def __init__(
        self,
        teachers: Teachers,
        tensors: Sequence[Tensors],
        crops: Crops,
        *,
        batch: int,
        side: int,
        batches: int,
        passes: int,
        key: PRNGKeyArray,
    ) -> None:
        self._draw = partial(crops.draw, count=batch, side=side)
        self.teach = partial(distillation_batch, teachers, tensors, scales(teachers, tensors, self._draw(key)))
        self._batches, self._passes, self._key = batches, passes, key
        self._round, self._lessons = -1, []

    def __call__(self, step: int) -> DistillationBatch:
        """Returns the batch of a step, counted from 1."""
        number, place = divmod(step - 1, self._batches * self._passes)
        key = jax.random.fold_in(self._key, number)
        if number != self._round:
            self._lessons.clear()
            keys = jax.random.split(jax.random.fold_in(key, self._passes), self._batches)
            self._lessons += [self.teach(self._draw(one)) for one in keys]
            self._round = number
        turn, place = divmod(place, self._batches)
        order = jax.random.permutation(jax.random.fold_in(key, turn), self._batches)
        return self._lessons[int(order[place])]


# --- the student ------------------------------------------------------------------------------------------------------


def student(
    key: PRNGKeyArray,
    widths: Sequence[Sequence[int]],
    *,
    pooling: Pooling,
    padding: Padding,
    channels: Mapping[str, int],
) -> Weights:
    """Returns a VGG with random weights (He et al. 2015, arXiv 1502.01852) and a linear head at each taught layer.

    `widths` are the channels of each convolution, block by block. `channels` are the teachers' by layer: the tensors
    'relu1_1/head' of shape (c, C) and 'relu1_1/offset' (C,) map the student's c channels to them. Raises StageError for a
    layer that the student lacks.
    """
    tensors: dict[str, Array] = {
        "normalise/kernel": jnp.diag(1 / jnp.asarray(_DEVIATION))[None, None],
        "normalise/bias": -jnp.asarray(_MEAN) / jnp.asarray(_DEVIATION),
    }
    outputs, last = {}, 3
    for number, (block, index) in enumerate(places(tuple(map(len, widths)))):
        width = widths[block - 1][index - 1]
        shape = (3, 3, last, width)
        own = jax.random.fold_in(key, number)
        tensors[f"conv{block}_{index}/kernel"] = he_normal(own, shape)
        tensors[f"conv{block}_{index}/bias"] = jnp.zeros(width)
        outputs[layer_name(block, index)] = last = width
    for number, (layer, count) in enumerate(channels.items(), len(outputs)):
        if layer not in outputs:
            raise StageError(
                f"The student has no layer '{layer}'; its last one is '{list(outputs)[-1]}'.",
                hint="Leave it out, or give 'widths' for it.",
            )
        own = jax.random.fold_in(key, number)
        tensors[f"{layer}/head"] = normal(own, (outputs[layer], count)) / np.sqrt(outputs[layer])
        tensors[f"{layer}/offset"] = jnp.zeros(count)
    return Weights(tensors, {"pooling": pooling, "padding": padding})


def grown(start: Weights, fresh: Weights) -> Weights:
    """Initializes a student of `fresh`'s widths from `start`, a VGG of possibly other widths.

    The first channels, which both have, are `start`'s. Additional channels of `fresh` keep their weights, but their outgoing
    weights are zero: if no channel is removed, the layers compute the same as in `start` (Chen et al. 2016, "Net2Net", arXiv
    1511.05641, where new channels are copies). Raises WeightsError if `start` is not a VGG.
    """
    describe(start)
    return replace(fresh, tensors={name: _extended(start.tensors.get(name), tensor) for name, tensor in fresh.tensors.items()})


def _extended(old: Array | None, new: Array) -> Array:
    """The last axis counts outputs, the one before it inputs."""
    if old is None or old.ndim != new.ndim:
        return new
    *_, outputs = common = tuple(slice(min(sizes)) for sizes in zip(old.shape, new.shape, strict=True))
    return new.at[..., outputs].set(0).at[common].set(old[common])


@dataclass(frozen=True)
class Distillation:
    """The loss of a student, static under `jax.jit`: the error of its heads' features against a batch.

    Per layer, the mean squared error over the mean square, plus `gram` times that of each crop's Gram matrix. `layers` holds
    names and weights.
    """

    vgg: Vgg
    layers: tuple[tuple[str, float], ...]
    gram: float

    def __call__(self, tensors: Tensors, batch: DistillationBatch) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Computes the loss, and the errors of features and Gram matrices by layer."""
        names = tuple(layer for layer, _ in self.layers)
        maps = jax.vmap(partial(features, tensors, layers=names, encoder=self.vgg))(batch.crops)
        total, terms = jnp.zeros(()), {}
        for layer, weight in self.layers:
            predicted = maps[layer] @ tensors[f"{layer}/head"] + tensors[f"{layer}/offset"]
            error = _relative(predicted, batch.features[layer])
            gram = _relative(_grams(predicted), batch.grams[layer])
            total += weight * (error + self.gram * gram)
            terms |= {layer: error, f"{layer} gram": gram}
        return total, terms


def _relative(predicted: Float[Array, "*shape"], target: Float[Array, "*shape"]) -> Float[Array, ""]:
    return jnp.mean((predicted - target) ** 2) / jnp.mean(target**2)


def _grams(maps: Float[Array, "crops h w c"]) -> Float[Array, "crops c c"]:
    flat = maps.reshape(len(maps), -1, maps.shape[-1])
    return jnp.einsum("npc,npd->ncd", flat, flat) / flat.shape[1]
