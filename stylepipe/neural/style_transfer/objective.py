"""The loss of a picture: what is static about it (`Objective`), and the arrays it is computed from (`Constants`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from stylepipe.errors import StageError
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.losses import AnyLoss, loss_implementation
from stylepipe.neural.losses.loss import LayerMasks, LossInputs, PictureFeatures, References, layers_of, resolve
from stylepipe.neural.xla.compile_options import program

Tensors = Mapping[str, Float[Array, "..."]]
Value = tuple[Float[Array, ""], Float[Array, " terms"]]
"""A loss and its terms, each with its weight; the loss is their sum."""


class ExamplePicture(NamedTuple):
    """A picture to take after: its pixels and, where only a region of it counts, that region at the layers."""

    pixels: Float[Array, "height width 3"]
    region: LayerMasks | None = None


class Visible(NamedTuple):
    """How visible the result is: its alpha, and what that comes to at the layers."""

    alpha: Float[Array, "height width"]
    layers: LayerMasks


class Goal(NamedTuple):
    """What a loss's statistic is to become, and how much the loss counts."""

    weight: Float[Array, ""]
    target: Any


class Constants(NamedTuple):
    """All arrays that a step reads: arguments of the compiled function, for a constant inside it is computed on by XLA.

    `counted` says how much each pixel of the picture counts; None is all of them alike.
    """

    tensors: Tensors
    content: PictureFeatures | None
    content_region: LayerMasks | None
    regions: tuple[LayerMasks | None, ...]
    targets: tuple[Goal, ...]
    counted: Float[Array, "height width"] | None = None


@dataclass(frozen=True)
class Objective:
    """The losses to minimize over the features of one network; their layers are resolved. Static under `jax.jit`."""

    losses: tuple[AnyLoss, ...]
    vgg: Vgg

    @classmethod
    def of(cls, losses: Sequence[AnyLoss], vgg: Vgg) -> "Objective":
        """From the losses as a recipe writes them. Raises StageError as `resolve` does."""
        return cls(tuple(resolve(loss, vgg.layers) for loss in losses), vgg)

    @cached_property
    def form(self) -> "Objective":
        """What is compiled: the losses without their weights, which are among the arrays: all weights share a program."""
        return replace(self, losses=tuple(loss.model_copy(update={"weight": 1.0}) for loss in self.losses))

    @property
    def terms(self) -> tuple[str, ...]:
        """A name for each loss: its kind, with a number from the second of a kind on."""
        return terms_of(self.losses)

    def layers(self, compares: str | None = None) -> tuple[str, ...]:
        """The layers that the losses read; only of those that compare with `content` or `styles`, if one is named."""
        chosen = (loss for loss in self.losses if compares is None or compares in loss.compares)
        return tuple(sorted({layer for loss in chosen for layer in layers_of(loss)}))

    def __call__(self, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray) -> Value:
        """The loss of a picture and its terms."""
        found = features(constants.tensors, pixels, layers=self.layers(), vgg=self.vgg)
        picture = PictureFeatures(pixels, found)
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

        `regions`, one for each style, are where in the picture it applies, and its losses there are multiplied by its one of
        `weights`; None blends the styles everywhere, by `weights` in any unit. Pixels count as far as they are `visible`, which
        is in the regions already; None is all. Raises StageError when a loss compares with what is not given, and as
        `check_style` of its losses does.
        """
        require(self.losses, content=content, styles=styles)
        # One after the other: those that wait for nothing would be computed at once, each in memory of its own.
        shown = None if content is None else jax.block_until_ready(_content(tensors, content, visible, objective=self.form))
        seen = [jax.block_until_ready(style_statistics(tensors, style, objective=self.form)) for style in styles]
        _check_styles(self, seen)
        return Constants(
            tensors,
            shown and shown[0],
            None if content is None else content.region,
            regions_of(regions, visible),
            targets(self, shown and shown[1], seen, weights, regional=regions is not None),
            None if visible is None else visible.alpha,
        )

    def value_and_gradient(
        self, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray
    ) -> tuple[Value, Float[Array, "height width 3"]]:
        """The loss and its terms, and the gradient of the loss."""
        return _value_and_gradient(self.form, pixels, constants, key)

    def compile(self, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray) -> None:
        """Compiles `value_and_gradient` for arrays of these shapes, so that its first call only computes."""
        _value_and_gradient.compile(self.form, pixels, constants, key)

    def statistics(self, inputs: LossInputs, compares: str | None = None) -> tuple[Any, ...]:
        """By loss, what it reads; None for those that do not compare with `content` or `styles`, if one is named."""

        def read(loss: AnyLoss) -> Any:
            return loss_implementation(loss).statistic(loss, inputs) if compares is None or compares in loss.compares else None

        return tuple(map(read, self.losses))

    def distance(self, statistics: Sequence[Any], targets: Sequence[Goal]) -> Value:
        """The loss and its terms, from what each loss reads and what that is to become."""
        each = zip(self.losses, statistics, targets, strict=True)
        terms = jnp.stack(
            [goal.weight * loss_implementation(loss).distance(loss, found, goal.target) for loss, found, goal in each]
        )
        return terms.sum(), terms


def regions_of(regions: Sequence[LayerMasks] | None, visible: Visible | None) -> tuple[LayerMasks | None, ...]:
    """The regions of a view: those of the styles, or the one of all of them, what is visible."""
    if regions is not None:
        return tuple(regions)
    return (None if visible is None else visible.layers,)


def terms_of(losses: Sequence[AnyLoss]) -> tuple[str, ...]:
    """A name for each loss: its kind, with a number from the second of a kind on."""
    kinds = [loss.kind for loss in losses]
    before = [kinds[:i].count(kind) for i, kind in enumerate(kinds)]
    return tuple(f"{kind} {n + 1}" if n else kind for kind, n in zip(kinds, before, strict=True))


def require(losses: Sequence[AnyLoss], *, content: object, styles: Sequence[object]) -> None:
    """Raises StageError when a loss compares with what is not given."""
    given = {name for name, there in (("content", content), ("styles", styles)) if there}
    for name, loss in zip(terms_of(losses), losses, strict=True):
        for missing in sorted(loss.compares - given):
            raise StageError(f"The loss '{name}' compares with the {missing}, and none is given.", hint=f"Give '{missing}'.")


def _check_styles(objective: Objective, seen: Sequence[Sequence[Any]]) -> None:
    for number, statistics in enumerate(seen, 1):
        for loss, statistic in zip(objective.losses, statistics, strict=True):
            check = getattr(loss_implementation(loss), "check_style", None)
            if check is None:
                continue
            try:
                check(loss, statistic)
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
    """By loss, its goal, from the statistics by loss of the content and of each style; the weights are as in `prepare`."""
    shares = jnp.asarray(weights, jnp.float32) / (1 if regional or not styles else sum(weights))
    found = []
    for i, loss in enumerate(objective.losses):
        references = References(content and content[i], tuple(style[i] for style in styles), shares, regional)
        found.append(Goal(jnp.float32(loss.weight), loss_implementation(loss).target(loss, references)))
    return tuple(found)


@program(static_argnums=0)
def _value_and_gradient(
    objective: Objective, pixels: Float[Array, "height width 3"], constants: Constants, key: PRNGKeyArray
) -> tuple[Value, Float[Array, "height width 3"]]:
    return jax.value_and_grad(objective, has_aux=True)(pixels, constants, key)


@program(static_argnames="objective")
def _content(
    tensors: Tensors, content: ExamplePicture, visible: Visible | None, *, objective: Objective
) -> tuple[PictureFeatures, tuple[Any, ...]]:
    """The content's features, and by loss its statistic, where the loss compares with the content."""
    found = features(tensors, content.pixels, layers=objective.layers("content"), vgg=objective.vgg)
    picture = PictureFeatures(content.pixels, found)
    alpha = None if visible is None else visible.alpha
    inputs = LossInputs(picture, picture, content.region, regions_of(None, visible), counted=alpha)
    return picture, objective.statistics(inputs, "content")


@program(static_argnames="objective")
def style_statistics(tensors: Tensors, style: ExamplePicture, *, objective: Objective) -> tuple[Any, ...]:
    """By loss, the style's statistic, where the loss compares with the styles."""
    found = features(tensors, style.pixels, layers=objective.layers("styles"), vgg=objective.vgg)
    return objective.statistics(LossInputs(PictureFeatures(style.pixels, found), regions=(style.region,)), "styles")
