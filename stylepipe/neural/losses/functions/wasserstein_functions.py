"""The functions of the loss `wasserstein`."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.sums import (
    MeanTarget,
    MomentSums,
    mean_target,
    means,
    normalizer,
    sum_positions,
    sum_squares,
    weights_by_position,
)
from stylepipe.neural.losses.loss_inputs import LossInputs, References
from stylepipe.neural.losses.wasserstein import Wasserstein

_FLOOR = 1e-4
"""Added to the variance in every direction, so that no covariance is singular."""


class Gaussian(NamedTuple):
    """The style at one layer, in units of `scale`: a mean, and a factor R of the covariance, R Rᵀ = Σ + 1e-4·I."""

    mean: Float[Array, "regions channels"]
    factor: Float[Array, "regions channels channels"]
    scale: Float[Array, " regions"]


def statistic(spec: Wasserstein, inputs: LossInputs) -> dict[str, MomentSums]:
    """Computes Σ_p m_p F_p (regions, c) and Σ_p m_p F_pᵀ F_p (regions, c, c) by layer: O(n c²) time, O(n c) memory.

    A step takes O(c³) time and O(c²) memory besides, for the root of the covariance.
    """
    own = {}
    for layer in spec.table:
        features = inputs.picture.features[layer]
        flat, weights = features.reshape(-1, features.shape[-1]), weights_by_position(inputs, layer)
        own[layer] = MomentSums(sum_positions(flat, weights), sum_squares(flat, weights))
    return own


def target(spec: Wasserstein, references: References) -> MeanTarget:
    """Returns the Gaussians of the styles by layer: one per region, or one of all styles."""
    blended = mean_target(references)
    gaussians = {layer: _gaussian(spec, *moments) for layer, moments in blended.means.items()}
    return MeanTarget(gaussians, blended.weights)


def distance(spec: Wasserstein, statistic: Mapping[str, MomentSums], target: MeanTarget) -> Float[Array, ""]:
    """Σ over layers and regions of their weights times the squared W2 distance by channel."""
    total = jnp.zeros(())
    for layer, weight in spec.table.items():
        style, own = target.means[layer], means(statistic[layer])
        mean, covariance = _in_units(own.first, own.second, style.scale)
        moved = jnp.mean((mean - style.mean) ** 2, 1) + _bures(covariance, style.factor) / mean.shape[1]
        total += weight * jnp.dot(target.weights, moved)
    return total


def _gaussian(
    spec: Wasserstein, first: Float[Array, "regions channels"], second: Float[Array, "regions channels channels"]
) -> Gaussian:
    mean_square = jnp.mean(jnp.diagonal(second, axis1=1, axis2=2), 1)
    scale = jnp.sqrt(normalizer(spec, mean_square))
    mean, covariance = _in_units(first, second, scale)
    return Gaussian(mean, _factor(covariance), scale)


def _in_units(
    first: Float[Array, "regions channels"], second: Float[Array, "regions channels channels"], scale: Float[Array, " regions"]
) -> tuple[Float[Array, "regions channels"], Float[Array, "regions channels channels"]]:
    """Returns mean and covariance from the first and second moments of features divided by `scale`."""
    mean = first / scale[:, None]
    return mean, second / scale[:, None, None] ** 2 - mean[:, :, None] * mean[:, None]


@jax.jit
def _factor(covariance: Float[Array, "regions c c"]) -> Float[Array, "regions c c"]:
    """Returns the triangular L with L Lᵀ = Σ + 1e-4·I."""
    identity = jnp.eye(covariance.shape[-1])
    factor = jnp.linalg.cholesky(covariance + _FLOOR * identity)

    def lifted() -> Float[Array, "regions c c"]:
        """Where features are so much larger than the style's that rounding leaves variances below −1e-4."""
        variances = jnp.linalg.eigvalsh(covariance)
        lift = _FLOOR + 2e-6 * jnp.abs(variances).max(1) - jnp.minimum(variances[:, 0], 0)
        return jnp.linalg.cholesky(covariance + lift[:, None, None] * identity)

    return jax.lax.cond(jnp.isfinite(factor).all(), lambda: factor, lifted)


@jax.custom_vjp
def _bures(covariance: Float[Array, "regions c c"], factor: Float[Array, "regions c c"]) -> Float[Array, " regions"]:
    """tr(Σ + A − 2 (A^½ Σ A^½)^½), for the factor R of A = R Rᵀ: the least |L Q − R|² of all rotations Q, where L Lᵀ = Σ.

    (Bhatia, Jain and Lim 2019, On the Bures–Wasserstein distance, theorem 1.) Q is the polar factor of Lᵀ R. In float32, on the
    features of a network, this keeps 1e-7 of the value and 2e-5 of the gradient, where the eigenvalues of A^½ Σ A^½, being
    squares of what is wanted, keep 1e-4 and 1e-2. The gradient by Σ is I − L^−ᵀ Q Rᵀ; it is computed as L^−ᵀ Q (L Q − R)ᵀ, so
    that the difference, which is small near the style, is taken first.
    """
    return _bures_forward(covariance, factor)[0]


@jax.jit
def _bures_forward(
    covariance: Float[Array, "regions c c"], factor: Float[Array, "regions c c"]
) -> tuple[Float[Array, " regions"], Float[Array, "regions c c"]]:
    own = _factor(covariance)
    left, _, right = jnp.linalg.svd(_product(own.mT, factor))
    rotation = _product(left, right)
    rotation = 1.5 * rotation - 0.5 * _product(rotation, _product(rotation.mT, rotation))  # takes out the SVD's rounding
    difference = _product(own, rotation) - factor
    gradient = solve_triangular(own.mT, _product(rotation, difference.mT), lower=False)
    return jnp.sum(difference**2, (1, 2)), (gradient + gradient.mT) / 2


def _bures_backward(
    gradient: Float[Array, "regions c c"], cotangent: Float[Array, " regions"]
) -> tuple[Float[Array, "regions c c"], None]:
    return cotangent[:, None, None] * gradient, None


_bures.defvjp(_bures_forward, _bures_backward)


def _product(left: Float[Array, "regions a b"], right: Float[Array, "regions b c"]) -> Float[Array, "regions a c"]:
    return jnp.matmul(left, right)
