"""Files of weights in the published layouts, made here with small random values, and files that are none of them."""

import re
import sys

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from stylepipe import artifacts
from stylepipe.artifacts import Mask, Weights
from stylepipe.errors import WeightsError
from stylepipe.neural.encoders.vgg_layout import Vgg, describe
from stylepipe.neural.weights.published_layouts import convert, read_weights

WIDTHS = {"conv1_1": (3, 4), "conv1_2": (4, 4), "conv2_1": (4, 5)}
CANONICAL = {"pooling": "max", "padding": "zeros"}


@pytest.fixture
def layers():
    """Kernels (height, width, in, out) and biases of a small VGG."""
    draw = np.random.default_rng(0)
    tensors = {}
    for name, (before, after) in WIDTHS.items():
        tensors[f"{name}/kernel"] = draw.normal(size=(3, 3, before, after)).astype(np.float32)
        tensors[f"{name}/bias"] = draw.normal(size=after).astype(np.float32)
    return tensors


@pytest.fixture
def network(layers):
    return layers | {"normalise/kernel": np.eye(3, dtype=np.float32)[None, None], "normalise/bias": np.zeros(3, np.float32)}


def keras_published(layer: str, part: str) -> str:
    group = f"block{layer[4]}_conv{layer[6]}"
    return f"{group}/{group}_{'W' if part == 'kernel' else 'b'}_1:0"


def keras_nested(layer: str, part: str) -> str:
    group = f"block{layer[4]}_conv{layer[6]}"
    return f"{group}/{group}/{part}:0"


def write_keras(path, layers, spell=keras_published):
    with h5py.File(path, "w") as file:
        for name, values in layers.items():
            file[spell(*name.split("/"))] = values
        file.create_group("block1_pool")


def torchvision_state(layers) -> dict[str, np.ndarray]:
    """features.0, .2 | pool .4 | .5, as torchvision numbers convolutions, ReLUs and pools."""
    state = {"classifier.0.weight": np.zeros((2, 2), np.float32)}
    for name, number in {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5}.items():
        state[f"features.{number}.weight"] = np.ascontiguousarray(layers[f"{name}/kernel"].transpose(3, 2, 0, 1))
        state[f"features.{number}.bias"] = layers[f"{name}/bias"]
    return state


def normalized(weights, rgb):
    """What conv1_1 receives for a pixel of RGB in [0, 1]."""
    return np.asarray(rgb) @ weights.tensors["normalise/kernel"][0, 0] + weights.tensors["normalise/bias"]


def same(weights, layers):
    assert set(weights.tensors) == {*layers, "normalise/kernel", "normalise/bias"}
    for name, values in layers.items():
        np.testing.assert_array_equal(weights.tensors[name], values)


@pytest.mark.parametrize("spell", [keras_published, keras_nested])
def test_keras(tmp_path, layers, spell):
    write_keras(tmp_path / "net.h5", layers, spell)
    weights = read_weights(tmp_path / "net.h5")
    same(weights, layers)
    assert describe(weights) == Vgg((2, 1), "max", "zeros")
    red, green, blue = 0.2, 0.4, 0.6
    expected = [255 * blue - 103.939, 255 * green - 116.779, 255 * red - 123.68]
    np.testing.assert_allclose(normalized(weights, [red, green, blue]), expected, rtol=1e-5)


def test_torchvision_names_in_safetensors(tmp_path, layers):
    save_file(torchvision_state(layers), tmp_path / "net.safetensors")
    weights = read_weights(tmp_path / "net.safetensors")
    same(weights, layers)
    red, green, blue = 0.2, 0.4, 0.6
    expected = [(red - 0.485) / 0.229, (green - 0.456) / 0.224, (blue - 0.406) / 0.225]
    np.testing.assert_allclose(normalized(weights, [red, green, blue]), expected, rtol=1e-5)


def test_torchvision_pth(tmp_path, layers):
    torch = pytest.importorskip("torch", reason="PyTorch is no dependency of the tests")
    torch.save({name: torch.tensor(values) for name, values in torchvision_state(layers).items()}, tmp_path / "net.pth")
    same(convert(tmp_path / "net.pth", tmp_path / "net.safetensors"), layers)
    same(read_weights(tmp_path / "net.safetensors"), layers)


def test_pth_with_code_in_it_is_not_run(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is no dependency of the tests")
    torch.save({"features.0.weight": pytest.fail}, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=r"'net.pth' cannot be read: "):
        convert(tmp_path / "net.pth", tmp_path / "net.safetensors")


def test_pth_without_pytorch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "net.pth").write_bytes(b"")
    with pytest.raises(WeightsError, match="needs PyTorch, which is not installed"):
        convert(tmp_path / "net.pth", tmp_path / "net.safetensors")


def test_converted_is_read_as_it_was(tmp_path, layers):
    write_keras(tmp_path / "net.h5", layers)
    written = convert(tmp_path / "net.h5", tmp_path / "net.safetensors")
    read = read_weights(tmp_path / "net.safetensors")
    assert read.metadata == written.metadata
    assert {"kind", "pooling", "padding", "input", "source", "license"} == set(read.metadata)
    for name, values in written.tensors.items():
        np.testing.assert_array_equal(read.tensors[name], values)


def test_float16_is_kept_and_heads_are_left_out(tmp_path, network):
    halves = {name: values.astype(np.float16) for name, values in network.items()}
    save_file(halves | {"head1_1/kernel": np.ones(2)}, tmp_path / "net.safetensors", metadata=CANONICAL)
    weights = read_weights(tmp_path / "net.safetensors")
    assert {values.dtype.name for values in weights.tensors.values()} == {"float16"}
    assert "head1_1/kernel" not in weights.tensors


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"pooling": "max 2x2", "padding": "same (zeros)"}, ("max", "zeros")),
        ({"pooling": "Average", "padding": "reflect"}, ("average", "reflect")),
        ({"pooling": "L2", "padding": "edge"}, ("l2", "edge")),
    ],
)
def test_pooling_and_padding_in_words(tmp_path, network, stated, expected):
    save_file(network, tmp_path / "net.safetensors", metadata=stated)
    vgg = describe(read_weights(tmp_path / "net.safetensors"))
    assert (vgg.pooling, vgg.padding) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("BGR 0..255 minus (103.939,116.779,123.68)", [153 - 103.939, 102 - 116.779, 51 - 123.68]),
        ("RGB 0..255 minus (10, 20, 30) over (2, 4, 5)", [41 / 2, 82 / 4, 123 / 5]),
        ("RGB in [0, 1] minus (0.1, 0.2, 0.3)", [0.1, 0.2, 0.3]),
        ("BGR in [0,1]", [0.6, 0.4, 0.2]),
    ],
)
def test_input_in_words(tmp_path, layers, stated, expected):
    save_file(layers, tmp_path / "net.safetensors", metadata={"input": stated, **CANONICAL})
    weights = read_weights(tmp_path / "net.safetensors")
    np.testing.assert_allclose(normalized(weights, [0.2, 0.4, 0.6]), expected, rtol=1e-5)


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stated", ["", "YUV 0..255", "RGB 0..255 minus (1, 2)", "RGB 0..256"])
def test_input_that_is_not_understood(tmp_path, layers, stated):
    save_file(layers, tmp_path / "net.safetensors", metadata={"input": stated, **CANONICAL})
    with pytest.raises(WeightsError, match=re.escape(f"the input '{stated}'. Understood is RGB or BGR")):
        read_weights(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("conv1_2/kernel", np.zeros((3, 3, 4, 4), np.float64), "'conv1_2/kernel' is of type F64; allowed is float32, float16"),
        ("conv1_2/bias", np.zeros(4, np.int32), "'conv1_2/bias' is of type I32"),
        ("conv1_2/bias", np.array([0, np.nan, 0, 0], np.float32), "'conv1_2/bias' has values that are not finite"),
        ("conv2_1/kernel", np.zeros((3, 3, 3, 5), np.float32), r"'conv2_1/kernel' has shape \(3, 3, 3, 5\)"),
    ],
)
def test_tensor_that_does_not_fit_is_named_with_its_file(tmp_path, network, name, values, message):
    save_file(network | {name: values}, tmp_path / "net.safetensors", metadata=CANONICAL)
    with pytest.raises(WeightsError, match=f"'net.safetensors': .*{message}"):
        read_weights(tmp_path / "net.safetensors")


def test_keras_of_other_types_and_shapes(tmp_path, layers):
    write_keras(tmp_path / "net.h5", layers | {"conv1_2/bias": np.zeros(4)})
    with pytest.raises(WeightsError, match="'conv1_2/bias' is of type float64"):
        read_weights(tmp_path / "net.h5")
    write_keras(tmp_path / "net.h5", layers | {"conv1_2/bias": np.zeros(5, np.float32)})
    with pytest.raises(WeightsError, match=r"'conv1_2/bias' has shape \(5,\)"):
        read_weights(tmp_path / "net.h5")


def test_keras_of_hostile_size_is_refused_unread(tmp_path, layers):
    """A few kilobytes that state 10¹⁵ numbers."""
    write_keras(tmp_path / "net.h5", layers)
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        name = keras_published("conv2_1", "kernel")
        del file[name]
        file.create_dataset(name, (3, 3, 4, 10**13), np.float32, chunks=(3, 3, 4, 100))
    with pytest.raises(WeightsError, match=r"'conv2_1/kernel' has shape \(3, 3, 4, 10000000000000\)"):
        read_weights(tmp_path / "net.h5")


def _linked(file, name, elsewhere):
    file[name] = h5py.ExternalLink(str(elsewhere), name)


def _virtual(file, name, elsewhere):
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource(str(elsewhere), name, (4,))
    file.create_virtual_dataset(name, layout)


def _external(file, name, elsewhere):
    file.create_dataset(name, (4,), np.float32, external=[(str(elsewhere), 0, 16)])


def _large_chunk(file, name, elsewhere):
    file.create_dataset(name, (4,), np.float32, chunks=(2**28,), maxshape=(None,))


@pytest.mark.parametrize("store", [_linked, _virtual, _external, _large_chunk])
def test_keras_data_that_lie_elsewhere_are_not_read(tmp_path, layers, store):
    write_keras(tmp_path / "elsewhere.h5", layers)
    name = keras_published("conv1_1", "bias")
    write_keras(tmp_path / "net.h5", layers)
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        del file[name]
        store(file, name, tmp_path / "elsewhere.h5")
    with pytest.raises(WeightsError, match="hold no 'conv1_1/bias'"):
        read_weights(tmp_path / "net.h5")


def test_batch_normalization_is_refused(tmp_path, layers):
    state = torchvision_state(layers) | {"features.1.weight": np.ones(4, np.float32), "features.1.bias": np.ones(4, np.float32)}
    save_file(state, tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match=r"'features.1' is not where a VGG without batch normalization has a convolution"):
        read_weights(tmp_path / "net.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".h5"])
@pytest.mark.parametrize("damage", ["empty", "cut", "noise"])
def test_damaged_files(tmp_path, network, suffix, damage):
    path = tmp_path / f"net{suffix}"
    if suffix == ".h5":
        write_keras(path, {name: values for name, values in network.items() if name.startswith("conv")})
    else:
        save_file(network, path, metadata=CANONICAL)
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "noise":
            path.write_bytes(np.random.default_rng(0).bytes(2000))
    with pytest.raises(WeightsError, match=f"'net{suffix}' cannot be read: "):
        read_weights(path)


def test_a_file_larger_than_any_vgg_is_not_opened(tmp_path):
    with (tmp_path / "net.h5").open("wb") as file:
        file.truncate(2**30 + 1)  # sparse
    with pytest.raises(WeightsError, match=r"'net.h5': The file has more than 1024 MiB, which no VGG has\."):
        read_weights(tmp_path / "net.h5")


def test_other_kinds_of_files(tmp_path):
    with pytest.raises(
        WeightsError, match=r"'net.pth' is no file .* allowed is .safetensors, .npz, .h5. 'stylepipe weights convert'"
    ):
        read_weights(tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=r"'net.npy' is no file .* allowed is .safetensors, .npz, .h5, .pth"):
        convert(tmp_path / "net.npy", tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match=r"written as .safetensors; the target is 'net.h5'"):
        convert(tmp_path / "net.npz", tmp_path / "net.h5")


def test_failed_conversion_leaves_nothing(tmp_path, layers):
    write_keras(tmp_path / "net.h5", layers)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "net.safetensors").mkdir()  # cannot be replaced by a file
    with pytest.raises(WeightsError, match=r"net.safetensors' cannot be written: "):
        convert(tmp_path / "net.h5", tmp_path / "out" / "net.safetensors")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["net.safetensors"]
    with pytest.raises(WeightsError, match="cannot be written: "):
        convert(tmp_path / "net.h5", tmp_path / "nowhere" / "net.safetensors")


# --- what runs make -------------------------------------------------------------------------------------------------------


def test_what_a_run_made_is_taken_as_it_is(tmp_path):
    made = Weights({"relu1_1/head": np.ones((2, 3), np.float16), "anything": np.int32(4)}, {"network": "another"})
    artifacts.save(made, tmp_path / "made.safetensors")
    found = read_weights(tmp_path / "made.safetensors")
    assert artifacts.digest(found) == artifacts.digest(made)


def test_what_a_run_made_and_is_no_network(tmp_path):
    artifacts.save(Mask(np.ones((2, 2), np.float32)), tmp_path / "mask.safetensors")
    with pytest.raises(WeightsError, match=r"'mask.safetensors': The file is of the kind 'mask', not weights"):
        read_weights(tmp_path / "mask.safetensors")


def test_what_a_run_made_and_is_not_finite(tmp_path):
    artifacts.save(Weights({"a": np.float32([1, np.inf])}), tmp_path / "made.safetensors")
    with pytest.raises(WeightsError, match="The tensor 'a' has values that are not finite numbers"):
        read_weights(tmp_path / "made.safetensors")
