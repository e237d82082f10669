"""The random arrays of `jax.random` and `jax.nn.initializers`, number for number, from programs that compile quickly.

Over several short axes XLA unrolls the generator's loops, and takes 1.5 s of the processor for a picture of noise, up to 4.5 s
for a kernel; for a row 0.4 … 0.6 s. The numbers depend on the key and on their place in the row only, so a row can be given
any shape, and a longer row begins with a shorter one.
"""

from functools import partial
from math import prod

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from stylepipe.artifacts import Array


@partial(jax.jit, static_argnames=("shape", "minval", "maxval"))
def uniform(key: PRNGKeyArray, shape: tuple[int, ...], *, minval: float = 0.0, maxval: float = 1.0) -> Float[Array, "..."]:
    """Returns uniform numbers in [minval, maxval)."""
    return jax.random.uniform(key, (prod(shape),), minval=minval, maxval=maxval).reshape(shape)


def normal(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns normal numbers of mean 0 and variance 1, with one compiled program for all lengths up to a power of two."""
    count = prod(shape)
    return jax.random.normal(key, (1 << (count - 1).bit_length(),))[:count].reshape(shape)


def he_normal(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns a kernel whose last two axes are the input and output channels (He et al. 2015, arXiv 1502.01852)."""
    return normal(key, shape) * np.sqrt(np.float32(2 / prod(shape[:-1])))
