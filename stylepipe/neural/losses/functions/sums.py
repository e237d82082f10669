"""Sums over positions, of which most statistics consist, and the targets and errors made of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.loss import ExampleLoss
from stylepipe.neural.losses.loss_inputs import LossInputs, References


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
