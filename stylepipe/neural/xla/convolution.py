"""The 3×3 convolution with padding, and an equivalent form that is fast on the CPU.

`plain` is the definition. `convolve` avoids on the CPU what makes it slow there (benchmarks/extractor.py measures both). It is
for a `program`, in which Eigen convolves: under a `jax.jit` without options JAX 0.10 takes up to five times as long.

- Layers of few channels do not fill the processor's vectors. So neighboring pixels of a row are computed at once, as more
  output channels of a wider kernel with a stride.
- Layers of many channels have more to multiply than to read and write: Winograd's form has a quarter of it. It takes half a
  second more to compile, and so pays on large maps.
- The gradient for the kernel, which only training asks for, is to XLA a convolution with a kernel as large as the picture. It
  is nine products of matrices, which makes a step of training more than twice as fast.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Float

from stylepipe.artifacts import Array
from stylepipe.neural.xla import winograd
from stylepipe.neural.xla.padding import Padding

Map = Float[Array, "_ _ _"]
Kernel = Float[Array, "3 3 _ _"]

_DENSE = 40
"""Multiplications per number read or written from which Winograd's form is much faster."""

_LARGE = 1e9
"""Multiplications from which Winograd's form pays for its compilation."""


def correlate(
    x: Map,
    kernel: Float[Array, "_ _ _ _"],
    *,
    stride: tuple[int, int] = (1, 1),
    padding: Any = "VALID",
    precision: str | None = None,
) -> Map:
    """`lax.conv_general_dilated` of one map (h, w, in) with a kernel (height, width, in, out)."""
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x[None], kernel, stride, padding, dimension_numbers=layout, precision=precision)[0]


def plain(x: Map, kernel: Kernel, padding: Padding, precision: str | None = None) -> Map:
    """Returns the cross-correlation of x (h, w, in) with the kernel (3, 3, in, out), at the size of x."""
    return correlate(_padded(x, padding), kernel, precision=precision)


def _padded(x: Map, padding: Padding) -> Map:
    mode = {"zeros": "constant", "reflect": "reflect", "edge": "edge"}[padding]
    return jnp.pad(x, ((1, 1), (1, 1), (0, 0)), mode=mode)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve(x: Map, kernel: Kernel, padding: Padding, precision: str | None = None) -> Map:
    """Returns the values of `plain`, on the CPU in the faster form. Differentiable once, in reverse mode.

    `precision`, as JAX names it, is that of accelerators; the CPU computes in float32.
    """

    def cpu(x: Map, kernel: Kernel) -> Map:
        return _inside(_padded(x, padding), kernel)

    return lax.platform_dependent(x, kernel, cpu=cpu, default=partial(plain, padding=padding, precision=precision))


def _convolve_forward(x: Map, kernel: Kernel, padding: Padding, precision: str | None) -> tuple[Map, tuple[Map, Kernel]]:
    return convolve(x, kernel, padding, precision), (x, kernel)


def _convolve_backward(
    padding: Padding, precision: str | None, residuals: tuple[Map, Kernel], cotangent: Map
) -> tuple[Map, Kernel]:
    x, kernel = residuals

    def default(x: Map, kernel: Kernel, cotangent: Map) -> tuple[Map, Kernel]:
        for_x = jax.linear_transpose(lambda x: plain(x, kernel, padding, precision), x)
        for_kernel = jax.linear_transpose(lambda kernel: plain(x, kernel, padding, precision), kernel)
        return for_x(cotangent)[0], for_kernel(cotangent)[0]

    def cpu(x: Map, kernel: Kernel, cotangent: Map) -> tuple[Map, Kernel]:
        for_padded = _inside(cotangent, kernel[::-1, ::-1].swapaxes(2, 3), zeros=2)
        return jax.linear_transpose(lambda x: _padded(x, padding), x)(for_padded)[0], _for_kernel(x, cotangent, padding)

    return lax.platform_dependent(x, kernel, cotangent, cpu=cpu, default=default)


convolve.defvjp(_convolve_forward, _convolve_backward)


# --- on the CPU ---------------------------------------------------------------------------------------------------------


def _inside(x: Map, kernel: Kernel, *, zeros: int = 0) -> Map:
    """Returns the cross-correlation of x (h, w, in), zero-padded, with the kernel."""
    (inputs, outputs), border = kernel.shape[2:], (zeros, zeros)
    height, width = (length + 2 * zeros - 2 for length in x.shape[:2])
    if inputs * outputs >= _DENSE * (inputs + outputs) and height * width * kernel.size >= _LARGE:
        return winograd.correlate(jnp.pad(x, (border, border, (0, 0))), kernel)
    n = 4 if min(inputs, outputs) <= 4 else 2 if max(inputs, outputs) <= 24 else 1  # so many neighbors at once
    shifted = [jnp.pad(kernel, ((0, 0), (i, n - 1 - i), (0, 0), (0, 0))) for i in range(n)]
    padding = (border, (zeros, zeros + -width % n))
    y = correlate(x, jnp.concatenate(shifted, axis=-1), stride=(1, n), padding=padding)
    return y.reshape(height, -1, outputs)[:, :width]


def _for_kernel(x: Map, cotangent: Map, padding: Padding) -> Kernel:
    """Returns the gradient of `plain` with respect to the kernel: at each place, Σ over positions p of x_p cotangent_pᵀ."""
    height, width, _ = x.shape
    padded = _padded(x, padding)
    places = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return jnp.stack([jnp.einsum("hwi,hwo->io", place, cotangent) for place in places]).reshape(3, 3, x.shape[2], -1)
