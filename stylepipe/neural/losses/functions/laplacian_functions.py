"""The functions of the loss `laplacian`."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from stylepipe.neural.losses.functions.sums import Sums, normalizer, sum_positions
from stylepipe.neural.losses.laplacian import Laplacian
from stylepipe.neural.losses.loss_inputs import LossInputs, References


class Detail(NamedTuple):
    """The sums of one pool over positions: Σ (ΔX − ΔP)² and Σ (ΔP)²."""

    error: Sums
    power: Sums


def statistic(spec: Laplacian, inputs: LossInputs) -> tuple[Detail, ...]:
    """Computes the sums of squares of each pool: O(n) time and memory for n pixels.

    Raises StageError for a picture that has fewer than 3×3 positions after pooling.
    """
    spec.check_size(inputs.picture.pixels.shape[:2])
    assert inputs.content is not None  # `require` checks that everything in `compares` is provided
    return tuple(_detail(inputs.picture.pixels, inputs.content.pixels, inputs.counted, pool) for pool in spec.pools)


def _detail(
    picture: Float[Array, "h w 3"], content: Float[Array, "h w 3"], counted: Float[Array, "h w"] | None, pool: int
) -> Detail:
    wanted = _edges(content, pool)
    squares = [(values**2).reshape(-1, 1) for values in (_edges(picture, pool) - wanted, wanted)]
    weights = None if counted is None else _pooled(counted, pool)[1:-1, 1:-1].ravel()
    return Detail(*(sum_positions(each, [weights]) for each in squares))


def _edges(pixels: Float[Array, "height width 3"], pool: int) -> Float[Array, "h w"]:
    pooled = _pooled(pixels.sum(2), pool)
    inner = pooled[1:-1, 1:-1]  # the differences first, so that they are exactly 0 where a picture is flat
    across = (inner - pooled[1:-1, :-2]) + (inner - pooled[1:-1, 2:])
    return across + (inner - pooled[:-2, 1:-1]) + (inner - pooled[2:, 1:-1])


def _pooled(plane: Float[Array, "height width"], pool: int) -> Float[Array, "h w"]:
    height, width = (side // pool for side in plane.shape)
    return plane[: pool * height, : pool * width].reshape(height, pool, width, pool).mean((1, 3))


def target(spec: Laplacian, references: References) -> tuple[Float[Array, " 1"], ...]:
    """Returns mean((ΔP)²) of the content for each pool, for normalization."""
    return tuple(_mean(detail.power) for detail in references.content)


def distance(spec: Laplacian, statistic: tuple[Detail, ...], target: tuple[Float[Array, " 1"], ...]) -> Float[Array, ""]:
    """Σ over pools of mean((ΔX − ΔP)²), over mean((ΔP)²)."""
    pools = zip(statistic, target, strict=True)
    return sum(((_mean(detail.error) / normalizer(spec, power)).sum() for detail, power in pools), start=jnp.zeros(()))


def _mean(sums: Sums) -> Float[Array, " 1"]:
    """Returns the mean, or 0 where all weights are 0, as when only the border is visible."""
    return sums.total[:, 0] / jnp.where(sums.positions > 0, sums.positions, 1)
