"""Networks in the layout of the fast-style-transfer checkpoints (L. Engstrom 2016, "Fast Style Transfer in TensorFlow").

Their variables have no names, but numbers in the order of the layers, three for each: the kernel, the shift, the scale. So the
first layer is `Variable`, `Variable_1` and `Variable_2`, and the last of the usual sixteen ends with `Variable_47`; ':0' after
a name is understood. Kernels are (height, width, in, out), those of transposed convolutions (height, width, out, in).

The network is that of `networks.transformation` with zeros around the maps and transposed upsampling, but for two scales. Its
pictures are in [0, 255]: the first kernel is multiplied by 255. The ε of its normalization is 1e-3, not 1e-5: all kernels are
multiplied by 1/10, which comes to the same.
"""

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stylepipe.errors import WeightsError
from stylepipe.neural.networks.transformation_layout import DEEPEST, WIDEST, Transformation
from stylepipe.paths import open_regular
from stylepipe.zip_directory import directory_bytes

_VARIABLE = re.compile(r"Variable(?:_(\d{1,3}))?(?::0)?")
_EPSILONS = math.sqrt(1e-5 / 1e-3)
_LARGEST = 2**28
_LARGEST_DIRECTORY = 2**19  # some thousand members


def is_variable(name: str) -> bool:
    """Returns whether a tensor has a name of this layout."""
    return _VARIABLE.fullmatch(name) is not None


def read_archive(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads tensors and metadata from a NumPy archive (.npz); refuses pickled objects unread."""
    with open_regular(path) as file:
        directory = directory_bytes(file)
        if directory is None:
            raise zipfile.BadZipFile("it does not end as a zip file of NumPy's does")
        if directory > _LARGEST_DIRECTORY:
            raise WeightsError(f"The archive's list of members has more than {_LARGEST_DIRECTORY >> 10} KiB.")
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > _LARGEST:
            raise WeightsError(f"The archive holds more than {_LARGEST >> 20} MiB, which no network of styles has.")
    with np.load(path, allow_pickle=False) as file:
        return from_variables({name: file[name] for name in file.files if is_variable(name)})


def from_variables(variables: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Converts tensors and metadata of the network. Raises WeightsError naming the variable that does not fit."""
    named = [(match, np.asarray(tensor)) for name, tensor in variables.items() if (match := _VARIABLE.fullmatch(name))]
    numbered = {int(match[1] or 0): tensor for match, tensor in named}
    if len(numbered) < len(named):
        raise WeightsError("Two of the variables 'Variable', 'Variable_1' … have the same number.")
    network = _network(numbered)
    tensors: dict[str, np.ndarray] = {}
    for number, (layer, shape) in enumerate(network.layers.items()):
        upsampled = layer.startswith("up")
        expected = (*shape[:2], shape[3], shape[2]) if upsampled else shape
        kernel = _fitting(numbered, 3 * number, expected, layer)
        kernel = kernel[::-1, ::-1].swapaxes(2, 3) if upsampled else kernel
        tensors[f"{layer}/kernel"] = np.float32(_EPSILONS * (255 if layer == "first" else 1)) * kernel
        tensors[f"{layer}/shift"] = _fitting(numbered, 3 * number + 1, shape[3:], layer)[None]
        tensors[f"{layer}/scale"] = _fitting(numbered, 3 * number + 2, shape[3:], layer)[None]
    return tensors, network.metadata


def _network(numbered: Mapping[int, np.ndarray]) -> Transformation:
    blocks, rest = divmod(len(numbered) - 18, 6)
    gap = next((number for number in range(max(numbered, default=0)) if number not in numbered), None)
    if gap is not None or rest or not 0 <= blocks <= DEEPEST:
        lacking = "" if gap is None else f", and not {_name(gap)}"
        raise WeightsError(
            f"The file holds {len(numbered)} of the variables 'Variable', 'Variable_1' …{lacking}; expected are 18 and 6 more "
            "for each residual block, numbered without a gap.",
            hint="The usual network has 48.",
        )
    channels = (*numbered[0].shape, 0)[3:4] or (0,)
    if not 1 <= channels[0] <= WIDEST:
        raise WeightsError(f"'Variable' has shape {numbered[0].shape}; expected is (9, 9, 3, 1…{WIDEST}).")
    return Transformation(channels[0], blocks, 1, padding="zeros", upsampling="transposed")


def _fitting(numbered: Mapping[int, np.ndarray], number: int, expected: tuple[int, ...], layer: str) -> np.ndarray:
    tensor, name = numbered[number], _name(number)
    if tensor.shape != expected:
        raise WeightsError(f"{name}, a part of the layer '{layer}', has shape {tensor.shape}; expected is {expected}.")
    if tensor.dtype not in (np.float32, np.float16):
        raise WeightsError(f"{name} is of type {tensor.dtype}; allowed is float32, float16.")
    return tensor.astype(np.float32)


def _name(number: int) -> str:
    return f"'Variable_{number}'" if number else "'Variable'"
