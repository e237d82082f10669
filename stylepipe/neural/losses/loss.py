"""The loss interface: a model of the parameters in a recipe, and three pure functions.

    statistic(inputs)              a statistic of the picture, as a pytree of arrays
    target_of(references)          the target, computed once from the statistics of content and styles
    distance(statistic, target)    the loss, a scalar

The loss of a picture is distance(statistic(inputs), target). Statistic and distance are separate because most statistics are
sums over positions: they can be accumulated over the tiles of a large picture, and blended over several styles. The statistic
of any other loss is the features that it compares.

The functions are in a module of their own, which is imported when a loss is computed: recipes are checked without JAX.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeVar, cast, runtime_checkable

from jaxtyping import Float
from pydantic import Field

from stylepipe.artifacts import Array
from stylepipe.errors import StageError
from stylepipe.image.sizes import Size
from stylepipe.neural.encoders.encoder_kinds import LayerName
from stylepipe.neural.kinds import functions_named_by
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.spec import Spec

LayerWeight = Annotated[float, Field(ge=-1e9, le=1e9)]
Layers = Annotated[
    Annotated[dict[LayerName, LayerWeight], Field(min_length=1)] | Literal["all"],
    Field(description="The layers to compare, each with its weight; `all` is every layer that the network has, at 1."),
]
Shift = Annotated[
    float,
    Field(
        ge=-1e4,
        le=1e4,
        description="Subtracted from the features. At 1, sparse features do not vanish from G (Novak and Nikulin 2016, 3.3).",
    ),
]


Reference = Literal["content", "styles"]


@runtime_checkable
class LossFunctions(Protocol):
    """The module with the functions of one kind of loss; `spec` is the loss, with resolved layers.

    It may define a fourth function, `check_style(spec, statistic)`.
    """

    def statistic(self, spec: Any, inputs: LossInputs) -> Any:
        """Computes the statistic of a picture, a pytree of arrays."""
        ...

    def target(self, spec: Any, references: References) -> Any:
        """Computes the target of the statistic, a pytree of arrays."""
        ...

    def distance(self, spec: Any, statistic: Any, target: Any) -> Float[Array, ""]:
        """Computes the loss of a statistic, without the spec's `weight`."""
        ...


class Loss(Spec):
    """The base of all losses.

    `functions` names the module with the functions, a `LossFunctions`. `additive` is true if its statistic consists of sums
    over positions, so that the statistics of disjoint parts add up to that of the whole picture. `stochastic` is true if it
    samples from the inputs' `key`, so that the loss function differs at each step.
    """

    functions: ClassVar[str]
    additive: ClassVar[bool] = False
    stochastic: ClassVar[bool] = False

    if TYPE_CHECKING:
        kind: Any  # each class has its own literal

    weight: float = Field(default=1.0, ge=0, le=1e9, description="Multiplies the loss.")

    @property
    def compares(self) -> frozenset[Reference]:
        """The references that the loss compares with: the content, the styles, both or neither."""
        return frozenset()

    def statistic(self, inputs: LossInputs) -> Any:
        """Computes the statistic of a picture, a pytree of arrays."""
        return self.computed_by().statistic(self, inputs)

    def target_of(self, references: References) -> Any:
        """Computes the target of the statistic, a pytree of arrays. (`target` is a parameter of `content`.)"""
        return self.computed_by().target(self, references)

    def distance(self, statistic: Any, target: Any) -> Float[Array, ""]:
        """Computes the loss of a statistic, without `weight`."""
        return self.computed_by().distance(self, statistic, target)

    def check_style(self, statistic: Any) -> None:
        """Raises StageError for a style that the loss cannot use, such as one whose mask is too small."""
        if check := getattr(self.computed_by(), "check_style", None):
            check(self, statistic)

    def check_size(self, size: Size) -> None:
        """Raises StageError for a picture that is too small for the loss, whose layers are resolved."""

    @classmethod
    def computed_by(cls) -> LossFunctions:
        """Imports the module with the functions. Raises ExtensionError as `functions_named_by` does."""
        return functions_named_by(cls, LossFunctions)


class ExampleLoss(Loss):
    """The base of the losses that are divided by the mean square of their target."""

    normalize: Literal["target", "none"] = Field(
        default="target",
        description="`target` divides each layer's (or pool's) loss by the mean square of its target, so that weights do not "
        "depend on the network or the scale of its features; `none` does not.",
    )


class FeatureLoss(Loss):
    """The base of the losses on a network's features."""

    layers: Layers

    @property
    def table(self) -> Mapping[str, float]:
        """The layers' weights; `layers` must not be `all`, as in any loss that `resolve` returns."""
        return cast("Mapping[str, float]", self.layers)

    def check_map(self, layer: str, size: Size) -> None:
        """Raises StageError for features of a layer that have too few positions, (height, width), for the loss."""


class StyleLoss(FeatureLoss, ExampleLoss):
    """The base of the losses that compare features with those of the styles."""

    layers: Layers = Field(default={"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 1.0})
    geometric: Literal["paper", "consecutive_errors"] | None = Field(
        default=None,
        description="Multiplies the weights of the D layers, d = 1 … D from the shallowest, by a geometric series: `paper`, "
        "2^(D−d); `consecutive_errors`, INetwork's version of the correlation chain, the sum of 2^−(D−1−d) (E_d − E_{d+1}) "
        "over the layers' errors E: the factors are 2^−(D−2), 2^−(D−2), … 1/4, 1/2, and −1 for the deepest.",
    )

    @property
    def compares(self) -> frozenset[Reference]:
        """The styles."""
        return frozenset({"styles"})


_Loss = TypeVar("_Loss", bound=Loss)


def resolve(loss: _Loss, available: tuple[str, ...]) -> _Loss:
    """Returns the loss with explicit layer weights: `all` expanded and the geometric series multiplied in.

    Layers are sorted by name: sums and random numbers depend on their order, which has no meaning in a recipe. `available` are
    the network's layers, shallowest first. Raises StageError for `consecutive_errors` over a single layer.
    """
    if not isinstance(loss, FeatureLoss):
        return loss
    table = dict.fromkeys(available, 1.0) if loss.layers == "all" else dict(sorted(loss.table.items()))
    if not isinstance(loss, StyleLoss) or loss.geometric is None:
        return loss.model_copy(update={"layers": table})
    series = _series(loss.geometric, len(table))
    layers = {name: weight * factor for (name, weight), factor in zip(table.items(), series, strict=True)}
    return loss.model_copy(update={"layers": layers, "geometric": None})


def _series(kind: Literal["paper", "consecutive_errors"], count: int) -> list[float]:
    """Factors for layers from the shallowest (Novak and Nikulin 2016, arXiv 1605.04603).

    INetwork sums differences of consecutive layers' errors instead; here they are collected by layer.
    """
    if kind == "paper":
        return [2.0 ** (count - d) for d in range(1, count + 1)]
    if count < 2:
        raise StageError(
            "The geometric series 'consecutive_errors' takes at least 2 layers; there is 1.", hint="Use 'paper', or none."
        )
    return [2.0 ** (2 - count), *(2.0 ** (j + 1 - count) for j in range(1, count - 1)), -1.0]


def layers_of(loss: Loss) -> tuple[str, ...]:
    """Returns the layers that a resolved loss reads."""
    return tuple(loss.table) if isinstance(loss, FeatureLoss) else ()
