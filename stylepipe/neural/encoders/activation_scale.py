"""Scaling of VGG-19's layers to one mean activation.

Its own activations are some tens in the first layer and some hundreds in the fourth block, since it was trained on values from
0 to 255. Losses that add a constant to them (`shift: 1`) or compare layers by one weight need them to be of one size.
"""

from collections.abc import Mapping

import numpy as np

from stylepipe.neural.encoders.vgg_layout import DEEPEST, places

MEAN = 0.25
"""The mean activation of each layer after scaling, about that of vgg19-slim."""

TRAINED_MEANS = {
    "conv1_1": 20.34,
    "conv1_2": 87.92,
    "conv2_1": 104.3,
    "conv2_2": 88.66,
    "conv3_1": 101.3,
    "conv3_2": 133.5,
    "conv3_3": 283.6,
    "conv3_4": 390.5,
}
"""Mean activations, after the ReLU, of the network as its authors trained it (in Caffe).

Over the middle squares, at 256 × 256 pixels, of 34 photographs and of 188 paintings, each set counting half; from picture to
picture they vary by a fifth to a third. Deeper layers were not measured.
"""

_WIDTHS = (64, 128, 256, 512, 512)


def is_vgg19(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Returns whether tensors of these shapes, in the layout of `vgg_layout`, are all of VGG-19."""
    wanted = {f"conv{block}_{index}/bias": (_WIDTHS[block - 1],) for block, index in places(DEEPEST)}
    return wanted.items() <= shapes.items()


def at_one_scale(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Scales the tensors of VGG-19, or of its first layers: activations divided by their layer's mean, times `MEAN`.

    A ReLU commutes with positive factors s, and so does a pool by maximum or mean: conv_k with its kernel times s_k / s_(k−1)
    and its bias times s_k gives s_k times what it gave. Layers that were not measured take the factor of the last one that was.
    """
    scaled, before = dict(tensors), 1.0
    for layer in (f"conv{block}_{index}" for block, index in places(DEEPEST) if f"conv{block}_{index}/kernel" in tensors):
        factor = MEAN / TRAINED_MEANS[layer] if layer in TRAINED_MEANS else before
        scaled[f"{layer}/kernel"] = (tensors[f"{layer}/kernel"] * (factor / before)).astype(np.float32)
        scaled[f"{layer}/bias"] = (tensors[f"{layer}/bias"] * factor).astype(np.float32)
        before = factor
    return scaled
