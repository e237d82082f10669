"""The stage `denoise`: four denoisers."""

from functools import partial
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from stylepipe.artifacts import Image
from stylepipe.image.operation_cost import by_pixel, in_tiles
from stylepipe.stage import Estimate, Params, stage


class TotalVariationDenoising(Params):
    """Flattens small differences and keeps edges (Rudin, Osher and Fatemi 1992, by the iteration of Chambolle 2004)."""

    kind: Literal["total_variation"] = "total_variation"
    weight: float = Field(
        default=0.05, ge=0.0001, le=1, description="The strength; no value changes by more than four times this."
    )
    iterations: int = Field(default=200, ge=1, le=10_000, description="The maximum number of iterations.")
    tolerance: float = Field(
        default=0.0005, ge=0, le=0.1, description="Converged when no value changes by more than this in an iteration."
    )


class Bilateral(Params):
    """Averages pixels that are close in position and color (Tomasi and Manduchi 1998)."""

    kind: Literal["bilateral"] = "bilateral"
    sigma_space: float = Field(default=2.0, ge=0.1, le=100, description="Standard deviation of the distance, in pixels.")
    sigma_color: float = Field(
        default=0.1, ge=0.001, le=10, description="Standard deviation in color: of the distance in RGB, at most √3."
    )
    radius: int = Field(default=4, ge=1, le=30, description="Maximal distance in x and in y of the pixels that are averaged.")


class NonLocalMeans(Params):
    """Averages pixels whose surroundings look alike (Buades, Coll and Morel 2005)."""

    kind: Literal["non_local_means"] = "non_local_means"
    strength: float = Field(
        default=0.05, ge=0.001, le=10, description="h: about the standard deviation of the noise that is removed, in [0, 1]."
    )
    patch_radius: int = Field(
        default=2, ge=0, le=10, description="Patches of 2 · patch_radius + 1 pixels squared are compared."
    )
    search_radius: int = Field(
        default=5, ge=1, le=20, description="Maximal distance in x and in y of the pixels that are averaged."
    )


class Median(Params):
    """Takes the median of each neighborhood, channel by channel: removes specks, rounds corners."""

    kind: Literal["median"] = "median"
    size: Literal[3, 5, 7] = Field(default=3, description="The neighborhood's side in pixels.")


class DenoiseParams(Params):
    """The denoiser."""

    method: Annotated[TotalVariationDenoising | Bilateral | NonLocalMeans | Median, Field(discriminator="kind")] = Field(
        default=TotalVariationDenoising(), description="The denoiser: a `kind` with its parameters."
    )


def _estimate(image: Image, params: DenoiseParams) -> Estimate:
    match params.method:
        case TotalVariationDenoising(iterations=iterations):
            cost = by_pixel(image.size, memory=120, work=2.5e-8 * iterations)
        case Bilateral(radius=radius):
            cost = in_tiles(image.size, reach=radius, memory=180, work=1e-8 * (2 * radius + 1) ** 2, results=2)
        case NonLocalMeans(patch_radius=patch, search_radius=search):
            shifts = (2 * search + 1) ** 2
            cost = in_tiles(image.size, reach=patch + search, memory=110, work=1.2e-8 * shifts, results=2)
        case Median(size=size):
            cost = in_tiles(image.size, reach=size // 2, memory=5 * size**2, work=1.5e-8 * size**2, results=3)
    return Estimate(image, *cost)


@stage(version=1, estimate=_estimate)
def denoise(image: Image, params: DenoiseParams) -> Image:
    """Removes noise and grain by one of four methods.

    - `total_variation`: the picture u with the least ½ Σ (u − image)² + weight · Σ |∇u|, |∇u| over all channels together. Flat
      areas become flat, edges stay; texture goes first.
    - `bilateral`: each pixel becomes a mean of its neighbors, weighted by exp(−|shift|² / 2 sigma_space²) ·
      exp(−|difference in color|² / 2 sigma_color²).
    - `non_local_means`: a mean weighted by exp(−D / strength²), where D is the mean squared difference of the patches around
      two pixels. The gentlest on texture, and the slowest.
    - `median`: of each channel in each neighborhood. Removes single specks.

    The image is padded by reflection. Large pictures are processed in tiles, with the same result, except by `total_variation`,
    where every pixel depends on all others. The result is clamped to [0, 1]; transparency is preserved.
    `stylepipe.image.filters.denoise` has the details and sources.
    """
    import jax.numpy as jnp

    from stylepipe.image.filters.denoise import bilateral, non_local_means, total_variation
    from stylepipe.image.filters.neighborhood import median
    from stylepipe.image.filters.tiled_filter import tiled

    match params.method:
        case TotalVariationDenoising(weight=weight, iterations=iterations, tolerance=tolerance):
            pixels = total_variation(jnp.asarray(image.pixels), weight=weight, iterations=iterations, tolerance=tolerance)
        case Bilateral(sigma_space=sigma_space, sigma_color=sigma_color, radius=radius):
            local = partial(bilateral, sigma_space=sigma_space, sigma_color=sigma_color, radius=radius)
            pixels = tiled(local, image.pixels, reach=radius)
        case NonLocalMeans(strength=strength, patch_radius=patch, search_radius=search):
            local = partial(non_local_means, strength=strength, patch_radius=patch, search_radius=search)
            pixels = tiled(local, image.pixels, reach=patch + search)
        case Median(size=size):
            pixels = tiled(partial(median, size=size), image.pixels, reach=size // 2)
    return Image(np.clip(pixels, 0, 1), image.alpha)
