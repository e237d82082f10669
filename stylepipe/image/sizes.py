"""Sizes of pictures. No JAX here: recipes are checked and costs estimated without it."""

Size = tuple[int, int]
"""(height, width)."""


def scaled(size: Size, factor: float) -> Size:
    """Returns a size times `factor`, rounded to at least one pixel each way."""
    height, width = size
    return max(1, round(height * factor)), max(1, round(width * factor))
