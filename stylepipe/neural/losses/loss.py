"""What a loss is: a spec, which a recipe writes, and three pure functions in the module of its kind.

    statistic(spec, view)                what the loss reads from a picture, as a pytree of arrays
    target(spec, references)             what that is to become; made once, from the statistics of content and styles
    distance(spec, statistic, target)    how far it is from that, a scalar

A module may have a fourth, check_style(spec, statistic), which raises StageError for a style that shows the loss nothing, as
one whose mask is too small.

The score of a picture is distance(spec, statistic(spec, view), target). Statistic and distance are apart because most
statistics are sums over positions: those may be summed over the tiles of a picture that is too large to be taken whole, and
several styles may be blended in them. A loss whose statistic is no sum has a statistic that merely hands on what it needs.
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
"""VGG-19's layers; VGG-16 and slim networks have some of them."""
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

Maps = Mapping[str, Float[Array, "_ _"]]
"""A mask at each layer, by the layer's name."""


# --- what a recipe says -----------------------------------------------------------------------------------------------


class Loss(Spec):
    """The base of all specs.

    `compares` names what a kind takes as its example: the content, the styles, or nothing. `additive` says that its statistic
    is made of sums over positions alone, so that the statistics of a picture's parts add up to that of the whole. `stochastic`
    says that it draws from the view's `key`, so that it is another function of the picture at each step.
    """

    compares: ClassVar[frozenset[Literal["content", "styles"]]] = frozenset()
    additive: ClassVar[bool] = False
    stochastic: ClassVar[bool] = False

    weight: float = Field(default=1.0, ge=0, le=1e9, description="Multiplies the loss.")


class ExampleLoss(Loss):
    """The base of the losses that compare with an example."""

    normalize: Literal["target", "none"] = Field(
        default="target",
        description="`target` divides each layer's (or pool's) loss by the mean square of its own target, so that a weight "
        "means the same with any network and any scale of features; `none` leaves it as it is.",
    )


class FeatureLoss(ExampleLoss):
    """The base of the losses on a network's features."""

    layers: Layers

    @property
    def table(self) -> Mapping[str, float]:
        """The layers' weights, where they are not `all`; always so for a loss that `resolve` has given."""
        return cast("Mapping[str, float]", self.layers)


class StyleLoss(FeatureLoss):
    """The base of the losses that compare features with those of the styles."""

    compares = frozenset({"styles"})

    layers: Layers = Field(default={"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 1.0})
    geometric: Literal["paper", "consecutive_errors"] | None = Field(
        default=None,
        description="Multiplies the weights of the D layers, d = 1 … D from the shallowest, by a geometric series: `paper`, "
        "2^(D−d); `consecutive_errors`, what INetwork codes as its correlation chain, the sum of 2^−(D−1−d) (E_d − E_{d+1}) "
        "over the layers' errors E: the factors are 2^−(D−2), 2^−(D−2), … 1/4, 1/2, and −1 for the deepest.",
    )


_Loss = TypeVar("_Loss", bound=Loss)


def resolve(loss: _Loss, available: tuple[str, ...]) -> _Loss:
    """The loss with a plain table of layers, by their names: `all` spelled out, and the geometric series multiplied in.

    The order is always the same, for sums and what is drawn at random depend on it, and a recipe's meaning does not.
    `available` are the network's layers, shallowest first. Raises StageError for `consecutive_errors` over a single layer.
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
            "The geometric series 'consecutive_errors' was given 1 layer; it takes at least 2.", hint="Use 'paper', or none."
        )
    return [2.0 ** (2 - count), *(2.0 ** (j + 1 - count) for j in range(1, count - 1)), -1.0]


def layers_of(loss: Loss) -> tuple[str, ...]:
    """The layers that a resolved loss reads."""
    return tuple(loss.table) if isinstance(loss, FeatureLoss) else ()


# --- what it sees -----------------------------------------------------------------------------------------------------


class Picture(NamedTuple):
    """A picture's pixels, and its features at the layers that the losses read."""

    pixels: Float[Array, "h w 3"]
    features: Mapping[str, Float[Array, "_ _ _"]]


class View(NamedTuple):
    """All that a statistic may read, position by position: the picture, and what lies at the same places.

    `content_region` and `regions` (one for each style that the picture is to take on; a single one if they are blended) say
    how much each position counts; None is everywhere alike. `key` is new at each step, for losses that draw at random.
    `counted` says how much each pixel counts, from 0 to 1: as far as it is visible, and in a tile of a larger picture, if no
    other tile counts it. The regions have that in them; None is all alike.
    """

    picture: Picture
    content: Picture | None = None
    content_region: Maps | None = None
    regions: tuple[Maps | None, ...] = (None,)
    key: PRNGKeyArray | None = None
    counted: Float[Array, "h w"] | None = None


class References(NamedTuple):
    """What a target is made of: this loss's statistics of the examples.

    `content` is that of the content seen against itself, None where there is none. `styles` are those of each style in a
    region of its own, and `weights` say how much each counts. Where `regional`, each style applies in its own region of the
    picture; otherwise all of them apply everywhere, and the weights sum to 1.
    """

    content: Any
    styles: tuple[Any, ...]
    weights: Float[Array, " styles"]
    regional: bool


@runtime_checkable
class Family(Protocol):
    """What the module of one kind of loss holds; `spec` is of that kind, its layers resolved."""

    def statistic(self, spec: Any, view: View) -> Any:
        """What the loss reads from a picture, as a pytree of arrays."""
        ...

    def target(self, spec: Any, references: References) -> Any:
        """What the statistic is compared with, as a pytree of arrays."""
        ...

    def distance(self, spec: Any, statistic: Any, target: Any) -> Float[Array, ""]:
        """How far a statistic is from the target; the spec's weight is not in it."""
        ...


# --- what families share ----------------------------------------------------------------------------------------------


class Sums(NamedTuple):
    """A statistic that is a sum over positions, once for each region: the totals, and the number of positions summed."""

    total: Float[Array, "regions ..."]
    positions: Float[Array, " regions"]

    @property
    def mean(self) -> Float[Array, "regions ..."]:
        """The totals by position: the same for a region of any size."""
        return self.total / self.positions.reshape(-1, *[1] * (self.total.ndim - 1))


class MomentSums(NamedTuple):
    """Sums of a layer's features, and of their squares by channel or their products by pair of channels."""

    first: Sums
    second: Sums


PositionWeights = Sequence[Float[Array, " n"] | None]
"""For each region, how much each of n positions counts; None is 1 at all of them."""


def weights_by_position(view: View, layer: str) -> PositionWeights:
    """How much each position at a layer counts, for each region of the view."""
    return [None if region is None else region[layer].ravel() for region in view.regions]


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


def _squares_backward(saved: tuple[Array, Array | None], slope: Float[Array, "c c"]) -> tuple[Array, None]:
    values, weights = saved
    return _weighted(jnp.matmul(values, slope + slope.T), weights), None


_squares.defvjp(_squares_forward, _squares_backward)


def _weighted(values: Float[Array, "n channels"], weights: Float[Array, " n"] | None) -> Float[Array, "n channels"]:
    return values if weights is None else values * weights[:, None]


def count_positions(positions: int, weights: PositionWeights) -> Float[Array, " regions"]:
    """Σ_p m_p over so many positions, for the weights m of each region."""
    return jnp.stack([jnp.float32(positions) if m is None else m.sum() for m in weights])


class Examples(NamedTuple):
    """A target made of means: the styles', one for each region of the picture, and what each region counts."""

    means: Any
    weights: Float[Array, " regions"]


def means(statistic: Any) -> Any:
    """A statistic of which every leaf is `Sums`, with the mean in its place."""
    return jax.tree.map(lambda sums: sums.mean, statistic, is_leaf=lambda node: isinstance(node, Sums))


def examples(references: References) -> Examples:
    """The target of a loss whose statistic is made of `Sums`.

    In regions, each style is the example of its own. Otherwise their means are blended into one by their weights: the
    statistic of a picture that takes after each of them in that share.
    """
    together = jax.tree.map(lambda *each: jnp.concatenate(each), *map(means, references.styles))
    if references.regional:
        return Examples(together, references.weights)
    return Examples(jax.tree.map(lambda each: jnp.tensordot(references.weights, each, 1)[None], together), jnp.ones(1))


def squared_error(
    spec: FeatureLoss, found: Float[Array, "regions *shape"], wanted: Float[Array, "regions *shape"]
) -> Float[Array, " regions"]:
    """For each region mean((found − wanted)²), over mean(wanted²) unless `normalize: none`."""
    entries = tuple(range(1, wanted.ndim))
    return jnp.mean((found - wanted) ** 2, entries) / normalizer(spec, jnp.mean(wanted**2, entries))


def normalizer(spec: ExampleLoss, mean_square: Float[Array, "*regions"]) -> Float[Array, "*regions"]:
    """What a layer's (or pool's) loss is divided by, from the mean square of its target; one that is 0 divides by 1."""
    scaled = spec.normalize == "target"
    return jnp.where(mean_square > 0, mean_square, 1.0) if scaled else jnp.ones_like(mean_square)
