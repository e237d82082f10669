"""The loss interface: a spec (the parameters in a recipe) and three pure functions in the module of its kind.

    statistic(spec, inputs)              a statistic of the picture, as a pytree of arrays
    target(spec, references)             the target, computed once from the statistics of content and styles
    distance(spec, statistic, target)    the loss, a scalar

A module may define a fourth, check_style(spec, statistic), which raises StageError for a style that the loss cannot use, such
as one whose mask is too small.

The loss of a picture is distance(spec, statistic(spec, inputs), target). Statistic and distance are separate because most
statistics are sums over positions: they can be accumulated over the tiles of a large picture, and blended over several styles.
The statistic of any other loss is the features that it compares.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.neural.spec import Spec

# fmt: off
LayerName = Literal[
    "relu1_1", "relu1_2",
    "relu2_1", "relu2_2",
    "relu3_1", "relu3_2", "relu3_3", "relu3_4",
    "relu4_1", "relu4_2", "relu4_3", "relu4_4",
    "relu5_1", "relu5_2", "relu5_3", "relu5_4",
]
"""VGG-19's layers; VGG-16 and slim networks have a subset."""
# fmt: on
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

LayerMasks = Mapping[str, Float[Array, "_ _"]]
"""A mask at each layer, by the layer's name."""


# --- specs ------------------------------------------------------------------------------------------------------------


class Loss(Spec):
    """The base of all specs.

    `additive` is true if its statistic consists of sums over positions, so that the statistics of disjoint parts add up to that
    of the whole picture. `stochastic` is true if it samples from the inputs' `key`, so that the loss function differs at each
    step.
    """

    additive: ClassVar[bool] = False
    stochastic: ClassVar[bool] = False

    weight: float = Field(default=1.0, ge=0, le=1e9, description="Multiplies the loss.")

    @property
    def compares(self) -> frozenset[Reference]:
        """The references that the loss compares with: the content, the styles, both or neither."""
        return frozenset()


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


# --- inputs -----------------------------------------------------------------------------------------------------------


class PictureFeatures(NamedTuple):
    """A picture's pixels and its features at the layers that the losses read."""

    pixels: Float[Array, "h w 3"]
    features: Mapping[str, Float[Array, "_ _ _"]]


class LossInputs(NamedTuple):
    """The inputs of a statistic: the picture, and the content and masks at the same positions.

    `content_region` and `regions` (one per style, or a single one where styles are blended) weight the positions of each layer;
    None weights them uniformly. `key` is new at each step, for stochastic losses. `counted` weights the pixels, in [0, 1]: by
    their alpha and, in a tile of a larger picture, 0 where another tile counts the pixel. The regions include these weights;
    None weights pixels uniformly.
    """

    picture: PictureFeatures
    content: PictureFeatures | None = None
    content_region: LayerMasks | None = None
    regions: tuple[LayerMasks | None, ...] = (None,)
    key: PRNGKeyArray | None = None
    counted: Float[Array, "h w"] | None = None


class References(NamedTuple):
    """The statistics of content and styles, from which a target is computed.

    `content` is the statistic of the content compared with itself, or None. `styles` are those of the styles, each within its
    own mask, and `weights` are their weights. If `regional`, each style applies in its own region of the picture; otherwise
    all apply everywhere, and the weights sum to 1.
    """

    content: Any
    styles: tuple[Any, ...]
    weights: Float[Array, " styles"]
    regional: bool


@runtime_checkable
class LossImplementation(Protocol):
    """The module interface of one kind of loss; `spec` is of that kind, with resolved layers."""

    def statistic(self, spec: Any, inputs: LossInputs) -> Any:
        """Computes the statistic of a picture, a pytree of arrays."""
        ...

    def target(self, spec: Any, references: References) -> Any:
        """Computes the target of the statistic, a pytree of arrays."""
        ...

    def distance(self, spec: Any, statistic: Any, target: Any) -> Float[Array, ""]:
        """Computes the loss of a statistic, without the spec's `weight`."""
        ...


# --- sums over positions ----------------------------------------------------------------------------------------------


class Sums(NamedTuple):
    """A sum over positions for each region: the totals, and the sum of the positions' weights."""

    total: Float[Array, "regions ..."]
    positions: Float[Array, " regions"]

    @property
    def mean(self) -> Float[Array, "regions ..."]:
        """The weighted means, which do not depend on a region's area."""
        return self.total / self.positions.reshape(-1, *[1] * (self.total.ndim - 1))


class MomentSums(NamedTuple):
    """Sums of a layer's features, and of their squares (by channel) or products (by pair of channels)."""

    first: Sums
    second: Sums


PositionWeights = Sequence[Float[Array, " n"] | None]
"""For each region, the weights of n positions; None is 1 at every position."""


def weights_by_position(inputs: LossInputs, layer: str) -> PositionWeights:
    """Returns the weights of a layer's positions for each region."""
    return [None if region is None else region[layer].ravel() for region in inputs.regions]


def sum_positions(values: Float[Array, "n channels"], weights: PositionWeights) -> Sums:
    """Σ_p m_p values_p, (regions, channels), for the weights m of each region."""
    sums = [_weighted(values, m).sum(0) for m in weights]
    return Sums(jnp.stack(sums), count_positions(len(values), weights))


def sum_products(left: Float[Array, "n a"], right: Float[Array, "n b"], weights: PositionWeights) -> Sums:
    """Σ_p m_p left_pᵀ right_p, (regions, a, b), for the weights m of each region: O(n a b) time, O(n a) memory."""
    totals = [jnp.matmul(_weighted(left, m).T, right) for m in weights]
    return Sums(jnp.stack(totals), count_positions(len(left), weights))


def sum_squares(values: Float[Array, "n channels"], weights: PositionWeights) -> Sums:
    """Σ_p m_p values_pᵀ values_p, (regions, channels, channels): `sum_products` of the values with themselves."""
    return Sums(jnp.stack([_squares(values, m) for m in weights]), count_positions(len(values), weights))


@jax.custom_vjp
def _squares(values: Float[Array, "n c"], weights: Float[Array, " n"] | None) -> Float[Array, "c c"]:
    """Σ_p m_p values_pᵀ values_p. Its gradient is one product, m_p values_p (S + Sᵀ), where JAX would take two."""
    return jnp.matmul(_weighted(values, weights).T, values)


def _squares_forward(values: Array, weights: Array | None) -> tuple[Array, tuple[Array, Array | None]]:
    return _squares(values, weights), (values, weights)


def _squares_backward(residuals: tuple[Array, Array | None], cotangent: Float[Array, "c c"]) -> tuple[Array, None]:
    values, weights = residuals
    return _weighted(jnp.matmul(values, cotangent + cotangent.T), weights), None


_squares.defvjp(_squares_forward, _squares_backward)


def _weighted(values: Float[Array, "n channels"], weights: Float[Array, " n"] | None) -> Float[Array, "n channels"]:
    return values if weights is None else values * weights[:, None]


def count_positions(positions: int, weights: PositionWeights) -> Float[Array, " regions"]:
    """Σ_p m_p over `positions` positions, for the weights m of each region."""
    return jnp.stack([jnp.float32(positions) if m is None else m.sum() for m in weights])


class MeanTarget(NamedTuple):
    """The means of the styles' statistics, one per region of the picture, and the regions' weights."""

    means: Any
    weights: Float[Array, " regions"]


def means(statistic: Any) -> Any:
    """Replaces each `Sums` in a statistic by its mean."""
    return jax.tree.map(lambda sums: sums.mean, statistic, is_leaf=lambda node: isinstance(node, Sums))


def mean_target(references: References) -> MeanTarget:
    """Computes the target of a loss whose statistic consists of `Sums`.

    With regions, each style is the target of its own region. Otherwise the styles' means are blended by their weights.
    """
    together = jax.tree.map(lambda *each: jnp.concatenate(each), *map(means, references.styles))
    if references.regional:
        return MeanTarget(together, references.weights)
    return MeanTarget(jax.tree.map(lambda each: jnp.tensordot(references.weights, each, 1)[None], together), jnp.ones(1))


def squared_error(
    spec: ExampleLoss, values: Float[Array, "regions *shape"], target: Float[Array, "regions *shape"]
) -> Float[Array, " regions"]:
    """Returns mean((values − target)²) for each region, divided by mean(target²) unless `normalize: none`."""
    entries = tuple(range(1, target.ndim))
    return jnp.mean((values - target) ** 2, entries) / normalizer(spec, jnp.mean(target**2, entries))


@runtime_checkable
class _Normalized(Protocol):
    """A spec with the parameter `normalize`."""

    @property
    def normalize(self) -> str: ...


def normalizer(spec: _Normalized, mean_square: Float[Array, "*regions"]) -> Float[Array, "*regions"]:
    """Returns the divisor of a layer's (or pool's) loss: the mean square of its target, or 1 where that is 0 or unwanted."""
    return jnp.ones_like(mean_square) if spec.normalize == "none" else jnp.where(mean_square > 0, mean_square, 1.0)
