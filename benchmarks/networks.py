"""The networks to measure with: those that stylepipe knows, and `vgg19`, of VGG-19's widths and random weights.

    python benchmarks/networks.py FILE

Writes `vgg19`, so that recipes can take it as `-p network=FILE`: time and memory depend on its form alone.
"""

import argparse
from pathlib import Path

import numpy as np

from stylepipe.artifacts import Weights, save
from stylepipe.neural.weights.catalog import find, read_weights

VGG19 = {1: (64, 64), 2: (128, 128), 3: (256, 256, 256, 256), 4: (512, 512, 512, 512), 5: (512,)}


def network(name: str) -> Weights:
    """One of those that `find` knows, or `vgg19`."""
    if name != "vgg19":
        return read_weights(find(name))
    draw = np.random.default_rng(0)
    tensors = {"normalise/kernel": np.eye(3, dtype=np.float32)[None, None], "normalise/bias": np.zeros(3, np.float32)}
    inputs = 3
    for block, widths in VGG19.items():
        for index, outputs in enumerate(widths, 1):
            kernel = draw.normal(scale=np.sqrt(2 / (9 * inputs)), size=(3, 3, inputs, outputs))
            tensors[f"conv{block}_{index}/kernel"] = kernel.astype(np.float32)
            tensors[f"conv{block}_{index}/bias"] = np.zeros(outputs, np.float32)
            inputs = outputs
    return Weights(tensors, {"pooling": "max", "padding": "reflect"})


def main() -> None:
    """Writes `vgg19` to a file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file", type=Path)
    save(network("vgg19"), parser.parse_args().file)


if __name__ == "__main__":
    main()
