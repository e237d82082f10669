"""Denoisers: total variation, bilateral, non-local means.

The channels of a pixel are treated together, so that an edge in one protects the others. Means reach beyond the border into the
mirrored image (d c b a | a b c d | d c b a). A picture is handled as a list of planes, one per channel: XLA then fuses all
operations on a pixel into one pass, several times faster on a CPU.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from stylepipe.artifacts import Array
from stylepipe.image.arrays import Plane

ScalarLike = Float[Array, ""] | float


@jax.jit
def total_variation(
    pixels: Float[Array, "h w c"], *, weight: ScalarLike, iterations: Int[Array, ""] | int, tolerance: ScalarLike
) -> Float[Array, "h w c"]:
    """Returns the image u that minimizes ½ Σ (u − pixels)² + `weight` · Σ |∇u|, for `weight` > 0.

    |∇u| is the root of the sum of the squared forward differences, down and right, in all channels at a pixel (the color total
    variation of Bresson and Chan 2008; scikit-image takes each channel by itself); on one channel the problem is that of Rudin,
    Osher and Fatemi. No pixel moves by more than 4 · weight. Solved by Chambolle's iteration on the dual (2004, J. Math.
    Imaging Vis. 20), τ = ¼, u = pixels + div p, p ← (p + τ ∇u) / (1 + τ |∇u| / weight), until no value of u changes by more
    than `tolerance` in an iteration, at most `iterations` times.
    """
    planes = list(jnp.moveaxis(pixels, -1, 0))
    zero = jnp.zeros_like(planes[0])

    def unfinished(state):
        iteration, change, _, _ = state
        return (iteration < iterations) & (change > tolerance)

    def step(state):
        iteration, _, image, dual = state
        gradient = [(_difference(plane, 0), _difference(plane, 1)) for plane in image]
        magnitude = jnp.sqrt(sum(down**2 + right**2 for down, right in gradient))
        shrink = 1 / (1 + 0.25 / weight * magnitude)
        dual = [
            ((p_down + 0.25 * down) * shrink, (p_right + 0.25 * right) * shrink)
            for (p_down, p_right), (down, right) in zip(dual, gradient, strict=True)
        ]
        before = image
        image = [plane + _divergence(*p) for plane, p in zip(planes, dual, strict=True)]
        change = jnp.stack([jnp.max(jnp.abs(a - b)) for a, b in zip(image, before, strict=True)]).max()
        return iteration + 1, change, image, dual

    _, _, image, _ = jax.lax.while_loop(unfinished, step, (0, jnp.inf, planes, [(zero, zero)] * len(planes)))
    return jnp.stack(image, axis=-1)


@jax.jit(static_argnames="radius")
def bilateral(
    pixels: Float[Array, "h w c"], *, sigma_space: ScalarLike, sigma_color: ScalarLike, radius: int
) -> Float[Array, "h w c"]:
    """Averages each pixel with its neighbors, weighted by closeness in place and in color (Tomasi and Manduchi 1998).

    A neighbor at t, |t_x| and |t_y| ≤ `radius` pixels, weighs exp(−|t|² / 2 sigma_space²) · exp(−|Δ|² / 2 sigma_color²), where
    |Δ| is the Euclidean distance of the two colors. (OpenCV's window is round, and its |Δ| the sum of the channels' absolute
    differences; scikit-image's is ours over the number of channels.)
    """

    def weight(down: Int[Array, ""], right: Int[Array, ""], distance: Plane) -> Plane:
        return jnp.exp(-(down**2 + right**2) / (2 * sigma_space**2) - distance / (2 * sigma_color**2))

    return _average(pixels, weight, search_radius=radius, patch_radius=0)


@jax.jit(static_argnames=("patch_radius", "search_radius"))
def non_local_means(
    pixels: Float[Array, "h w c"], *, strength: ScalarLike, patch_radius: int, search_radius: int
) -> Float[Array, "h w c"]:
    """Averages each pixel with those of similar surroundings (Buades, Coll and Morel 2005).

    A pixel at most `search_radius` away in x and in y weighs exp(−D / strength²), where D is the mean squared difference of the
    patches of 2 · `patch_radius` + 1 pixels squared around the two, over all channels. The pixel itself weighs 1. All pixels of
    a patch count alike, as in Buades et al. 2011 (IPOL); the first paper weighs them by a Gaussian.
    """
    values = (2 * patch_radius + 1) ** 2 * pixels.shape[-1]

    def weight(down: Int[Array, ""], right: Int[Array, ""], distance: Plane) -> Plane:
        return jnp.exp(-distance / (values * strength**2))

    return _average(pixels, weight, search_radius=search_radius, patch_radius=patch_radius)


def _average(
    pixels: Float[Array, "h w c"],
    weight: Callable[[Int[Array, ""], Int[Array, ""], Plane], Plane],
    *,
    search_radius: int,
    patch_radius: int,
) -> Float[Array, "h w c"]:
    """Returns Σ_t w_t(x) I(x + t) / Σ_t w_t(x) over all shifts t = (down, right) of at most `search_radius`.

    w_t = `weight(down, right, distance)`; `distance` holds the squared differences of I and I shifted by t, summed over the
    channels and over the patch around each pixel.
    """
    height, width, channels = pixels.shape
    padded = [jnp.pad(plane, search_radius + patch_radius, mode="symmetric") for plane in jnp.moveaxis(pixels, -1, 0)]
    across = 2 * search_radius + 1
    inner = slice(patch_radius, patch_radius + height), slice(patch_radius, patch_radius + width)

    def shifted(down: Int[Array, ""] | int, right: Int[Array, ""] | int) -> list[Array]:
        corner = search_radius + down, search_radius + right
        return [jax.lax.dynamic_slice(plane, corner, (height + 2 * patch_radius, width + 2 * patch_radius)) for plane in padded]

    center = shifted(0, 0)

    def add(index, sums):
        total, planes = sums
        down, right = index // across - search_radius, index % across - search_radius
        there = shifted(down, right)
        w = weight(down, right, _patch_sums(sum((a - b) ** 2 for a, b in zip(there, center, strict=True)), patch_radius))
        return total + w, [plane + w * other[inner] for plane, other in zip(planes, there, strict=True)]

    zero = jnp.zeros((height, width), pixels.dtype)
    total, planes = jax.lax.fori_loop(0, across**2, add, (zero, [zero] * channels))
    return jnp.stack([plane / total for plane in planes], axis=-1)


def _patch_sums(plane: Array, radius: int) -> Array:
    """Sums over squares of 2 · radius + 1 pixels, where a whole one fits."""
    for axis in (0, 1):
        length = plane.shape[axis] - 2 * radius
        plane = sum(jax.lax.slice_in_dim(plane, start, start + length, axis=axis) for start in range(2 * radius + 1))
    return plane


def _difference(plane: Plane, axis: int) -> Plane:
    """Returns plane[i + 1] − plane[i], and 0 at the end."""
    return jnp.diff(plane, axis=axis, append=jax.lax.slice_in_dim(plane, -1, None, axis=axis))


def _divergence(down: Plane, right: Plane) -> Plane:
    """The negative transpose of the differences; the last row of `down` and the last column of `right` are 0."""
    return jnp.diff(down, axis=0, prepend=0) + jnp.diff(right, axis=1, prepend=0)
