"""Types of the arrays that hold pictures."""

from jaxtyping import Float

from stylepipe.artifacts import Array

Pixels = Float[Array, "h w 3"]
"""A picture: sRGB-encoded, unless a function names another color space."""

Plane = Float[Array, "h w"]
"""One channel, or one value per pixel."""
