"""Makes `vgg19-shallow` of a file that holds VGG-19's first three blocks, and measures what its scaling rests on.

    python benchmarks/vgg19_shallow.py means WEIGHTS FOLDER [FOLDER …]
    python benchmarks/vgg19_shallow.py make WEIGHTS TARGET

`means` prints the mean activation of each layer over the pictures of the folders, each folder counting alike: the figures of
stylepipe/neural/encoders/activation_scale.py. `make` writes the network, scaled by those and in half precision, with its
attribution.
"""

import argparse
import json
from pathlib import Path

import jax
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from safetensors.numpy import save_file

from stylepipe.neural.encoders.activation_scale import at_one_scale
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.weights.catalog import read_weights
from stylepipe.neural.weights.catalog_entries import weights_catalog


def middle_square(path: Path) -> np.ndarray:
    """The middle of a picture, as wide as high, at 256 × 256 pixels."""
    with Pillow.open(path) as picture:
        return np.asarray(ImageOps.fit(picture.convert("RGB"), (256, 256), Pillow.Resampling.LANCZOS), np.float32) / 255


def means(weights: Path, folders: list[Path]) -> None:
    """Prints the mean activation of each layer."""
    network = read_weights(weights)
    vgg = describe(network)
    measure = jax.jit(
        lambda tensors, image: [layer.mean() for layer in features(tensors, image, layers=vgg.layers, encoder=vgg).values()]
    )
    found = []
    for folder in folders:
        pictures = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png"))
        found.append(np.mean([measure(network.tensors, middle_square(path)) for path in pictures], axis=0))
    for layer, mean in zip(vgg.layers, np.mean(found, axis=0), strict=True):
        print(f"conv{layer.removeprefix('relu')}: {mean:.4g}")


def make(weights: Path, target: Path) -> None:
    """Writes the network.

    Pixels reach conv1_1 from −0.5 to 0.5, not to 255, so that its kernel is of a size that half precision holds well.
    """
    network = read_weights(weights)
    tensors = at_one_scale(network.tensors)
    for part in ("kernel", "bias"):
        tensors[f"normalise/{part}"] = tensors[f"normalise/{part}"] / 255
    tensors["conv1_1/kernel"] = 255 * tensors["conv1_1/kernel"]
    entry = weights_catalog().entries["vgg19-shallow"]
    described = {"kind": "weights", "metadata": {"padding": "zeros", "pooling": "max"}}
    stated = {"license": entry.license, "attribution": entry.attribution, "stylepipe": json.dumps(described)}
    save_file({name: tensor.astype(np.float16) for name, tensor in tensors.items()}, target, metadata=stated)


def main() -> None:
    """Measures, or makes the file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("means", help=means.__doc__)
    measure.add_argument("weights", type=Path)
    measure.add_argument("folders", type=Path, nargs="+")
    write = commands.add_parser("make", help=make.__doc__)
    write.add_argument("weights", type=Path)
    write.add_argument("target", type=Path)
    chosen = parser.parse_args()
    if chosen.command == "means":
        means(chosen.weights, chosen.folders)
    else:
        make(chosen.weights, chosen.target)


if __name__ == "__main__":
    main()
