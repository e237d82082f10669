"""The coherence-enhancing shock filter: smooths along strokes and sharpens across them.

J. Weickert, "Coherence-Enhancing Shock Filters" (DAGM 2003), with the line integrals and the order of steps of J. E.
Kyprianidis and H. Kang, "Image and Video Abstraction by Coherence-Enhancing Filtering" (Eurographics 2011). Beyond its border
a picture is mirrored; sampling ends at the border pixels' centers.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.image.arrays import Pixels, Plane
from stylepipe.image.color.color_spaces import luma
from stylepipe.image.filters.neighborhood import gaussian_blur
from stylepipe.image.filters.reach import FLAT_SIGMA, SHOCK_SIGMA, stroke_steps

_FLAT = 0.02
"""The gradient of luma, per pixel, below which an area counts as flat."""

_SHOCK_STEEPNESS = 400.0
"""The inverse of the second derivative at which the shock has three quarters of its strength."""


class Flow(NamedTuple):
    """At each pixel: `across`, the unit vector (x, y) of the largest change of luma, and `gate`, in [0, 1], its certainty."""

    across: tuple[Plane, Plane]
    gate: Plane


def coherence_filter(
    pixels: Pixels, *, iterations: int, gradient_sigma: float, tensor_sigma: float, stroke_sigma: float, amount: float
) -> Pixels:
    """Returns the pixels after `iterations` of both steps; not clamped, but within the range of `pixels`.

    With Y the luma, ∇ the central differences of Y blurred by `gradient_sigma`, J = blur(∇Y ∇Yᵀ) by `tensor_sigma` the
    structure tensor, λ₁ ≥ λ₂ its eigenvalues, v the eigenvector of λ₁, and g = (λ₁ − λ₂) / (λ₁ + λ₂ + 0.02²), which is 0 where
    the picture is flat or has no direction:

    1. I ← g · S(I) + (1 − g) · blur(I), where S is the mean over the line through a pixel that is everywhere at right angles to
       v, weighted by a Gaussian of `stroke_sigma` pixels up to twice that, in steps of a pixel both ways; blur has σ = 1.5.
    2. I ← I + t · (M(I) − I), t = amount · g · tanh(400 · |∂²Y / ∂v²|): M is the lightest of I(x), I(x + v) and I(x − v) where
       the second derivative of Y, blurred by σ = 1.8, is negative, and the darkest where it is positive.

    In part of a picture the result is the same but for rare pixels: v has no sign, and where a line turns by a right angle,
    rounding decides its direction.
    """
    picture = jnp.asarray(pixels)
    for _ in range(iterations):
        flow = _flow(picture, gradient_sigma, tensor_sigma)
        blurred = gaussian_blur(picture, sigma=FLAT_SIGMA)
        picture = _along_strokes(picture, blurred, flow, _weights(stroke_sigma))
        picture = _shocked(picture, gaussian_blur(luma(picture), sigma=SHOCK_SIGMA), flow, amount)
    return picture


def _weights(sigma: float) -> Float[np.ndarray, "steps"]:
    """Returns the weight of each step along a stroke, relative to the pixel itself."""
    steps = np.arange(1, stroke_steps(sigma) + 1)
    return np.exp(-0.5 * (steps / sigma) ** 2).astype(np.float32)


# --- direction --------------------------------------------------------------------------------------------------------


def _flow(picture: Pixels, gradient_sigma: float, tensor_sigma: float) -> Flow:
    products = _products(gaussian_blur(luma(picture), sigma=gradient_sigma))
    return _direction(gaussian_blur(products, sigma=tensor_sigma))


@jax.jit
def _products(plane: Plane) -> Pixels:
    """Returns the products xx, xy and yy of the central differences."""
    padded = jnp.pad(plane, 1, mode="symmetric")
    x, y = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return jnp.stack([x * x, x * y, y * y], axis=-1)


@jax.jit
def _direction(tensor: Pixels) -> Flow:
    xx, xy, yy = jnp.moveaxis(tensor, -1, 0)
    angle = jnp.arctan2(2 * xy, xx - yy) / 2
    return Flow((jnp.cos(angle), jnp.sin(angle)), jnp.hypot(xx - yy, 2 * xy) / (xx + yy + _FLAT**2))


# --- steps ------------------------------------------------------------------------------------------------------------


@jax.jit
def _along_strokes(picture: Pixels, blurred: Pixels, flow: Flow, weights: Float[Array, "steps"]) -> Pixels:
    (vx, vy), gate = flow
    tangent = jnp.stack([-vy, vx], axis=-1)
    sides = [_line_integral(picture, tangent, heading, weights) for heading in (tangent, -tangent)]
    smooth = (picture + sides[0] + sides[1]) / (1 + 2 * weights.sum())
    return gate[..., None] * smooth + (1 - gate[..., None]) * blurred


def _line_integral(
    picture: Pixels, tangent: Float[Array, "h w 2"], heading: Float[Array, "h w 2"], weights: Float[Array, "steps"]
) -> Pixels:
    """Returns Σ over steps of weight · picture along the lines from each pixel in its `heading`; not divided by the weights.

    The tangent of the nearest pixel is taken with the sign that turns the line by less than a right angle.
    """
    height, width = picture.shape[:2]

    def step(number, state):
        (x, y), (dx, dy), total = state
        x, y = jnp.clip(x + dx, 0, width - 1), jnp.clip(y + dy, 0, height - 1)
        total = total + weights[number] * _sampled(picture, x, y)
        there = tangent[(y + 0.5).astype(int), (x + 0.5).astype(int)]
        sign = jnp.where(there[..., 0] * dx + there[..., 1] * dy < 0, -1, 1)
        return (x, y), (sign * there[..., 0], sign * there[..., 1]), total

    start = _grid(height, width), (heading[..., 0], heading[..., 1]), jnp.zeros_like(picture)
    *_, total = jax.lax.fori_loop(0, len(weights), step, start)
    return total


@jax.jit
def _shocked(picture: Pixels, brightness: Plane, flow: Flow, amount: Float[Array, ""] | float) -> Pixels:
    (vx, vy), gate = flow
    x, y = _grid(*brightness.shape)
    candidates = [picture, *(_sampled(picture, x + sign * vx, y + sign * vy) for sign in (1, -1))]
    curvature = _second_derivative(brightness, vx, vy)
    lighter = jnp.where(curvature < 0, 1, -1)
    chosen = candidates[0]
    for candidate in candidates[1:]:
        better = lighter * (luma(candidate) - luma(chosen)) > 0
        chosen = jnp.where(better[..., None], candidate, chosen)
    strength = amount * gate * jnp.tanh(_SHOCK_STEEPNESS * jnp.abs(curvature))
    return picture + strength[..., None] * (chosen - picture)


def _second_derivative(plane: Plane, vx: Plane, vy: Plane) -> Plane:
    """Returns vᵀ H v, with the Hessian H by central differences."""
    p = jnp.pad(plane, 1, mode="symmetric")
    xx = p[1:-1, 2:] - 2 * plane + p[1:-1, :-2]
    yy = p[2:, 1:-1] - 2 * plane + p[:-2, 1:-1]
    xy = (p[2:, 2:] - p[2:, :-2] - p[:-2, 2:] + p[:-2, :-2]) / 4
    return vx * vx * xx + 2 * vx * vy * xy + vy * vy * yy


def _grid(height: int, width: int) -> tuple[Plane, Plane]:
    """Returns the coordinates x and y of each pixel."""
    y, x = jnp.mgrid[:height, :width].astype(jnp.float32)
    return x, y


def _sampled(picture: Pixels, x: Plane, y: Plane) -> Pixels:
    """Samples the picture at (x, y) by linear interpolation."""
    height, width = picture.shape[:2]
    x, y = jnp.clip(x, 0, width - 1), jnp.clip(y, 0, height - 1)
    left, top = x.astype(int), y.astype(int)
    right, bottom = jnp.minimum(left + 1, width - 1), jnp.minimum(top + 1, height - 1)
    u, v = (x - left)[..., None], (y - top)[..., None]
    above = (1 - u) * picture[top, left] + u * picture[top, right]
    below = (1 - u) * picture[bottom, left] + u * picture[bottom, right]
    return (1 - v) * above + v * below
