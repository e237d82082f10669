"""How good the shipped networks are: features beside VGG-19's, and enlarged pictures beside the originals.

    python benchmarks/quality.py --data FOLDER [--exact FILE --published FILE] [--student FILE] [--upscaler FILE]

FOLDER holds `kodak` (24 photographs) and `set5` (pictures ending in _SRF_2_HR.png, and shrunk in _SRF_2_LR.png, and so on);
neither is ever trained on. `--exact` are VGG-19's weights up to relu3_1 at least, `--published` those of a distilled VGG-19 to
compare with, up to relu5_1; without them the first table is left out. `--student` and `--upscaler` take the place of the
networks that come with stylepipe.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from stylepipe.artifacts import Weights
from stylepipe.image.files.io import read_image
from stylepipe.image.metrics import psnr
from stylepipe.image.resize import resize
from stylepipe.neural.encoders.vgg import features
from stylepipe.neural.encoders.vgg_layout import describe
from stylepipe.neural.networks.upscaler import enlarge
from stylepipe.neural.networks.upscaler_layout import FACTORS
from stylepipe.neural.weights.catalog import find, read_weights
from stylepipe.neural.xla.compile_options import program

SIDE = 256
EXACT_LAYERS, PUBLISHED_LAYERS = ("relu1_1", "relu2_1", "relu3_1"), ("relu4_1", "relu4_2", "relu5_1")


# --- features ---------------------------------------------------------------------------------------------------------


def kodak(folder: Path) -> np.ndarray:
    """The middle parts of the photographs."""
    crops = []
    for path in sorted(folder.glob("*.png")):
        pixels = read_image(path).pixels
        top, left = ((length - SIDE) // 2 for length in pixels.shape[:2])
        crops.append(pixels[top : top + SIDE, left : left + SIDE])
    return np.stack(crops)


def maps(weights: Weights, layers: Sequence[str], crops: np.ndarray) -> Mapping[str, np.ndarray]:
    """By layer, the features of all crops (crops, positions, channels).

    All networks continue the crops by reflection, as the students do: it is the networks that are compared, not their borders.
    """
    tensors = {name: jnp.asarray(tensor) for name, tensor in weights.tensors.items()}
    see = program()(partial(features, layers=tuple(layers), encoder=replace(describe(weights), padding="reflect")))
    found = [see(tensors, crop) for crop in crops]
    return {layer: np.stack([np.asarray(f[layer]).reshape(-1, f[layer].shape[-1]) for f in found]) for layer in layers}


def compare(student: np.ndarray, teacher: np.ndarray) -> tuple[float, float, float]:
    """The median over channels of the correlation, the relative squared error, and the relative error of the Gram matrices.

    All of the best linear map from the student's features to the teacher's: found by least squares on every other position, and
    scored on those between. The Gram matrices are those of single pictures.
    """
    inputs = np.concatenate([student, np.ones((*student.shape[:2], 1), np.float32)], axis=-1)
    learn, score = (slice(None), slice(0, None, 2)), (slice(None), slice(1, None, 2))
    flat_inputs, flat_teacher = (a[learn].reshape(-1, a.shape[-1]).astype(np.float64) for a in (inputs, teacher))
    square = flat_inputs.T @ flat_inputs
    head = np.linalg.solve(square + 1e-6 * np.trace(square) / len(square) * np.eye(len(square)), flat_inputs.T @ flat_teacher)
    found, wanted = inputs[score] @ head, teacher[score].astype(np.float64)
    flat_found, flat_wanted = found.reshape(-1, found.shape[-1]), wanted.reshape(-1, found.shape[-1])
    alive = flat_wanted.std(0) > 0
    covariance = ((flat_found - flat_found.mean(0)) * (flat_wanted - flat_wanted.mean(0))).mean(0)[alive]
    correlation = covariance / np.maximum(flat_found.std(0)[alive] * flat_wanted.std(0)[alive], 1e-12)
    grams, wanted_grams = (np.einsum("npc,npd->ncd", f, f) / f.shape[1] for f in (found, wanted))
    error = np.mean((found - wanted) ** 2) / np.mean(wanted**2)
    return float(np.median(correlation)), float(error), float(np.mean((grams - wanted_grams) ** 2) / np.mean(wanted_grams**2))


def features_table(console: Console, students: Mapping[str, Weights], exact: Weights, published: Weights, folder: Path) -> None:
    crops = kodak(folder)
    for teacher, layers, title in (
        (exact, EXACT_LAYERS, "VGG-19, exact"),
        (published, PUBLISHED_LAYERS, "the published distilled network"),
    ):
        table = Table("layer", "network", "correlation", "relative error", "of Gram", title=f"Features beside {title}")
        wanted = maps(teacher, layers, crops)
        for name, weights in students.items():
            if weights is teacher:
                continue
            found = maps(weights, layers, crops)
            for layer in layers:
                figures = compare(found[layer], wanted[layer])
                table.add_row(layer, name, *(f"{figure:.3f}" for figure in figures))
        console.print(table)


# --- enlarged pictures ------------------------------------------------------------------------------------------------

PUBLISHED = {"bicubic": (33.66, 30.39, 28.42), "FSRCNN": (37.00, 33.16, 30.71), "VDSR": (37.53, 33.66, 31.35)}


def set5(folder: Path, factor: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pictures shrunk by MATLAB's bicubic interpolation, and as they were."""
    names = sorted(folder.glob(f"*_SRF_{factor}_LR.png"))
    return [(read_image(name).pixels, read_image(name.with_name(name.name.replace("_LR", "_HR"))).pixels) for name in names]


def upscaler_table(console: Console, upscaler: Weights, folder: Path) -> None:
    """PSNR on luma, `factor` pixels at the border left out, of results rounded to 8 bits."""
    table = Table("", *(f"×{factor}" for factor in FACTORS), title="Set5, PSNR in dB")
    methods = {
        "bicubic, here": lambda small, factor: resize(small, (factor * len(small), factor * len(small[0])), method="bicubic"),
        "shipped": lambda small, factor: enlarge(upscaler, small, factor=factor),
    }
    for name, method in methods.items():
        means = []
        for factor in FACTORS:
            pairs = set5(folder, factor)
            results = [np.rint(np.clip(method(small, factor), 0, 1) * 255) / 255 for small, _ in pairs]
            scores = [psnr(r, large, channel="y", border=factor) for r, (_, large) in zip(results, pairs, strict=True)]
            means.append(np.mean(scores))
        table.add_row(name, *(f"{mean:.2f}" for mean in means))
    for name, figures in PUBLISHED.items():
        table.add_row(f"{name}, as published", *(f"{figure:.2f}" for figure in figures))
    console.print(table)


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--data", type=Path, required=True)
    for name in ("exact", "published", "student", "upscaler"):
        arguments.add_argument(f"--{name}", type=Path)
    given = arguments.parse_args()
    console = Console(width=100)
    if given.exact and given.published:
        published = read_weights(given.published)
        students = {"shipped": read_weights(given.student or find("vgg19-slim")), "published": published}
        features_table(console, students, read_weights(given.exact), published, given.data / "kodak")
    upscaler_table(console, read_weights(given.upscaler or find("upscaler")), given.data / "set5")


if __name__ == "__main__":
    main()
