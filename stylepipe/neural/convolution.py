"""The 3×3 convolution with a continued border, and a way to the same numbers that is fast on the CPU.

`plain` is the definition. It is slow on the CPU for three reasons, and `convolve` avoids them there (benchmarks/extractor.py
measures the first two):

- XLA's fast kernels take convolutions that are padded by zeros; one without padding, whose input was padded before, takes up to
  three times as long, and its gradient too. So the image is convolved with zeros around it, and what the other paddings add
  along the four sides is computed apart: it is the kernel's outer row or column on the line that the padding repeats.
- Layers of few channels do not fill the processor's vectors. So neighbouring pixels of a row are computed at once, as more
  output channels of a wider kernel with a stride.
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
from stylepipe.neural.layout import Padding

Map = Float[Array, "_ _ _"]
Kernel = Float[Array, "3 3 _ _"]
Line = Float[Array, "_ _"]
Lines = tuple[Line, Line, Line, Line]
"""Of the top, bottom, left and right side of a map, (width, channels) and (height, channels)."""


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


def plain(x: Map, kernel: Kernel, padding: Padding) -> Map:
    """The cross-correlation of x (h, w, in) with the kernel (3, 3, in, out), of the size of x."""
    return correlate(_padded(x, padding), kernel)


def _padded(x: Map, padding: Padding) -> Map:
    mode = {"zeros": "constant", "reflect": "reflect", "edge": "edge"}[padding]
    return jnp.pad(x, ((1, 1), (1, 1), (0, 0)), mode=mode)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(x: Map, kernel: Kernel, padding: Padding) -> Map:
    """The values of `plain`, by the faster way where that is on the CPU. Differentiable once, in reverse mode."""
    return lax.platform_dependent(x, kernel, cpu=partial(_forward, padding=padding), default=partial(plain, padding=padding))


def _convolve_forward(x: Map, kernel: Kernel, padding: Padding) -> tuple[Map, tuple[Map, Kernel]]:
    return convolve(x, kernel, padding), (x, kernel)


def _convolve_backward(padding: Padding, saved: tuple[Map, Kernel], slope: Map) -> tuple[Map, Kernel]:
    x, kernel = saved

    def default(x: Map, kernel: Kernel, slope: Map) -> tuple[Map, Kernel]:
        for_x = jax.linear_transpose(lambda x: plain(x, kernel, padding), x)
        for_kernel = jax.linear_transpose(lambda kernel: plain(x, kernel, padding), kernel)
        return for_x(slope)[0], for_kernel(slope)[0]

    def cpu(x: Map, kernel: Kernel, slope: Map) -> tuple[Map, Kernel]:
        return _backward(slope, kernel, padding), _for_kernel(x, slope, padding)

    return lax.platform_dependent(x, kernel, slope, cpu=cpu, default=default)


convolve.defvjp(_convolve_forward, _convolve_backward)


# --- on the CPU ---------------------------------------------------------------------------------------------------------


def _forward(x: Map, kernel: Kernel, padding: Padding) -> Map:
    y = _surrounded_by_zeros(x, kernel)
    if padding == "zeros":
        return y
    return _add_to_sides(y, _left_out(_sides(x, _repeated(padding)), kernel, padding), 0)


def _backward(slope: Map, kernel: Kernel, padding: Padding) -> Map:
    """The transpose of `_forward` in x."""
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    gradient = _surrounded_by_zeros(slope, turned)
    if padding == "zeros":
        return gradient
    sides = _sides(gradient, 0)  # of the shapes to transpose for
    transposed = jax.linear_transpose(lambda sides: _left_out(sides, kernel, padding), sides)
    return _add_to_sides(gradient, transposed(_sides(slope, 0))[0], _repeated(padding))


def _for_kernel(x: Map, slope: Map, padding: Padding) -> Kernel:
    """The transpose of `plain` in the kernel: for each of its places, Σ over positions p of x_p slope_pᵀ."""
    height, width, _ = x.shape
    padded = _padded(x, padding)
    places = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return jnp.stack([jnp.einsum("hwi,hwo->io", place, slope) for place in places]).reshape(3, 3, x.shape[2], -1)


def _repeated(padding: Padding) -> int:
    """How far inside lies the line that the padding repeats outside."""
    return 1 if padding == "reflect" else 0


def _sides(x: Map, inside: int) -> Lines:
    return x[inside], x[-1 - inside], x[:, inside], x[:, -1 - inside]


def _left_out(lines: Lines, kernel: Kernel, padding: Padding) -> Lines:
    """What zeros around the image leave out of the result's outermost lines, from the image's lines that are repeated there.

    Rows go round the corners: they are padded in their turn. All four are one product of matrices.
    """
    mode = "reflect" if padding == "reflect" else "edge"
    top, bottom, left, right = lines
    longest = max(len(top), len(left))

    def windows(line: Line, mode: str) -> Line:
        padded = jnp.pad(line, ((1, 1), (0, 0)), mode=mode)
        threes = jnp.concatenate([padded[:-2], padded[1:-1], padded[2:]], axis=1)
        return jnp.pad(threes, ((0, longest - len(line)), (0, 0)))

    inputs = jnp.stack([windows(top, mode), windows(bottom, mode), windows(left, "constant"), windows(right, "constant")])
    outer = jnp.stack([kernel[0], kernel[2], kernel[:, 0], kernel[:, 2]])
    found = jnp.einsum("lpi,lio->lpo", inputs, outer.reshape(4, -1, kernel.shape[-1]))
    return found[0, : len(top)], found[1, : len(top)], found[2, : len(left)], found[3, : len(left)]


def _add_to_sides(y: Map, lines: Lines, inside: int) -> Map:
    """Adds a line to each side of y, that far inside it.

    In place, where XLA finds that nothing else reads y; starting with the top row, it does not, and copies all of y.
    """
    top, bottom, left, right = lines
    height, width, _ = y.shape
    for line, start in (
        (bottom[None], (height - 1 - inside, 0, 0)),
        (top[None], (inside, 0, 0)),
        (right[:, None], (0, width - 1 - inside, 0)),
        (left[:, None], (0, inside, 0)),
    ):
        y = lax.dynamic_update_slice(y, lax.dynamic_slice(y, start, line.shape) + line, start)
    return y


def _surrounded_by_zeros(x: Map, kernel: Kernel) -> Map:
    """`plain` with padding by zeros, n neighbours of each row at once: (3, n + 2) windows, n apart, to n × out channels."""
    (height, width, _), channels = x.shape, kernel.shape[2:]
    n = 4 if min(channels) <= 4 else 2 if max(channels) <= 16 else 1
    shifted = [jnp.pad(kernel, ((0, 0), (i, n - 1 - i), (0, 0), (0, 0))) for i in range(n)]
    y = correlate(x, jnp.concatenate(shifted, axis=-1), stride=(1, n), padding=((1, 1), (1, 1 + -width % n)))
    return y.reshape(height, -1, channels[1])[:, :width]
