"""The words by which recipes choose between variants of an operation on pictures.

No JAX here: recipes are checked without it.
"""

from typing import Literal

ResizeMethod = Literal["lanczos3", "bicubic", "bilinear", "area", "nearest"]
"""Kernels of `image.resize`."""

BlendMode = Literal["normal", "multiply", "screen", "overlay", "soft_light", "luminosity"]
"""How `image.blend` combines colors."""

LinearMap = Literal["cholesky", "pca", "monge_kantorovitch"]
"""Which map `image.color.color_matching` matches covariances by."""
