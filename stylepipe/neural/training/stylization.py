"""Training of style networks: batches, loss and validation with the losses of `stylize` on the network's output."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array, Weights
from stylepipe.neural.losses.loss_inputs import LossInputs, PictureFeatures
from stylepipe.neural.networks.normalization import PICTURES, Statistics
from stylepipe.neural.networks.transformation import Tensors, mixed, transform
from stylepipe.neural.networks.transformation_layout import Transformation, applied
from stylepipe.neural.style_transfer.objective import Constants, ExamplePicture, Objective, style_statistics, targets
from stylepipe.neural.training.crops import Crops, in_groups
from stylepipe.neural.training.training_loop import TrainingStep, evaluate_all, result
from stylepipe.neural.xla.compile_options import program

_TOGETHER = 4
"""Pictures per validation batch."""


class StyleReferences(NamedTuple):
    """The constants of all steps: the extractor's tensors, and the styles' statistics by loss."""

    extractor: Tensors
    styles: tuple[tuple[Any, ...], ...]


class StyleBatch(NamedTuple):
    """Pictures, the shares of the styles for each, and a key for stochastic losses."""

    references: StyleReferences
    pictures: Float[Array, "pictures side side 3"]
    shares: Float[Array, "pictures styles"]
    key: PRNGKeyArray


def style_references(objective: Objective, extractor: Weights, styles: Sequence[ExamplePicture]) -> StyleReferences:
    """Computes the references from the resized styles."""
    tensors = {name: jnp.asarray(tensor) for name, tensor in extractor.tensors.items()}
    return StyleReferences(tensors, tuple(style_statistics(tensors, style, objective=objective) for style in styles))


def style_batches(
    references: StyleReferences, crops: Crops, key: PRNGKeyArray, *, count: int, side: int
) -> Callable[[int], StyleBatch]:
    """Returns a function from a step's number, from 1, to its batch: random crops with the styles in turn."""

    def of_step(number: int) -> StyleBatch:
        drawing, own = jax.random.split(jax.random.fold_in(key, number))
        turns = (count * (number - 1) + np.arange(count)) % len(references.styles)
        pictures = crops.draw(drawing, count=count, side=side)
        return StyleBatch(references, pictures, np.eye(len(references.styles), dtype=np.float32)[turns], own)

    return of_step


@dataclass(frozen=True)
class Stylization:
    """The loss of a network, static under `jax.jit`: the mean of the objective over a batch.

    (Johnson, Alahi and Fei-Fei 2016, arXiv 1603.08155.) The content of each picture is the picture itself.
    """

    objective: Objective
    network: Transformation

    @property
    def applied(self) -> "Stylization":
        """The loss of the network as it is applied after training."""
        return replace(self, network=applied(self.network))

    def __call__(self, tensors: Tensors, batch: StyleBatch) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Computes the loss, and its terms by name."""
        shown, _ = self.passed(tensors, batch)
        keys = jax.random.split(batch.key, len(batch.pictures))
        loss, terms = jax.vmap(partial(self._of_one, batch.references))(batch.pictures, shown, batch.shares, keys)
        return loss.mean(), dict(zip(self.objective.terms, terms.mean(0), strict=True))

    def passed(
        self, tensors: Tensors, batch: StyleBatch
    ) -> tuple[Float[Array, "pictures side side 3"], Mapping[str, Statistics]]:
        """Computes the network's output and its layers' statistics, as in training."""

        def one(picture: Array, shares: Array) -> tuple[Array, Mapping[str, Statistics]]:
            pooled = self.network.normalization == "batch"
            return transform(mixed(tensors, shares), picture, network=self.network, layer_statistics={}, pooled=pooled)

        return jax.vmap(one, axis_name=PICTURES)(batch.pictures, batch.shares)

    def _of_one(
        self, references: StyleReferences, content: Array, shown: Array, shares: Array, key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], Float[Array, " terms"]]:
        maps = self.objective.encoder.features(references.extractor, content, self.objective.layers("content"))
        picture = PictureFeatures(content, maps)
        statistics = self.objective.statistics(LossInputs(picture, picture), "content")
        goals = targets(self.objective, statistics, references.styles, shares, regional=False)
        return self.objective(shown, Constants(references.extractor, picture, None, (None,), goals), key)


@dataclass(frozen=True)
class Validation:
    """Held-out pictures, each in all styles, with the network as it is applied after training."""

    loss: Stylization
    batches: tuple[StyleBatch, ...]

    @classmethod
    def of(
        cls, loss: Stylization, references: StyleReferences, pictures: Float[np.ndarray, "pictures side side 3"]
    ) -> "Validation":
        """Creates batches of pictures of one size, as in training: batch normalization pools their statistics."""
        styles, key = len(references.styles), jax.random.key(0)  # a key of its own, so that figures compare
        shares = np.eye(styles, dtype=np.float32)
        groups = in_groups(pictures, _TOGETHER)
        together = tuple(
            StyleBatch(references, each.repeat(styles, 0), np.tile(shares, (len(each), 1)), key) for each in groups
        )
        return cls(loss.applied, together)

    def __call__(self, tensors: Tensors) -> dict[str, float]:
        """Computes the mean terms of the loss."""
        return evaluate_all(tensors, self.batches, [len(batch.pictures) for batch in self.batches], loss=self.loss)

    def strip(self, tensors: Tensors) -> Float[np.ndarray, "side width 3"]:
        """Returns the first picture and its stylizations in each style, side by side."""
        first = self.batches[0]
        shown = _shown(tensors, first, loss=self.loss)[: len(first.references.styles)]
        return np.concatenate([first.pictures[0], *np.clip(np.asarray(shown), 0, 1)], axis=1)


@program(static_argnames="loss")
def _shown(tensors: Tensors, batch: StyleBatch, *, loss: Stylization) -> Array:
    return loss.passed(tensors, batch)[0]


@program(static_argnames="loss")
def _pooled_statistics(tensors: Tensors, batch: StyleBatch, *, loss: Stylization) -> Mapping[str, Statistics]:
    return jax.tree.map(lambda by_picture: by_picture[0], loss.passed(tensors, batch)[1])  # pooled: alike for all pictures


def trained(step: TrainingStep, loss: Stylization, batches: Iterable[StyleBatch]) -> Weights:
    """Returns the trained network; with batch normalization, it stores the mean statistics of these batches."""
    loss = loss.applied
    weights = result(step, loss.network.metadata)
    if loss.network.normalization == "instance":
        return weights
    means = jax.tree.map(
        lambda *each: np.mean(each, 0), *(_pooled_statistics(step.tensors, batch, loss=loss) for batch in batches)
    )
    held = {f"{name}/{part}": value for name, of in means.items() for part, value in of._asdict().items()}
    return Weights({**weights.tensors, **held}, weights.metadata)
