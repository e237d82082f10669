"""Detail of the content, by a Laplacian of the pooled picture (Li, Xu, Nie and Chua 2017, arXiv 1707.01253)."""

from typing import Annotated, Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from stylepipe.errors import StageError
from stylepipe.neural.losses.loss import ExampleLoss, References, Sums, View, normalizer, sum_positions


class Laplacian(ExampleLoss):
    """Keeps the content's edges and fine forms where they are, as features of deep layers do not.

    The picture X and the content P are pooled, by means of p×p pixels, and their red, green and blue summed. With Δ, four times
    a position less its four neighbors, the loss is Σ_p mean((ΔX − ΔP)²) over all positions that have four neighbors, each
    over mean((ΔP)²) unless `normalize: none`. It is about all that is visible of the picture: masks do not bound it.
    """

    compares = frozenset({"content"})

    kind: Literal["laplacian"] = "laplacian"
    pools: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        default=(4,),
        min_length=1,
        max_length=16,
        description="The sides p of the pools in pixels: 1 keeps the finest detail, larger ones leave it to the style. Li et "
        "al. take 4, or 4 and 16.",
    )


class Detail(NamedTuple):
    """Of one pool, over positions: Σ (ΔX − ΔP)² and Σ (ΔP)²."""

    error: Sums
    power: Sums


def statistic(spec: Laplacian, view: View) -> tuple[Detail, ...]:
    """For each pool the sums of squares, with the content as a part of the view: O(n) time and memory, n being the pixels.

    Raises StageError for a picture of which a pool leaves fewer than 3×3 positions.
    """
    assert view.content is not None  # a loss is only given a view of what it `compares` with
    return tuple(_detail(view.picture.pixels, view.content.pixels, view.counted, pool) for pool in spec.pools)


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
            f"A pool of {pool} pixels leaves {width}×{height} positions of the picture; a Laplacian takes at least 3×3.",
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
    """For each pool mean((ΔP)²) of the content: what the loss is measured by."""
    return tuple(_mean(detail.power) for detail in references.content)


def distance(spec: Laplacian, statistic: tuple[Detail, ...], target: tuple[Float[Array, " 1"], ...]) -> Float[Array, ""]:
    """Σ over pools of mean((ΔX − ΔP)²), over mean((ΔP)²)."""
    pools = zip(statistic, target, strict=True)
    return sum(((_mean(detail.error) / normalizer(spec, power)).sum() for detail, power in pools), start=jnp.zeros(()))


def _mean(sums: Sums) -> Float[Array, " 1"]:
    """0 where no position counts, as when only the border is visible."""
    return sums.total[:, 0] / jnp.where(sums.positions > 0, sums.positions, 1)
