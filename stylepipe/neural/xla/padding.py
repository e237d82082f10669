"""How a convolution continues a picture beyond its border. Without JAX, so that files can be checked without it."""

from typing import Literal

Padding = Literal["zeros", "reflect", "edge"]
