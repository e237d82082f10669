"""The objective of a picture: its static part (`Objective`) and its arrays (`Constants`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from stylepipe.errors import StageError
from stylepipe.neural.losses.loss import Loss
from stylepipe.neural.losses.loss_inputs import LayerMasks, LossInputs, PictureFeatures, References
from stylepipe.neural.style_transfer.loss_set import LossSet, require
from stylepipe.neural.xla.compile_options import program

Tensors = Mapping[str, Float[Array, "..."]]
Value = tuple[Float[Array, ""], Float[Array, " terms"]]
"""A loss and its weighted terms; the loss is their sum."""


class ExamplePicture(NamedTuple):
    """A content or style picture: its pixels and, optionally, its mask at the layers."""

    pixels: Float[Array, "height width 3"]
    region: LayerMasks | None = None


class Visible(NamedTuple):
    """The visibility of the result: its alpha, and the alpha at the layers."""

    alpha: Float[Array, "height width"]
    layers: LayerMasks


class Goal(NamedTuple):
    """The weight of a loss, and the target of its statistic."""

    weight: Float[Array, ""]
    target: Any


class Constants(NamedTuple):
    """All arrays that a step reads, as arguments: XLA would constant-fold arrays that the compiled function closes over.

    `counted` weights the picture's pixels; None weights them uniformly.
    """

    tensors: Tensors
    content: PictureFeatures | None
    content_region: LayerMasks | None
    regions: tuple[LayerMasks | None, ...]
    targets: tuple[Goal, ...]
    counted: Float[Array, "height width"] | None = None


@dataclass(frozen=True)
class Objective(LossSet):
    """The losses to minimize, as a function of a picture. Static under `jax.jit`."""

    def __call__(self, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray) -> Value:
        """Computes the loss of a picture and its terms."""
        picture = PictureFeatures(pixels, self.encoder.features(constants.tensors, pixels, self.layers()))
        inputs = LossInputs(picture, constants.content, constants.content_region, constants.regions, key, constants.counted)
        return self.distance(self.statistics(inputs), constants.targets)

    def prepare(
        self,
        tensors: Tensors,
        *,
        content: ExamplePicture | None,
        styles: Sequence[ExamplePicture],
        weights: Sequence[float],
        regions: Sequence[LayerMasks] | None,
        visible: Visible | None = None,
    ) -> Constants:
        """Computes the targets once, for pictures of the content's size.

        `regions`, one per style, are the style's masks in the picture; the style's losses there are multiplied by its weight.
        None blends the styles everywhere by `weights`, in any unit. Pixels are weighted by `visible`, which the regions already
        include. Raises StageError if an input that a loss compares with is missing, and as `check_style` does.
        """
        require(self.losses, content=content, styles=styles)
        # Sequentially: independent computations would run concurrently, each with its own memory.
        shown = None if content is None else jax.block_until_ready(_content(tensors, content, visible, objective=self.form))
        of_styles = [jax.block_until_ready(style_statistics(tensors, style, objective=self.form)) for style in styles]
        _check_styles(self, of_styles)
        return Constants(
            tensors,
            shown and shown[0],
            None if content is None else content.region,
            regions_of(regions, visible),
            targets(self, shown and shown[1], of_styles, weights, regional=regions is not None),
            None if visible is None else visible.alpha,
        )

    def value_and_gradient(
        self, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray
    ) -> tuple[Value, Float[Array, "height width 3"]]:
        """Computes the loss, its terms and the gradient."""
        return _value_and_gradient(self.form, pixels, constants, key)

    def compile(self, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray) -> None:
        """Compiles `value_and_gradient` for arrays of these shapes, so that its first call only computes."""
        _value_and_gradient.compile(self.form, pixels, constants, key)

    def statistics(self, inputs: LossInputs, compares: str | None = None) -> tuple[Any, ...]:
        """Computes each loss's statistic; with `compares`, None for losses that do not compare with it."""

        def read(loss: Loss) -> Any:
            return loss.statistic(inputs) if compares is None or compares in loss.compares else None

        return tuple(map(read, self.losses))

    def distance(self, statistics: Sequence[Any], targets: Sequence[Goal]) -> Value:
        """Computes the loss and its terms from the losses' statistics and targets."""
        each = zip(self.losses, statistics, targets, strict=True)
        terms = jnp.stack([goal.weight * loss.distance(statistic, goal.target) for loss, statistic, goal in each])
        return terms.sum(), terms


def regions_of(regions: Sequence[LayerMasks] | None, visible: Visible | None) -> tuple[LayerMasks | None, ...]:
    """Returns the regions of the loss inputs: those of the styles, or a single one, the visible part."""
    if regions is not None:
        return tuple(regions)
    return (None if visible is None else visible.layers,)


def _check_styles(objective: Objective, styles: Sequence[Sequence[Any]]) -> None:
    for number, statistics in enumerate(styles, 1):
        for loss, statistic in zip(objective.losses, statistics, strict=True):
            try:
                loss.check_style(statistic)
            except StageError as error:
                error.within(f"The loss '{loss.kind}' of style {number}")
                raise


def targets(
    objective: Objective,
    content: Sequence[Any] | None,
    styles: Sequence[Sequence[Any]],
    weights: Sequence[float] | Float[Array, " styles"],
    *,
    regional: bool,
) -> tuple[Goal, ...]:
    """Computes each loss's goal from the statistics of the content and the styles; `weights` are as in `prepare`."""
    shares = jnp.asarray(weights, jnp.float32) / (1 if regional or not styles else sum(weights))
    goals = []
    for i, loss in enumerate(objective.losses):
        references = References(content and content[i], tuple(style[i] for style in styles), shares, regional)
        goals.append(Goal(jnp.float32(loss.weight), loss.target_of(references)))
    return tuple(goals)


@program(static_argnums=0)
def _value_and_gradient(
    objective: Objective, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray
) -> tuple[Value, Float[Array, "height width 3"]]:
    return jax.value_and_grad(objective, has_aux=True)(pixels, constants, key)


@program(static_argnames="objective")
def _content(
    tensors: Tensors, content: ExamplePicture, visible: Visible | None, *, objective: Objective
) -> tuple[PictureFeatures, tuple[Any, ...]]:
    """Computes the content's features, and its statistic for each loss that compares with the content."""
    layers = objective.layers("content")
    picture = PictureFeatures(content.pixels, objective.encoder.features(tensors, content.pixels, layers))
    alpha = None if visible is None else visible.alpha
    inputs = LossInputs(picture, picture, content.region, regions_of(None, visible), counted=alpha)
    return picture, objective.statistics(inputs, "content")


@program(static_argnames="objective")
def style_statistics(tensors: Tensors, style: ExamplePicture, *, objective: Objective) -> tuple[Any, ...]:
    """Computes the style's statistic for each loss that compares with the styles."""
    layers = objective.layers("styles")
    picture = PictureFeatures(style.pixels, objective.encoder.features(tensors, style.pixels, layers))
    return objective.statistics(LossInputs(picture, regions=(style.region,)), "styles")
