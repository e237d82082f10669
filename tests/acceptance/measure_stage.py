"""A process that runs one stage and prints its estimate and what it took: bytes beside its inputs, as JSON.

    python measure_stage.py '{"stage": "sharpen", "params": {}, "inputs": {"image": {"size": [3000, 4000], "alpha": true}}}'

Of inputs, pictures are `{size, alpha}`, masks `{mask: size}`, semantic maps `{labels, size}`, folders `{folder: sizes}`, and
networks `{network: kind, …}`. Their content is random, so that no two values are equal.
"""

import json
import sys
from math import prod
from pathlib import Path
from typing import Any

from stylepipe.neural.xla.allocator import keep_freed_memory, return_freed_memory

keep_freed_memory()  # as the command line does

import jax  # noqa: E402
import numpy as np  # noqa: E402

from stylepipe.artifacts import Folder, Image, Mask, Weights  # noqa: E402
from stylepipe.engine.cache.keys import PRECISION  # noqa: E402
from stylepipe.engine.environment import set_up_jax  # noqa: E402
from stylepipe.neural.networks import texture, transformation, upscaler  # noqa: E402
from stylepipe.plugins import find_stage  # noqa: E402

DRAW = np.random.default_rng(0)
FRESH = {
    "upscaler": lambda key, **form: upscaler.fresh(key, upscaler.Upscaler(**form)),
    "transformation": lambda key, **form: transformation.fresh(key, transformation.Transformation(**form)),
    "texture": lambda key, **form: texture.fresh(key, texture.Texture(**form)),
}


def random(*shape: int) -> np.ndarray:
    """Values of [0, 1) beside the bounds of 16 bytes: JAX takes others as they are, by chance, where it copies these."""
    return DRAW.random(prod(shape) + 1, np.float32)[1:].reshape(shape)


def image(size: tuple[int, int], *, alpha: bool = False) -> Image:
    """A picture; of one with transparency, a fifth is hidden."""
    pixels = random(*size, 3)
    if not alpha:
        return Image(pixels)
    opacity = random(*size)
    opacity[: size[0] // 5] = 0
    return Image(pixels, opacity)


def semantic_map(size: tuple[int, int], *, labels: int) -> Image:
    """Stripes, one for each label."""
    gray = np.linspace(0, 1, labels, dtype=np.float32)[np.arange(size[1]) * labels // size[1]]
    return Image(np.broadcast_to(gray[None, :, None], (*size, 3)).copy())


def vgg(widths: list[list[int]]) -> Weights:
    """A random network of these channels, block by block."""
    tensors = {"normalise/kernel": np.eye(3)[None, None], "normalise/bias": np.zeros(3)}
    before = 3
    for block, channels in enumerate(widths, 1):
        for index, width in enumerate(channels, 1):
            tensors[f"conv{block}_{index}/kernel"] = DRAW.normal(size=(3, 3, before, width)) / np.sqrt(4.5 * before)
            tensors[f"conv{block}_{index}/bias"] = np.zeros(width)
            before = width
    return Weights({name: np.float32(tensor) for name, tensor in tensors.items()}, {"pooling": "max", "padding": "reflect"})


def made(given: Any) -> Any:
    """The input that a description stands for."""
    match given:
        case list():
            return tuple(map(made, given))
        case {"mask": size}:
            return Mask(random(*size))
        case {"labels": labels, "size": size}:
            return semantic_map(size, labels=labels)
        case {"folder": sizes}:
            pictures = {f"{number}.png": image(size) for number, size in enumerate(sizes)}
            return Folder(tuple(pictures), pictures.__getitem__, pictures.__getitem__)
        case {"network": "vgg", "widths": widths}:
            return vgg(widths)
        case {"network": kind, **form}:
            return FRESH[kind](jax.random.key(0), **form)
        case {"size": size, **options}:
            return image(size, **options)


class NoCheckpoint:
    """A checkpoint that was never taken."""

    def load(self) -> None:
        """Nothing was saved."""

    def offer(self, state: Any) -> None:
        """Saves nothing."""


def status(name: str) -> int:
    """Bytes, as Linux says of this process."""
    with Path("/proc/self/status").open(encoding="ascii") as table:
        return next(1024 * int(line.split()[1]) for line in table if line.startswith(name))


def measure(case: dict[str, Any]) -> dict[str, int | None]:
    """What the stage of a case takes and says."""
    set_up_jax(None, PRECISION)
    stage = find_stage(case["stage"])
    arguments = stage.arguments({name: made(given) for name, given in case["inputs"].items()})
    params = stage.params.model_validate(case.get("params", {}))
    services = {"key": jax.random.key(0), "emit": lambda event: None, "checkpoint": NoCheckpoint()}
    estimated = stage.estimate(**arguments, params=params).memory
    return_freed_memory()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = status("VmRSS")
    result = stage(**arguments, params=params, **{name: services[name] for name in stage.services})
    for array in result.tensors.values() if isinstance(result, Weights) else vars(result).values():
        np.asarray(array)
    return {"estimated": estimated, "taken": status("VmHWM") - before}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
