"""Stages and networks called directly: without a recipe, an engine or a cache."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import Float
from PIL import Image as Pillow
from pydantic import ValidationError

from stylepipe.api.sources.picture_values import as_image, as_input, as_picture, as_weights
from stylepipe.artifacts import Image, Weights
from stylepipe.engine.cache.keys import PRECISION
from stylepipe.errors import UsageError, did_you_mean
from stylepipe.neural.encoders.encoder import Architecture
from stylepipe.neural.encoders.vgg_architecture import VggArchitecture
from stylepipe.plugins import find_stage
from stylepipe.stage import Frame, Note, Progress, State

Picture = str | Path | Pillow.Image | np.ndarray | Image
"""A picture of a caller: a path, a PIL image, an array of uint8 or of floats in [0, 1], or an artifact."""

_VGG = VggArchitecture()
OnStep = Callable[[Progress | Frame | Note], None]


class _Uninterrupted:
    """A checkpoint service that saves nothing."""

    def load(self) -> State | None:
        return None

    def offer(self, state: Callable[[], State]) -> None:
        pass


def apply(stage: str, /, *, seed: int = 0, on_step: OnStep = lambda emitted: None, **arguments: Any) -> Pillow.Image | Weights:
    """Calls a stage and returns its result: `apply("sharpen", image="photo.jpg", amount=1.0)`.

    `arguments` are its inputs and parameters, as in a recipe; inputs are paths, PIL images, arrays or artifacts, or names of
    weights. The precision is that of runs, float32. `on_step` receives what the stage emits: `Progress` after each iteration,
    preview frames, and notes. `seed` is that of its random numbers.

    Raises UsageError for arguments that the stage does not take, and what the stage raises.
    """
    definition = find_stage(stage)
    inputs: dict[str, Any] = {}
    for name, slot in definition.inputs.items():
        value = arguments.pop(name, None)
        if value is None and not slot.optional:
            raise UsageError(f"The stage '{stage}' needs its input '{name}'.", hint="Pass it by name.")
        if value is not None:
            inputs[name] = tuple(as_input(each, slot.kind) for each in value) if slot.many else as_input(value, slot.kind)
    try:
        params = definition.params.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        names = [*definition.inputs, *definition.params.model_fields]
        hint = did_you_mean(name, names) if first["type"] == "extra_forbidden" else None
        raise UsageError(f"The stage '{stage}' cannot take '{name}': {first['msg']}.", hint=hint) from error
    services = {"key": lambda: jax.random.key(seed), "emit": lambda: on_step, "checkpoint": _Uninterrupted}
    with jax.default_matmul_precision(PRECISION):
        result = definition(
            **definition.arguments(inputs), params=params, **{name: services[name]() for name in definition.services}
        )
    return result if isinstance(result, Weights) else as_picture(result)


def stylize(
    content: Picture | None,
    styles: Sequence[Picture],
    /,
    *,
    network: str | Path | Weights = "vgg19-slim",
    seed: int = 0,
    on_step: OnStep = lambda emitted: None,
    **arguments: Any,
) -> Pillow.Image:
    """Stylizes a picture: `stylize("photo.jpg", ["painting.jpg"], size=512, iterations=200)`.

    The `arguments` are the other inputs and the parameters of the stage `stylize`, such as `masks`, `init`, `losses` (a list of
    `stylepipe.losses`) and `optimizer`. Raises as `apply` does.
    """
    inputs = {"content": content, "styles": list(styles), "extractor": network}
    return cast("Pillow.Image", apply("stylize", seed=seed, on_step=on_step, **inputs, **arguments))


def extract(
    image: Picture, layers: Sequence[str], *, network: str | Path | Weights = "vgg19-slim", encoder: Architecture = _VGG
) -> dict[str, Float[np.ndarray, "_ _ _"]]:
    """Returns the features of a picture by layer, float32 arrays of shape (height, width, channels); VGG's are after the ReLU.

    `encoder` is the kind of the network. Raises StageError for a layer that the network lacks, and for a picture too small for
    one.
    """
    weights, picture = as_weights(network), as_image(image)
    with jax.default_matmul_precision(PRECISION):
        maps = encoder.describe(weights).features(weights.tensors, picture.pixels, tuple(layers))
    return {name: np.asarray(values) for name, values in maps.items()}
