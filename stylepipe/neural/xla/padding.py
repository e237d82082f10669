"""The padding modes of convolutions. No JAX here, so that files can be checked without it."""

from typing import Literal

Padding = Literal["zeros", "reflect", "edge"]
