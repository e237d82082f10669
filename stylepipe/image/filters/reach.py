"""How far filters reach: the distance in pixels at which a pixel still affects a result.

No JAX here: costs are estimated without it.
"""

FLAT_SIGMA = 1.5
"""The standard deviation in pixels of the blur of flat areas, in `coherence_filter`."""

SHOCK_SIGMA = 1.8
"""The standard deviation in pixels of the blur before second derivatives, in `coherence_filter`."""


def blur_reach(sigma: float) -> int:
    """Returns the reach of a Gaussian blur, which is cut off at 4σ as SciPy does."""
    return int(4 * sigma + 0.5)


def guided_reach(radius: int) -> int:
    """Returns the reach of the guided filter."""
    return 2 * radius


def chroma_reach(radius: int) -> int:
    """Returns the reach of `guided_chroma`."""
    return guided_reach(2 * radius) + guided_reach(radius)


def stroke_steps(sigma: float) -> int:
    """Returns the number of steps to either side along which `coherence_filter` smooths a stroke."""
    return int(2 * sigma + 0.5)


def coherence_reach(*, iterations: int, gradient_sigma: float, tensor_sigma: float, stroke_sigma: float) -> int:
    """Returns the reach of `coherence_filter`."""
    tensor = blur_reach(gradient_sigma) + 1 + blur_reach(tensor_sigma)
    along = stroke_steps(stroke_sigma) + 1
    across = blur_reach(SHOCK_SIGMA) + 2
    return iterations * (max(along + tensor, blur_reach(FLAT_SIGMA)) + across)
