"""What a slim VGG learns from a larger one: features that a linear map takes to the teacher's."""

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
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Pooling, Vgg, describe, places
from stylepipe.neural.training.crops import Crops
from stylepipe.neural.training.training_loop import Tensors
from stylepipe.neural.xla.compile_options import program
from stylepipe.neural.xla.padding import Padding
from stylepipe.neural.xla.random_arrays import he_normal, normal

Features = Mapping[str, Float[Array, "crops _ _ _"]]

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colors of photographs (ImageNet's), as usual for networks on RGB."""


class DistillationBatch(NamedTuple):
    """Crops, and what the teachers find in them: features, in units of their layer's root mean square; their Gram matrices."""

    crops: Float[Array, "crops side side 3"]
    features: Features
    grams: Mapping[str, Float[Array, "crops _ _"]]


# --- the teachers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Teachers:
    """Networks that between them have all layers to be taught: each layer is taught by the first that has it.

    They see pictures continued beyond their borders as the student will, whatever they were trained with.
    """

    networks: tuple[tuple[Vgg, tuple[str, ...]], ...]

    @classmethod
    def of(cls, teachers: Sequence[Weights], layers: Sequence[str], padding: Padding) -> "Teachers":
        """Raises StageError for a layer that none of them has."""
        networks, left = [], list(layers)
        for weights in teachers:
            own = describe(weights)
            taught = tuple(layer for layer in left if layer in own.layers)
            left = [layer for layer in left if layer not in taught]
            networks.append((Vgg(own.depth, own.pooling, padding), taught))
        if left:
            raise StageError(f"No teacher has the layer '{left[0]}'.", hint="Give a further teacher, or leave the layer out.")
        return cls(tuple(networks))

    def __call__(self, tensors: Sequence[Tensors], crops: Float[Array, "crops side side 3"]) -> Features:
        """The features of crops at all layers to be taught."""
        found: dict[str, Array] = {}
        for (vgg, layers), own in zip(self.networks, tensors, strict=True):
            found |= jax.vmap(partial(features, own, layers=layers, vgg=vgg))(crops)
        return found


@program(static_argnames="teachers")
def scales(teachers: Teachers, tensors: Sequence[Tensors], crops: Float[Array, "crops side side 3"]) -> Mapping[str, Array]:
    """The root mean square of each layer's features."""
    return {layer: jnp.sqrt(jnp.mean(found**2)) for layer, found in teachers(tensors, crops).items()}


@program(static_argnames="teachers")
def distillation_batch(
    teachers: Teachers, tensors: Sequence[Tensors], units: Mapping[str, Array], crops: Float[Array, "crops side side 3"]
) -> DistillationBatch:
    """What the teachers find in crops."""
    found = {layer: maps / units[layer] for layer, maps in teachers(tensors, crops).items()}
    return DistillationBatch(crops, found, {layer: _grams(maps) for layer, maps in found.items()})


class DistillationBatches:
    """The lesson of each step, in rounds: the teachers, who cost more than the student, look at `batches` batches of new crops,
    and the student goes through them `passes` times, each time in another order.

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
        """The lesson of a step, from 1."""
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
    """A VGG with random weights (He et al. 2015, arXiv 1502.01852), with a linear head at each layer that is taught.

    `widths` are the channels of each convolution, block by block. `channels` are the teachers' by layer: the tensors
    'relu1_1/head' of shape (c, C) and 'relu1_1/offset' (C,) map the student's c channels to them. Raises StageError for a
    layer that the student has not.
    """
    tensors: dict[str, Array] = {
        "normalise/kernel": jnp.diag(1 / jnp.asarray(_DEVIATION))[None, None],
        "normalise/bias": -jnp.asarray(_MEAN) / jnp.asarray(_DEVIATION),
    }
    found, last = {}, 3
    for number, (block, index) in enumerate(places(tuple(map(len, widths)))):
        width = widths[block - 1][index - 1]
        shape = (3, 3, last, width)
        own = jax.random.fold_in(key, number)
        tensors[f"conv{block}_{index}/kernel"] = he_normal(own, shape)
        tensors[f"conv{block}_{index}/bias"] = jnp.zeros(width)
        found[f"relu{block}_{index}"] = last = width
    for number, (layer, count) in enumerate(channels.items(), len(found)):
        if layer not in found:
            raise StageError(
                f"The student has no layer '{layer}'; its last one is '{list(found)[-1]}'.",
                hint="Leave it out, or give 'widths' for it.",
            )
        own = jax.random.fold_in(key, number)
        tensors[f"{layer}/head"] = normal(own, (found[layer], count)) / np.sqrt(found[layer])
        tensors[f"{layer}/offset"] = jnp.zeros(count)
    return Weights(tensors, {"pooling": pooling, "padding": padding})


def grown(start: Weights, fresh: Weights) -> Weights:
    """A student of `fresh`'s widths that begins with what `start` knows, a VGG of other widths perhaps.

    The channels that both have are `start`'s, the first ones. Those that `fresh` has beyond them are its own, but nothing
    listens to them yet: where no channel is lost, the layers still answer as in `start` (Chen et al. 2016, "Net2Net", arXiv
    1511.05641, where new channels are copies). Raises WeightsError for a `start` that is no VGG.
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
    """The loss of a student, static under `jax.jit`: how far its heads' features are from those of a lesson.

    By layer: the mean squared error by the mean square; and `gram` times that of the Gram matrices of single crops. `layers`
    have their weights.
    """

    vgg: Vgg
    layers: tuple[tuple[str, float], ...]
    gram: float

    def __call__(self, tensors: Tensors, batch: DistillationBatch) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss, and by layer the error of the features and that of the Gram matrices."""
        names = tuple(layer for layer, _ in self.layers)
        found = jax.vmap(partial(features, tensors, layers=names, vgg=self.vgg))(batch.crops)
        total, terms = jnp.zeros(()), {}
        for layer, weight in self.layers:
            predicted = found[layer] @ tensors[f"{layer}/head"] + tensors[f"{layer}/offset"]
            error = _relative(predicted, batch.features[layer])
            gram = _relative(_grams(predicted), batch.grams[layer])
            total += weight * (error + self.gram * gram)
            terms |= {layer: error, f"{layer} gram": gram}
        return total, terms


def _relative(found: Float[Array, "*shape"], wanted: Float[Array, "*shape"]) -> Float[Array, ""]:
    return jnp.mean((found - wanted) ** 2) / jnp.mean(wanted**2)


def _grams(maps: Float[Array, "crops h w c"]) -> Float[Array, "crops c c"]:
    flat = maps.reshape(len(maps), -1, maps.shape[-1])
    return jnp.einsum("npc,npd->ncd", flat, flat) / flat.shape[1]
