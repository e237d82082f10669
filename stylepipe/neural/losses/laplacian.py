"""Detail of the content as the Laplacian of the pooled picture (Li, Xu, Nie and Chua 2017, arXiv 1707.01253)."""

from typing import Annotated, Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.neural.losses.loss import ExampleLoss, LossInputs, Reference, References, Sums, normalizer, sum_positions


class Laplacian(ExampleLoss):
    """Preserves the content's edges and fine detail, which features of deep layers do not.

    The picture X and the content P are average-pooled over p×p pixels, and their channels summed. With Δ, four times a position
    minus its four neighbors, the loss is Σ_p mean((ΔX − ΔP)²) over all positions with four neighbors, each over mean((ΔP)²)
    unless `normalize: none`. It covers the whole visible picture; masks do not apply.
    """

    kind: Literal["laplacian"] = "laplacian"
    pools: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        default=(4,),
        min_length=1,
        max_length=16,
        description="The sides p of the pooling windows in pixels: 1 preserves the finest detail, larger ones leave it to the "
        "style. Li et al. use 4, or 4 and 16.",
    )

    @property
    def compares(self) -> frozenset[Reference]:
        """The content."""
        return frozenset({"content"})


class Detail(NamedTuple):
    """The sums of one pool over positions: Σ (ΔX − ΔP)² and Σ (ΔP)²."""

    error: Sums
    power: Sums


def statistic(spec: Laplacian, inputs: LossInputs) -> tuple[Detail, ...]:
    """Computes the sums of squares of each pool: O(n) time and memory for n pixels.

    Raises StageError for a picture that has fewer than 3×3 positions after pooling.
    """
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
    height, width = (side // pool for side in pixels.shape[:2])
    if min(height, width) < 3:
        raise StageError(
            f"A pool of {pool} pixels leaves {width}×{height} positions of the picture; a Laplacian needs at least 3×3.",
            hint="Work at a larger size, or use smaller pools.",
        )
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
