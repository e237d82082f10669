"""Files of weights that are wrong in one way, or in any: each is refused with a sentence, at once."""

import io
import json
import os
import signal
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from stylepipe.errors import WeightsError
from stylepipe.neural.weights import catalog
from stylepipe.neural.weights.published_layouts import convert, read_weights

VGG = {
    "normalise/kernel": np.eye(3, dtype=np.float32)[None, None],
    "normalise/bias": np.zeros(3, np.float32),
    "conv1_1/kernel": np.ones((3, 3, 3, 2), np.float32),
    "conv1_1/bias": np.zeros(2, np.float32),
}
OWN = {"kind": "weights", "metadata": {"pooling": "max", "padding": "zeros"}}
PUBLISHED = catalog.weights_catalog().entries["vgg19"].files[1]


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype: str, bits: int, name: str = "conv1_1/kernel") -> bytes:
    entry = {"dtype": dtype, "shape": [8], "data_offsets": [0, bits]}
    return safetensors({name: entry, "__metadata__": {"stylepipe": json.dumps(OWN)}}, bytes(bits))


def described(text: Any) -> bytes:
    return save(VGG, {"stylepipe": text if isinstance(text, str) else json.dumps(text)})


def many(count: int) -> bytes:
    return safetensors({f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(count)})


def keras(fill: Callable[[h5py.File], object]) -> bytes:
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        fill(file)
    return data.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


def npy(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=True)
    return data.getvalue()


KERNEL, BIAS = "block1_conv1/block1_conv1_W_1:0", "block1_conv1/block1_conv1_b_1:0"
CASES: dict[str, tuple[str, Callable[[], bytes]]] = {
    **{
        f"what it says of itself is {text!r}": ("safetensors", lambda text=text: described(text))
        for text in (5, None, [], "", "x", "[" * 50_000, {}, {"kind": "weights"}, {"kind": [], "metadata": {}})
    },
    **{
        f"metadata {value!r}": ("safetensors", lambda value=value: described({"kind": "weights", "metadata": value}))
        for value in (5, None, [], "x", {"pooling": 5}, {"pooling": None}, {"pooling": {"a": []}}, {"network": ["upscaler"]})
    },
    **{
        f"a header {header[:30]!r}": ("safetensors", lambda header=header: safetensors(header))
        for header in (
            *(b"5", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"__metadata__": 5}', b'{"__metadata__": null}'),
            *(b'{"__metadata__": []}', b'{"__metadata__": {"stylepipe": 5}}', b'{"a": null}', b'{"a": {"dtype": "F32"}}'),
            b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}',
            b'{"a": {"dtype": "F32", "shape": [18446744073709551615, 8], "data_offsets": [0, 0]}}',
        )
    },
    **{
        f"tensors of {dtype}": ("safetensors", lambda dtype=dtype, bits=bits: tensor(dtype, bits))
        for dtype, bits in {
            **{"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "C64": 64, "I4": 4, "Q8": 8},
        }.items()
    },
    "float8 of torchvision": ("safetensors", lambda: tensor("F8_E4M3", 8, "features.0.weight")),
    "float8 variables": ("safetensors", lambda: tensor("F8_E4M3", 8, "Variable")),
    "a hundred thousand tensors": ("safetensors", lambda: many(100_000)),
    "a mask": ("safetensors", lambda: described({"kind": "mask", "metadata": {}})),
    "an empty file": ("safetensors", lambda: b""),
    "no HDF5": ("h5", lambda: b"x" * 3000),
    "a group in the place of a tensor": ("h5", lambda: keras(lambda file: file.create_group(KERNEL))),
    "text in the place of a tensor": ("h5", lambda: keras(lambda file: file.create_dataset(KERNEL, data="text"))),
    "complex numbers": (
        "h5",
        lambda: keras(lambda file: file.create_dataset(KERNEL, data=np.ones((3, 3, 3, 2), np.complex64))),
    ),
    "fields": ("h5", lambda: keras(lambda file: file.create_dataset(KERNEL, data=np.zeros(3, [("a", "f4"), ("b", "i4")])))),
    "a number": ("h5", lambda: keras(lambda file: file.create_dataset(KERNEL, data=np.float32(1)))),
    "a type of nothing": ("h5", lambda: keras(lambda file: file.create_dataset(KERNEL, data=h5py.Empty("f4")))),
    "twenty thousand members": ("npz", lambda: archive(dict.fromkeys(map(str, range(20_000)), b""))),
    "five thousand members": ("npz", lambda: archive({f"Variable_{n}.npy": npy(np.float32([n])) for n in range(5000)})),
    "no archive": ("npz", lambda: b"PK\3\4" + bytes(100)),
    "objects": ("npz", lambda: archive({"Variable.npy": npy(np.array([{}], object))})),
    "members that are no arrays": ("npz", lambda: archive({f"Variable_{n}.npy": b"x" for n in range(48)})),
    "members of bytes": ("npz", lambda: archive({f"Variable_{n}": b"x" for n in range(48)})),
    "complex variables": ("npz", lambda: archive({"Variable.npy": npy(np.ones((9, 9, 3, 2), np.complex64))})),
}


@pytest.fixture(autouse=True)
def in_time(monkeypatch, tmp_path):
    """Whatever waits fails."""

    def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "cache"))
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_is_wrong(tmp_path, case):
    ending, make = CASES[case]
    path = tmp_path / f"net.{ending}"
    path.write_bytes(make())
    for read in (
        read_weights,
        lambda path: catalog.verify(str(path)),
        lambda path: convert(path, tmp_path / "to.safetensors"),
    ):
        with pytest.raises(WeightsError) as caught:
            read(path)
        assert caught.value.hint
        assert str(tmp_path) not in caught.value.message
    assert not (tmp_path / "to.safetensors").exists()


@pytest.mark.parametrize("dtype", ["BF16", "F64", "I64", "I8", "U16", "BOOL"])
def test_types_that_a_stage_may_have_made_are_checked_by_who_takes_them(tmp_path, dtype):
    (tmp_path / "net.safetensors").write_bytes(tensor(dtype, {"BF16": 16, "U16": 16, "I8": 8, "BOOL": 8}.get(dtype, 64)))
    with pytest.raises(WeightsError):
        catalog.verify(str(tmp_path / "net.safetensors"))


@pytest.mark.parametrize("name", ["net.safetensors", "net.h5", "net.npz", PUBLISHED])
def test_only_regular_files_are_read(tmp_path, name):
    os.mkfifo(tmp_path / name)
    for read in (
        read_weights,
        lambda path: catalog.verify(str(path)),
        lambda path: convert(path, tmp_path / "to.safetensors"),
    ):
        with pytest.raises(WeightsError, match="cannot be read: it is a named pipe, not a regular file"):
            read(tmp_path / name)
    (tmp_path / "device.npz").symlink_to("/dev/zero")
    with pytest.raises(WeightsError, match="it is a device"):
        read_weights(tmp_path / "device.npz")


def small_keras(file: h5py.File) -> None:
    file[KERNEL], file[BIAS] = VGG["conv1_1/kernel"], VGG["conv1_1/bias"]


SOUND = {
    "safetensors": save(VGG, {"pooling": "max", "padding": "zeros", "input": "RGB in [0, 1]"}),
    "own.safetensors": described(OWN),
    "h5": keras(small_keras),
    "npz": archive({"Variable.npy": npy(np.ones((9, 9, 3, 2), np.float32))}),
}


@pytest.mark.parametrize("ending", SOUND)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_ends_in_a_sentence(tmp_path, ending, data):
    """Bytes changed, cut off, or put in."""
    content = bytearray(SOUND[ending])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
        content = content or bytearray(b"x")
    path: Path = tmp_path / f"net.{ending}"
    path.write_bytes(content)
    try:
        read_weights(path)
    except WeightsError as error:
        assert error.message
