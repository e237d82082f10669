"""What people get told about files that cannot be used: each with its exact message, and exit code 2."""

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import PIL.Image
import pytest
from safetensors.numpy import save

RECIPE = """\
stylepipe: 1
name: inputs
params: {photo: good.png, mask: good.png, net: ./good.safetensors}
inputs:
  photo: {image: $params.photo}
  region: {mask: $params.mask}
  net: {weights: $params.net}
stages:
  merged: {use: merge, image: $photo, mask: $region, extractor: $net}
output: $merged
"""


def picture(format_: str, array: np.ndarray | None = None, **options: Any) -> bytes:
    file = BytesIO()
    levels = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3) if array is None else array
    PIL.Image.fromarray(levels).save(file, format_, **options)
    return file.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """The beginning of a PNG that would be very large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return picture("PNG")[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"\0\0\0\0IDAT"


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def network(*, without: str = "", metadata: dict[str, str] | None = None, **changed: np.ndarray) -> bytes:
    """A network of two layers, as safetensors; `changed` tensors are named with __ for /."""
    tensors = {
        "normalise/kernel": np.eye(3, dtype=np.float32)[None, None],
        "normalise/bias": np.zeros(3, np.float32),
        "conv1_1/kernel": np.ones((3, 3, 3, 2), np.float32),
        "conv1_1/bias": np.zeros(2, np.float32),
        "conv1_2/kernel": np.ones((3, 3, 2, 2), np.float32),
        "conv1_2/bias": np.zeros(2, np.float32),
    }
    tensors |= {name.replace("__", "/"): tensor for name, tensor in changed.items()}
    tensors.pop(without, None)
    return save(tensors, {"pooling": "max", "padding": "zeros"} if metadata is None else metadata)


def keras(group: str) -> bytes:
    file = BytesIO()
    with h5py.File(file, "w") as written:
        written[f"{group}/{group}_W_1:0"] = np.zeros((3, 3, 3, 2), np.float32)
    return file.getvalue()


DAMAGED = (
    "is damaged, incomplete, or of a kind of {} that is not read.\nhint: Download it again, or save it as 8- or 16-bit PNG."
)
UNKNOWN = (
    "is not of a known format.\nhint: The pictures that are read end in "
    ".png, .jpg, .jpeg, .jpe, .jfif, .webp, .tif, .tiff, .gif, .bmp, .avif, .heic, .heif."
)
LARGE = "has {} pixels; at most 100000000 are read.\nhint: Make it smaller first."
SAMPLES = "has {}, which are not read.\nhint: Save it as 8- or 16-bit PNG."

PICTURES = [
    ("empty.png", b"", "is empty.\nhint: Download it again, or save it again."),
    ("text.png", b"once upon a time", "is not a PNG file.\nhint: Save it as PNG."),
    ("jpeg.png", picture("JPEG"), "is not a PNG file.\nhint: It is a JPEG file: let its name end in .jpg."),
    ("png.webp", picture("PNG"), "is not a WEBP file.\nhint: It is a PNG file: let its name end in .png."),
    ("gif.jpg", picture("GIF"), "is not a JPEG file.\nhint: It is a GIF file: let its name end in .gif."),
    ("photo.psd", picture("GIF"), UNKNOWN),
    ("photo.heic", b"\0\0\0\x18ftypheic", DAMAGED.format("HEIF")),
    ("photo", picture("PNG"), UNKNOWN),
    ("half.png", half(picture("PNG")), DAMAGED.format("PNG")),
    ("half.jpg", half(picture("JPEG")), DAMAGED.format("JPEG")),
    ("half.webp", half(picture("WEBP")), DAMAGED.format("WEBP")),
    ("half.tif", half(picture("TIFF")), DAMAGED.format("TIFF")),
    ("beginning.png", picture("PNG")[:8], DAMAGED.format("PNG")),
    ("flipped.png", flipped(picture("PNG"), 60), DAMAGED.format("PNG")),
    ("nothing.png", png_of_size(0, 4), DAMAGED.format("PNG")),
    ("large.png", png_of_size(20_000, 5_001), LARGE.format("20000 × 5001")),
    ("vast.png", png_of_size(100_000, 100_000), LARGE.format("more than 178956970")),
    ("signed.tif", picture("TIFF", np.zeros((4, 4), np.int32)), SAMPLES.format("signed samples")),
    ("nan.tif", picture("TIFF", np.full((4, 4), np.nan, np.float32)), SAMPLES.format("samples that are not numbers")),
]
"""A file's name, what is in it, and what is said about it."""

READ_AGAIN = "\nhint: It is damaged, or not what its ending says: get it again."
NO_GAPS = "\nhint: A VGG's layers must be there without a gap, up to any depth."
CONVERT = "\nhint: 'stylepipe weights convert' brings a file of another layout into the form that is read here."
OTHER = "\nhint: The file is damaged, or not of a network that is read here; see 'stylepipe weights convert --help'."

NETWORKS = [
    ("empty.safetensors", b"", "cannot be read: Error while deserializing header: header too small." + READ_AGAIN),
    (
        "half.safetensors",
        half(network()),
        "cannot be read: Error while deserializing header: invalid header length." + READ_AGAIN,
    ),
    (
        "text.h5",
        b"once upon a time",
        "cannot be read: Unable to synchronously open file (file signature not found)." + READ_AGAIN,
    ),
    ("other.h5", keras("dense"), ": The weights hold no convolution." + NO_GAPS),
    ("gap.safetensors", network(without="conv1_1/kernel"), ": The weights hold conv1_2." + NO_GAPS),
    ("bias.safetensors", network(without="conv1_2/bias"), ": The weights hold no 'conv1_2/bias'." + CONVERT),
    (
        "silent.safetensors",
        network(metadata={}),
        ": The weights state no pooling; allowed is max, average, l2." + CONVERT,
    ),
    (
        "median.safetensors",
        network(metadata={"pooling": "median", "padding": "zeros"}),
        ": The weights state the pooling 'median'; allowed is max, average, l2." + CONVERT,
    ),
    (
        "wide.safetensors",
        network(conv1_1__kernel=np.ones((5, 5, 3, 2), np.float32)),
        ": The tensor 'conv1_1/kernel' has shape (5, 5, 3, 2); expected is (3, 3, 3, 1…512)." + CONVERT,
    ),
    (
        "double.safetensors",
        network(conv1_1__bias=np.zeros(2)),
        ": The tensor 'conv1_1/bias' is of type F64; allowed is float32, float16." + OTHER,
    ),
    (
        "nan.safetensors",
        network(conv1_1__bias=np.full(2, np.nan, np.float32)),
        ": The tensor 'conv1_1/bias' has values that are not finite numbers." + OTHER,
    ),
    (
        "net.pth",
        b"",
        "is no file of weights that can be read; allowed is .safetensors, .npz, .h5.\n"
        "hint: 'stylepipe weights convert' makes a .safetensors of it.",
    ),
    (
        "net.npz",
        b"nothing",
        "cannot be read: it does not end as a zip file of NumPy's does.\n"
        "hint: It is damaged, or not what its ending says: get it again.",
    ),
]

LOOKED = "hint: It was looked for at {home}/"
MISSING = "there is no such file."

REFERENCES = [
    ("photo=missing.png", f"5:18: input 'photo' names 'missing.png': {MISSING}\n{LOOKED}missing.png."),
    ("mask=no/such.png", f"6:18: input 'region' names 'no/such.png': {MISSING}\n{LOOKED}no/such.png."),
    ("net=./no.safetensors", f"7:18: input 'net' names './no.safetensors': {MISSING}\n{LOOKED}no.safetensors."),
    ("photo=good.png/a.png", f"5:18: input 'photo' names 'good.png/a.png': {MISSING}\n{LOOKED}good.png/a.png."),
    ("photo=folder.png", f"5:18: input 'photo' names 'folder.png': it is a folder.\n{LOOKED}folder.png."),
    ("photo=pipe.png", f"5:18: input 'photo' names 'pipe.png': it is not a regular file.\n{LOOKED}pipe.png."),
    ("photo=", "5:18: inputs.photo.image cannot be '' (from $params.photo): it is empty."),
    ("photo=a\nb.png", "5:18: inputs.photo.image cannot be 'a\\nb.png' (from $params.photo): it holds a control character."),
    ("net=vgg20", "7:18: input 'net': There are no weights 'vgg20'.\nhint: Did you mean 'vgg19'?"),
    (
        "net=vgg19",
        "7:18: input 'net': The weights 'vgg19' are not on this machine.\n"
        "hint: 'stylepipe weights pull vgg19' downloads them (80 MB).",
    ),
    (
        "net=vgg 19",
        "7:18: inputs.net.weights cannot be 'vgg 19' (from $params.net): expected a name such as vgg19-slim, or a path with "
        "a / or the ending .safetensors, .h5 or .npz.",
    ),
]
"""What is given with -p, and what is said."""


@pytest.fixture(autouse=True)
def good(home: Path) -> Path:
    (home / "recipe.yaml").write_text(RECIPE)
    (home / "good.png").write_bytes(picture("PNG"))
    (home / "good.safetensors").write_bytes(network())
    return home


def test_the_good_inputs_are_good(cli: Callable[..., Any]) -> None:
    assert cli("run", "recipe.yaml").code == 0


@pytest.mark.parametrize(("name", "data", "said"), PICTURES, ids=[name for name, _, _ in PICTURES])
def test_pictures(cli: Callable[..., Any], good: Path, name: str, data: bytes, said: str) -> None:
    (good / name).write_bytes(data)
    for param, place in (("photo", "5:18: input 'photo'"), ("mask", "6:18: input 'region'")):
        answer = cli("run", "recipe.yaml", "--quiet", "-p", f"{param}={name}")
        assert (answer.code, answer.out, answer.err) == (2, "", f"error: recipe.yaml:{place}: '{name}' {said}\n")


@pytest.mark.parametrize(("name", "data", "said"), NETWORKS, ids=[name for name, _, _ in NETWORKS])
def test_networks(cli: Callable[..., Any], good: Path, name: str, data: bytes, said: str) -> None:
    (good / name).write_bytes(data)
    said = said if said.startswith(":") else f" {said}"
    answer = cli("run", "recipe.yaml", "--quiet", "-p", f"net=./{name}")
    assert (answer.code, answer.out, answer.err) == (2, "", f"error: recipe.yaml:7:18: input 'net': '{name}'{said}\n")


@pytest.mark.parametrize(("param", "said"), REFERENCES, ids=[param for param, _ in REFERENCES])
def test_references(cli: Callable[..., Any], good: Path, param: str, said: str) -> None:
    (good / "folder.png").mkdir()
    os.mkfifo(good / "pipe.png")
    answer = cli("run", "recipe.yaml", "--quiet", "-p", param)
    assert (answer.code, answer.out, answer.err) == (2, "", f"error: recipe.yaml:{said.format(home=good)}\n")
    assert not (good / "outputs").exists()
