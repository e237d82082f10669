"""Networks in the layout of fast-style-transfer: their result by the program's own formulas, and what is refused."""

import io
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from stylepipe.errors import WeightsError
from stylepipe.neural.networks.feedforward import stylized
from stylepipe.neural.networks.transformation_layout import Transformation, describe
from stylepipe.neural.weights.published_layouts import convert, read_weights

CHANNELS = 2


def variables(blocks: int = 1) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    c = CHANNELS
    kernels = [(9, 9, 3, c), (3, 3, c, 2 * c), (3, 3, 2 * c, 4 * c), *[(3, 3, 4 * c, 4 * c)] * (2 * blocks)]
    transposed = [(3, 3, 2 * c, 4 * c), (3, 3, c, 2 * c)]  # (…, out, in)
    found = []
    for shape, out in [*((k, k[3]) for k in kernels), *((k, k[2]) for k in transposed), ((9, 9, c, 3), 3)]:
        found += [0.1 * draw.normal(size=shape), 0.1 * draw.normal(size=out), 1 + 0.1 * draw.normal(size=out)]
    return {f"Variable_{number}" if number else "Variable": np.float32(tensor) for number, tensor in enumerate(found)}


def defined(held: dict[str, np.ndarray], picture: np.ndarray) -> np.ndarray:
    """The program in float64: TensorFlow's 'SAME' convolutions, their transposes, and normalization with ε 1e-3."""
    tensors = iter(np.float64(tensor) for tensor in held.values())

    def same(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
        height, width, _ = x.shape
        size = len(kernel)
        total = size - stride
        padded = np.pad(x, ((total // 2, total - total // 2),) * 2 + ((0, 0),))
        y = np.zeros((height // stride, width // stride, kernel.shape[3]))
        for i in range(size):
            for j in range(size):
                y += padded[i : i + height - stride + 1 : stride, j : j + width - stride + 1 : stride] @ kernel[i, j]
        return y

    def transpose(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """The gradient of `same` with stride 2: each pixel spreads over 3×3, of which the last row and column are cut."""
        height, width, _ = x.shape
        y = np.zeros((2 * height + 1, 2 * width + 1, kernel.shape[2]))
        for i in range(3):
            for j in range(3):
                y[i : i + 2 * height : 2, j : j + 2 * width : 2] += x @ kernel[i, j].T
        return y[:-1, :-1]

    def norm(x: np.ndarray) -> np.ndarray:
        shift, scale = next(tensors), next(tensors)
        return scale * (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-3) + shift

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    x = relu(norm(same(255 * np.float64(picture), next(tensors), 1)))
    x = relu(norm(same(x, next(tensors), 2)))
    x = relu(norm(same(x, next(tensors), 2)))
    x = x + norm(same(relu(norm(same(x, next(tensors), 1))), next(tensors), 1))
    x = relu(norm(transpose(x, next(tensors))))
    x = relu(norm(transpose(x, next(tensors))))
    x = norm(same(x, next(tensors), 1))
    return np.clip((np.tanh(x) * 150 + 255 / 2) / 255, 0, 1)


def test_the_result_is_that_of_the_program(tmp_path):
    held = variables()
    picture = np.random.default_rng(1).random((12, 8, 3), dtype=np.float32)
    np.savez(tmp_path / "net.npz", **held)
    weights = read_weights(tmp_path / "net.npz")
    assert describe(weights) == Transformation(CHANNELS, 1, 1, padding="zeros", upsampling="transposed")
    np.testing.assert_allclose(stylized(weights, picture, [1.0]), defined(held, picture), atol=1e-4)


def test_safetensors_with_names_of_tensorflow_are_converted(tmp_path):
    save_file({f"{name}:0": tensor for name, tensor in variables().items()}, tmp_path / "net.safetensors")
    np.savez(tmp_path / "net.npz", **variables(), global_step=np.ones(1))
    converted = convert(tmp_path / "net.safetensors", tmp_path / "own.safetensors")
    read = read_weights(tmp_path / "own.safetensors")
    assert read.metadata == converted.metadata
    for name, tensor in read_weights(tmp_path / "net.npz").tensors.items():
        np.testing.assert_array_equal(read.tensors[name], tensor)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Variable_5": None}, "'net.npz': The file holds 23 of the variables .*, and not 'Variable_5'; expected are 18"),
        ({"Variable_23": None}, "'net.npz': The file holds 23 of the variables 'Variable', 'Variable_1' …; expected are 18"),
        ({"Variable_4:0": np.zeros(4, np.float32)}, "'net.npz': Two of the variables .* have the same number"),
        (
            {"Variable": np.zeros((9, 9), np.float32)},
            r"'net.npz': 'Variable' has shape \(9, 9\); expected is \(9, 9, 3, 1…256\)",
        ),
        (
            {"Variable_15": np.zeros((3, 3, 8, 4), np.float32)},
            r"'Variable_15', a part of the layer 'up1', has shape \(3, 3, 8, 4\); expected is \(3, 3, 4, 8\)",
        ),
        ({"Variable_4": np.zeros(4)}, "'Variable_4' is of type float64; allowed is float32, float16"),
        ({"Variable_4": np.full(4, np.nan, np.float32)}, "'down1/shift' has values that are not finite"),
        ({"Variable_4": np.array([{}, 1, 2, 3])}, "cannot be read: Object arrays cannot be loaded"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changed, message):
    held = {name: tensor for name, tensor in {**variables(), **changed}.items() if tensor is not None}
    np.savez(tmp_path / "net.npz", **held)
    with pytest.raises(WeightsError, match=message):
        read_weights(tmp_path / "net.npz")


def test_archives_that_are_damaged_or_claim_too_much_are_refused(tmp_path):
    held = variables()
    np.savez_compressed(tmp_path / "net.npz", **held)
    whole = (tmp_path / "net.npz").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(whole)
        for place in random.integers(100, len(whole), 5):
            damaged[place] ^= 0xFF
        (tmp_path / "net.npz").write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"'net.npz'"):
            read_weights(tmp_path / "net.npz")
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 64)})
        archive.writestr("Variable.npy", header.getvalue())
    with pytest.raises(WeightsError, match=r"'net.npz' cannot be read"):
        read_weights(tmp_path / "net.npz")


def test_what_is_no_array_is_refused(tmp_path):
    np.savez(tmp_path / "net.npz", **{name: tensor for name, tensor in variables().items() if name != "Variable"})
    with zipfile.ZipFile(tmp_path / "net.npz", "a") as archive:
        archive.writestr("Variable", b"no array")
    with pytest.raises(WeightsError, match=r"'Variable' has shape \(\)"):
        read_weights(tmp_path / "net.npz")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "net.npz").write_bytes(b"no archive")
    with pytest.raises(WeightsError, match=r"'net.npz' cannot be read"):
        read_weights(tmp_path / "net.npz")
