"""Conversion of network weights from published layouts to the canonical layout of VGG or of their network.

    .safetensors   what a run of stylepipe made; that form; the same names with the input in words; torchvision's names; the
                   variables of `fast_style_transfer`
    .npz           these variables
    .h5            Keras applications' "notop" files
    .pth           torchvision's state dicts, through PyTorch where it is installed, and only by `convert`

A file's data are read only after its tensors' names and shapes are found to be a VGG's; nothing in a file is ever executed.
"""

import math
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from stylepipe import artifacts
from stylepipe.artifacts import Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.encoders.activation_scale import at_one_scale, is_vgg19
from stylepipe.neural.encoders.vgg_layout import DEEPEST, check_shapes, describe, places
from stylepipe.paths import require_regular

_LICENSE = "CC BY 4.0 (K. Simonyan and A. Zisserman)"
_CAFFE_MEANS = (103.939, 116.779, 123.68)
_IMAGENET_MEANS, _IMAGENET_DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LARGEST_FILE = 2**30
_LARGEST_HEADER = 2**21  # some ten thousand tensors

# The types of tensors that stages may have made, as safetensors spells them.
_REAL = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")

_Tensors = dict[str, np.ndarray]
_Reader = Callable[[Path], tuple[_Tensors, dict[str, str]]]


def read_weights(path: Path) -> Weights:
    """Reads a network's weights from a .safetensors, .npz or .h5 file.

    What a run has made, of whatever network, is taken as it is, and checked by the stage that it is given to. Other files are
    those of networks of styles (see `fast_style_transfer`) and of VGGs, which are brought into the form that `layout`
    describes; tensors that are no part of a VGG's convolutions (classifiers, heads) are left out. Raises WeightsError when the
    file cannot be read, when a tensor is missing or has an unexpected shape or type, and for values that are not finite
    numbers.
    """
    return _read(path, {".safetensors": _read_safetensors, ".npz": _read_archive, ".h5": _read_keras})


def convert(source: Path, target: Path) -> Weights:
    """Converts the weights in `source` (.safetensors, .npz, .h5 or .pth) to `target` as safetensors; returns them.

    Nothing is left at `target` when this fails. Raises WeightsError as `read_weights` does, when a .pth is given and PyTorch is
    not installed, and when the target cannot be written.
    """
    if target.suffix != ".safetensors":
        raise WeightsError(f"Converted weights are written as .safetensors; the target is '{target.name}'.")
    weights = _read(source, {".safetensors": _read_safetensors, ".npz": _read_archive, ".h5": _read_keras, ".pth": _read_torch})
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".convert-") as folder:
            part = Path(folder) / target.name
            artifacts.save(weights, part)
            part.replace(target)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"'{target}' cannot be written: {error}.") from error
    return weights


_DAMAGED = "It is damaged, or not what its ending says: get it again."
_HINT = "The file is damaged, or not of a network that is read here; see 'stylepipe weights convert --help'."


def _read(path: Path, readers: Mapping[str, _Reader]) -> Weights:
    reader = readers.get(path.suffix)
    if reader is None:
        hint = "'stylepipe weights convert' makes a .safetensors of it." if path.suffix == ".pth" else "Give one of those."
        raise WeightsError(f"'{path.name}' is no file of weights that can be read; allowed is {', '.join(readers)}.", hint=hint)
    try:
        require_regular(path)
        if path.stat().st_size > _LARGEST_FILE:
            raise WeightsError(f"The file has more than {_LARGEST_FILE >> 20} MiB, which no VGG has.")
        made_here = path.suffix == ".safetensors" and _is_artifact(path)
        weights = _read_artifact(path) if made_here else Weights(*reader(path))
        for name, tensor in weights.tensors.items():
            if not np.isfinite(tensor).all():
                raise WeightsError(f"The tensor '{name}' has values that are not finite numbers.")
        if not made_here and "network" not in weights.metadata:
            weights = Weights(weights.tensors, {"kind": "vgg", **weights.metadata, "input": "RGB in [0, 1]"})
            describe(weights)
    except WeightsError as error:
        error.within(f"'{path.name}'")
        error.hint = error.hint or _HINT
        raise
    except FileNotFoundError as error:
        raise WeightsError(f"There is no file '{path}'.", hint="Check its name and its folder.") from error
    except OSError as error:
        raise WeightsError(f"'{path.name}' cannot be read: {error.strerror or _short(error)}.", hint=_DAMAGED) from error
    except Exception as error:  # h5py, NumPy, safetensors and PyTorch raise whatever they stumble over in a damaged file
        raise WeightsError(f"'{path.name}' cannot be read: {_short(error)}.", hint=_DAMAGED) from error
    return weights


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__


def _require_floats(kinds: Mapping[str, str]) -> None:
    """Returns the types by tensor name, as NumPy or safetensors spell them."""
    for name, kind in kinds.items():
        if kind not in ("float32", "float16", "F32", "F16"):
            raise WeightsError(f"The tensor '{name}' is of type {kind}; allowed is float32, float16.")


# --- safetensors --------------------------------------------------------------------------------------------------------


def _is_artifact(path: Path) -> bool:
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if _LARGEST_HEADER < header < path.stat().st_size:
        raise WeightsError(f"The file's list of tensors takes {header} bytes, which no network needs.")
    with safe_open(path, framework="numpy") as file:
        return "stylepipe" in (file.metadata() or {})


def _read_artifact(path: Path) -> Weights:
    with safe_open(path, framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118
            if (kind := file.get_slice(name).get_dtype()) not in _REAL:
                raise WeightsError(f"The tensor '{name}' is of type {kind}; allowed is {', '.join(_REAL)}.")
    artifact = artifacts.load(path)
    if not isinstance(artifact, Weights):
        raise WeightsError(f"The file is of the kind '{artifacts.kind_of(artifact)}', not weights.")
    return artifact


def _read_safetensors(path: Path) -> tuple[_Tensors, dict[str, str]]:
    with safe_open(path, framework="numpy") as file:
        if variables := [name for name in file.keys() if name.startswith("Variable")]:  # noqa: SIM118
            _require_floats({name: file.get_slice(name).get_dtype() for name in variables})
            return _from_variables({name: file.get_tensor(name) for name in variables})
        names = [name for name in file.keys() if re.match(r"conv\d_\d/|normalise/|features\.", name)]  # noqa: SIM118
        _require_floats({name: file.get_slice(name).get_dtype() for name in names})
        tensors = {name: file.get_tensor(name) for name in names}
        stated = file.metadata() or {}
    if any(name.startswith("features.") for name in tensors):
        return _from_torchvision(tensors)
    if "normalise/kernel" not in tensors:
        tensors |= _input_in_words(stated.get("input", ""))
    return tensors, {name: stated[name] for name in ("source", "license") if name in stated} | {
        "pooling": _in_words(stated, "pooling", {"max": "max", "average": "average", "l2": "l2"}),
        "padding": _in_words(stated, "padding", {"zero": "zeros", "same": "zeros", "reflect": "reflect", "edge": "edge"}),
    }


def _in_words(stated: Mapping[str, str], name: str, meanings: Mapping[str, str]) -> str:
    """Returns the meaning of the first known word in the file's metadata, such as 'max 2x2', or the metadata itself."""
    text = stated.get(name, "")
    return next((meaning for word, meaning in meanings.items() if word in text.lower()), text)


def _input_in_words(text: str) -> _Tensors:
    """Parses a normalization such as 'BGR 0..255 minus (104, 117, 124)' or 'RGB in [0, 1] minus (…) over (…)'."""
    number = r"(\d+(?:\.\d*)?)"
    three = rf"\({number}, ?{number}, ?{number}\)"
    match = re.fullmatch(rf"(RGB|BGR) (?:0\.\.(255)|in \[0, ?1\])(?: minus {three})?(?: over {three})?", text)
    if match is None:
        raise WeightsError(
            f"The weights hold no 'normalise/kernel', and state the input '{text}'.",
            hint="Understood is RGB or BGR, then 0..255 or 'in [0, 1]', then minus (a, b, c), then over (a, b, c).",
        )
    order, top, *numbers = match.groups()
    means, deviations = [float(n or 0) for n in numbers[:3]], [float(n or 1) for n in numbers[3:]]
    return _normalization(means, deviations, bgr=order == "BGR", top=float(top or 1))


def _normalization(means: Sequence[float], deviations: Sequence[float], *, bgr: bool, top: float) -> _Tensors:
    """Returns the affine map from RGB in [0, 1] to channels of [0, top] (BGR if so), minus the means, over the deviations."""
    channels = np.eye(3)[::-1] if bgr else np.eye(3)
    return {
        "normalise/kernel": (top * channels / deviations).astype(np.float32)[None, None],
        "normalise/bias": (-np.asarray(means) / deviations).astype(np.float32),
    }


# --- networks of styles -------------------------------------------------------------------------------------------------


def _read_archive(path: Path) -> tuple[_Tensors, dict[str, str]]:
    from stylepipe.neural.weights import fast_style_transfer

    return fast_style_transfer.read_archive(path)


def _from_variables(tensors: _Tensors) -> tuple[_Tensors, dict[str, str]]:
    from stylepipe.neural.weights import fast_style_transfer

    return fast_style_transfer.from_variables(tensors)


# --- Keras --------------------------------------------------------------------------------------------------------------


def _read_keras(path: Path) -> tuple[_Tensors, dict[str, str]]:
    """Reads groups block1_conv1 … with block1_conv1_W_1:0 (as published) or block1_conv1/kernel:0; kernels as here.

    The whole of VGG-19 is scaled as vgg19-shallow is, so that a recipe means the same with each.
    """
    import h5py

    tensors = _normalization(_CAFFE_MEANS, (1.0, 1.0, 1.0), bgr=True, top=255.0)
    with h5py.File(path, "r") as file:
        datasets: dict[str, h5py.Dataset] = {}
        for block, index in places(DEEPEST):
            group = f"block{block}_conv{index}"
            for part, letter in (("kernel", "W"), ("bias", "b")):
                for name in (f"{group}/{group}_{letter}_1:0", f"{group}/{group}/{part}:0"):
                    if (dataset := _own_dataset(file, name)) is not None:
                        datasets[f"conv{block}_{index}/{part}"] = dataset
        _require_floats({name: str(dataset.dtype) for name, dataset in datasets.items()})
        shapes = {name: tensor.shape for name, tensor in (tensors | datasets).items()}
        check_shapes(shapes)
        tensors |= {name: dataset[()] for name, dataset in datasets.items()}
    if is_vgg19(shapes):
        tensors = at_one_scale(tensors)
    return tensors, {"pooling": "max", "padding": "zeros", "source": f"Keras applications, {path.name}", "license": _LICENSE}


def _own_dataset(file: Any, path: str) -> Any | None:
    """Returns the dataset at a path if its data lie in this file, in chunks no larger than itself; follows no links."""
    import h5py

    prefixes = accumulate(path.split("/"), "{}/{}".format)
    if not all(isinstance(file.get(prefix, getlink=True), h5py.HardLink) for prefix in prefixes):
        return None
    dataset = file[path]
    elsewhere = not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external
    return None if elsewhere or math.prod(dataset.chunks or ()) > math.prod(dataset.shape) else dataset


# --- PyTorch ------------------------------------------------------------------------------------------------------------


def _read_torch(path: Path) -> tuple[_Tensors, dict[str, str]]:
    try:
        import torch  # pyright: ignore[reportMissingImports] (not a dependency)
    except ImportError as error:
        raise WeightsError(
            "Reading a .pth needs PyTorch, which is not installed.", hint="Install it with 'pip install torch', for this once."
        ) from error
    if tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6):
        raise WeightsError("Reading a .pth needs PyTorch 2.6 or later: earlier ones can be made to run what a file says.")
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, Mapping):
        raise WeightsError("The file holds no state dict.")
    state = {name: tensor for name, tensor in loaded.items() if name.startswith("features.")}
    _require_floats({name: str(tensor.dtype).removeprefix("torch.") for name, tensor in state.items()})
    return _from_torchvision({name: tensor.numpy() for name, tensor in state.items()})


def _from_torchvision(state: Mapping[str, np.ndarray]) -> tuple[_Tensors, dict[str, str]]:
    """Reads features.0.weight … as (out, in, height, width), numbered together with the ReLUs and pools."""
    tensors = _normalization(_IMAGENET_MEANS, _IMAGENET_DEVIATIONS, bgr=False, top=1.0)
    block, index, previous = 1, 0, -2
    for number in sorted({int(name.split(".")[1]) for name in state}):
        weight, bias = (state.get(f"features.{number}.{part}") for part in ("weight", "bias"))
        if weight is None or bias is None or weight.ndim != 4 or number - previous not in (2, 3):
            raise WeightsError(f"'features.{number}' is not where a VGG without batch normalization has a convolution.")
        block, index = (block, index + 1) if number - previous == 2 else (block + 1, 1)
        previous = number
        tensors |= {f"conv{block}_{index}/kernel": weight.transpose(2, 3, 1, 0), f"conv{block}_{index}/bias": bias}
    return tensors, {"pooling": "max", "padding": "zeros", "source": "torchvision", "license": _LICENSE}
