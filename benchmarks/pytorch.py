"""The same VGG in PyTorch, to measure beside."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stylepipe.artifacts import Weights
from stylepipe.neural.encoders.vgg_layout import describe


def picture(pixels: Any) -> Tensor:
    """(height, width, 3) as (1, 3, height, width)."""
    return torch.tensor(np.asarray(pixels, np.float32).transpose(2, 0, 1).copy())[None]


def extractor(weights: Weights, layout: str = "channels_last") -> Callable[[Tensor], dict[str, Tensor]]:
    """From a picture to the features of all layers; `layout` is that of its maps in memory."""
    vgg, memory = describe(weights), getattr(torch, layout)

    def tensor(array: Any) -> Tensor:
        values = np.asarray(array, np.float32)
        if values.ndim < 4:
            return torch.tensor(values)
        return torch.tensor(values.transpose(3, 2, 0, 1).copy()).to(memory_format=memory)

    tensors = {name: tensor(array) for name, array in weights.tensors.items()}

    def features(x: Tensor) -> dict[str, Tensor]:
        found = {}
        x = functional.conv2d(x.contiguous(memory_format=memory), tensors["normalise/kernel"], tensors["normalise/bias"])
        for layer in vgg.layers:
            place = layer.removeprefix("relu")
            if place.endswith("_1") and place != "1_1":
                x = functional.max_pool2d(x, 2)
            x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
            x = functional.relu(functional.conv2d(x, tensors[f"conv{place}/kernel"], tensors[f"conv{place}/bias"]))
            found[layer] = x
        return found

    return features


def gram(maps: Tensor) -> Tensor:
    """Of the features of one picture, by position."""
    flat = maps[0].flatten(1)
    return flat @ flat.T / flat.shape[1]
