"""A few characters as brush strokes, for signboards, banners and couplets."""

import numpy as np

Array = np.ndarray
Stroke = tuple[float, float, float, float]
STROKES: dict[str, tuple[Stroke, ...]] = {
    "天": ((0.20, 0.14, 0.80, 0.12), (0.06, 0.45, 0.94, 0.42), (0.50, 0.14, 0.49, 0.48), (0.49, 0.46, 0.08, 0.95),
           (0.50, 0.48, 0.94, 0.95)),
    "下": ((0.06, 0.15, 0.94, 0.12), (0.48, 0.14, 0.48, 0.98), (0.50, 0.40, 0.76, 0.58)),
    "太": ((0.06, 0.36, 0.94, 0.33), (0.50, 0.04, 0.47, 0.40), (0.47, 0.40, 0.08, 0.95), (0.50, 0.40, 0.94, 0.95),
           (0.42, 0.74, 0.56, 0.88)),
    "平": ((0.14, 0.12, 0.86, 0.10), (0.28, 0.22, 0.38, 0.42), (0.74, 0.20, 0.62, 0.42), (0.05, 0.54, 0.95, 0.51),
           (0.50, 0.12, 0.50, 0.99)),
    "山": ((0.50, 0.06, 0.50, 0.88), (0.12, 0.38, 0.12, 0.88), (0.88, 0.36, 0.88, 0.94), (0.10, 0.88, 0.90, 0.86)),
    "门": ((0.20, 0.05, 0.30, 0.20), (0.13, 0.24, 0.13, 0.97), (0.38, 0.14, 0.90, 0.12), (0.88, 0.12, 0.88, 0.96),
           (0.88, 0.96, 0.74, 0.88)),
    "茶": ((0.06, 0.15, 0.94, 0.13), (0.32, 0.02, 0.33, 0.28), (0.68, 0.02, 0.66, 0.28), (0.50, 0.26, 0.06, 0.60),
           (0.50, 0.28, 0.94, 0.60), (0.26, 0.63, 0.74, 0.61), (0.50, 0.46, 0.50, 0.99), (0.46, 0.68, 0.18, 0.92),
           (0.54, 0.68, 0.84, 0.90)),
    "米": ((0.24, 0.10, 0.38, 0.34), (0.76, 0.08, 0.62, 0.34), (0.06, 0.46, 0.94, 0.44), (0.50, 0.04, 0.50, 0.98),
           (0.48, 0.48, 0.10, 0.90), (0.52, 0.48, 0.92, 0.88)),
}  # fmt: skip
"""For each character its strokes, from (x, y) to (x, y) in a unit square, y downwards.

山门 is "mountain gate", 天下太平 "peace under heaven", 茶 tea, 米 rice.
"""
PITCH = 1.25
"""The distance from one character to the next below it, in characters."""


def inscription(text: str, size: float) -> list[Array]:
    """The strokes of characters written downwards, centered on x = 0, each as a 2×4 grid of points (x, y down).

    A stroke is broad where the brush is set down, thin in the middle, and broad where it is lifted.
    """
    grids = []
    breadth = np.array([0.055, 0.038, 0.04, 0.06]) * size
    for place, character in enumerate(text):
        for x0, y0, x1, y1 in STROKES[character]:
            line = np.linspace([x0 - 0.5, y0 + PITCH * place], [x1 - 0.5, y1 + PITCH * place], 4) * size
            ahead = (line[-1] - line[0]) / np.linalg.norm(line[-1] - line[0])
            side = np.array([-ahead[1], ahead[0]]) * breadth[:, None]
            grids.append(np.stack([line - side, line + side]))
    return grids
