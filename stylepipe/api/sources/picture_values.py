"""Converts between artifacts and what callers have: PIL images, arrays, paths."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from PIL import Image as Pillow

from stylepipe.api.sources.user_paths import user_path
from stylepipe.artifacts import Folder, Image, Mask, StageInput, Weights
from stylepipe.errors import InputError, UsageError
from stylepipe.image.files.decode import Samples
from stylepipe.image.files.io import read_image, read_mask, write_image, write_mask
from stylepipe.image.files.mask_channels import mask_channel
from stylepipe.neural.weights import catalog
from stylepipe.recipe.resolved import is_weights_name

T = TypeVar("T")


def as_input(value: Any, kind: str) -> StageInput:
    """Returns a value as an input of the kind image, mask or weights, or a `Folder` as it is.

    Raises UsageError for a value of another kind, and InputError or WeightsError as reading does.
    """
    makers: Mapping[str, Callable[[Any], StageInput]] = {"image": as_image, "mask": as_mask, "weights": as_weights}
    if kind in makers:
        return makers[kind](value)
    if isinstance(value, Folder):
        return value
    raise _unfit(value, "a Folder")


def as_image(value: Any) -> Image:
    """Returns a path, a PIL image, an array (see `image_of`) or an artifact as an image."""
    match value:
        case Image():
            return value
        case str() | Path():
            return read_image(user_path(value))
        case Pillow.Image():
            return _read_written(value, read_image)
    if hasattr(value, "__array__"):
        return image_of(np.asarray(value))
    raise _unfit(value, "an image: a path, a PIL image or an array")


def as_mask(value: Any) -> Mask:
    """Returns a path, a PIL image, an array (see `image_of`) or an artifact as a mask; `mask_channel` says which channel."""
    match value:
        case Mask():
            return value
        case str() | Path():
            return read_mask(user_path(value))
        case Pillow.Image():
            return _read_written(value, read_mask)
    if hasattr(value, "__array__"):
        image = image_of(np.asarray(value))
        samples = Samples(np.asarray(image.pixels), None if image.alpha is None else np.asarray(image.alpha))
        return Mask(mask_channel(samples, None, name="The array"))
    raise _unfit(value, "a mask: a path, a PIL image or an array")


def as_weights(value: Any) -> Weights:
    """Returns the name of weights, their path or an artifact as weights."""
    match value:
        case Weights():
            return value
        case str() | Path():
            name = str(value)
            return catalog.read_weights(catalog.find(name) if is_weights_name(name) else user_path(value))
    raise _unfit(value, "weights: a name or a path")


def as_picture(artifact: Image | Mask) -> Pillow.Image:
    """Returns an image or a mask as a PIL image of 8 bits."""
    with TemporaryDirectory(prefix="stylepipe-") as folder:
        file = Path(folder) / "picture.png"
        if isinstance(artifact, Image):
            write_image(artifact, file, compress_level=0)
        else:
            write_mask(artifact, file, compress_level=0)
        return Pillow.open(io.BytesIO(file.read_bytes()))


def _read_written(picture: Pillow.Image, read: Callable[[Path], T]) -> T:
    with TemporaryDirectory(prefix="stylepipe-") as folder:
        file = Path(folder) / "picture.png"
        picture.save(file)
        return read(file)


def _unfit(value: Any, expected: str) -> UsageError:
    return UsageError(f"The value is a {type(value).__name__}; expected {expected}.")


def image_of(array: np.ndarray) -> Image:
    """Returns an array of shape (height, width) or (height, width, 1, 3 or 4) as an image.

    Raises InputError unless it is of uint8, or of floats in [0, 1].
    """
    is_samples = array.dtype == np.uint8 or (array.dtype.kind == "f" and array.size and 0 <= array.min() <= array.max() <= 1)
    if not is_samples or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,), (4,)):
        raise InputError(
            f"An array of shape {array.shape} and type {array.dtype} is no picture.",
            hint="Pictures have shape (height, width) or (height, width, 3 or 4), as uint8 or as floats in [0, 1].",
        )
    values = np.float32(array) / np.float32(255 if array.dtype == np.uint8 else 1)
    channels = np.atleast_3d(values)
    color = channels[:, :, :3] if channels.shape[-1] > 1 else np.repeat(channels, 3, axis=2)
    return Image(color, channels[:, :, 3] if channels.shape[-1] == 4 else None)
