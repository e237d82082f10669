"""The commands weights list, pull, verify, convert and path."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest

from stylepipe.neural.weights import catalog
from stylepipe.neural.weights.published_layouts import read_weights

FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


@pytest.fixture
def published(home: Path) -> Path:
    """A small network in the published layout."""
    path = home / "published.h5"
    with h5py.File(path, "w") as file:
        file["block1_conv1/block1_conv1_W_1:0"] = np.ones((3, 3, 3, 4), np.float32)
        file["block1_conv1/block1_conv1_b_1:0"] = np.zeros(4, np.float32)
    return path


@pytest.fixture
def server(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The publisher, on this machine: it has the small network under the name vgg19."""
    data = published.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    entry = catalog.weights_catalog().entries["vgg19"]
    expected = replace(entry.published, md5=hashlib.md5(data).hexdigest())
    monkeypatch.setitem(catalog.weights_catalog().entries, "vgg19", replace(entry, published=expected))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        address = f"http://127.0.0.1:{served.server_port}"
        monkeypatch.setattr(catalog, "pull", partial(catalog.pull, server=address))
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield
        served.shutdown()


def test_list(cli, home, monkeypatch):
    files = {entry["name"]: entry["file"] for entry in cli("weights", "list", "--json").data}
    shipped = {name: str(catalog.find(name)) for name in ("vgg19-slim", "vgg19-shallow", "upscaler", "swirls-embers")}
    assert files == {"vgg16": None, "vgg19": None, **shipped}
    monkeypatch.setenv("STYLEPIPE_WEIGHTS", str(home))
    (home / "vgg19-slim.safetensors").touch()
    files = {entry["name"]: entry["file"] for entry in cli("weights", "list", "--json").data}
    assert files["vgg19-slim"] == str(home / "vgg19-slim.safetensors")
    lines = cli("weights", "list").out.splitlines()
    assert lines[0].split() == ["name", "what", "file"]
    assert [line.split()[0] for line in lines[1:7]] == sorted(files)
    assert lines[3].startswith("vgg16 ")
    assert lines[3].endswith("  missing")
    assert lines[6].endswith(f"  {home / 'vgg19-slim.safetensors'}")


def test_list_shows_licenses_and_attribution(cli):
    lines = cli("weights", "list").out.splitlines()
    assert ["name", "license", "attribution"] in [line.split() for line in lines]
    assert any(line.startswith("vgg19-slim ") and "MIT" in line and "Simonyan" in line for line in lines)
    told = {entry["name"]: entry for entry in cli("weights", "list", "--json").data}
    assert told["vgg19"]["license"] == "CC BY 4.0"
    assert "Zisserman" in told["vgg19-slim"]["attribution"]


@pytest.mark.usefixtures("server")
def test_pull_downloads_once_and_prints_the_file(cli, home, published):
    file = home.parent / "cache" / "weights" / FILE
    said = cli("weights", "pull", "vgg19")
    assert (said.code, said.out, said.err) == (0, f"{file}\n", "")
    assert file.read_bytes() == published.read_bytes()
    assert cli("weights", "pull", "vgg19", "--offline", "--json").data == {"file": str(file)}
    assert cli("weights", "path", "vgg19").out == f"{file}\n"
    assert cli("weights", "path", "vgg19", "--json").data == {"file": str(file)}
    said = cli("weights", "verify", "vgg19")
    assert said.out == "vgg19 is sound: relu1_1 … relu1_1, max pooling, zeros padding.\n"


@pytest.mark.usefixtures("server")
def test_pull_shows_a_bar_on_a_terminal(cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    said = cli("weights", "pull", "vgg19")
    assert said.code == 0
    assert re.search(r"vgg19 .*\d/\S+ kB", said.err)


def test_convert_then_verify(cli, home, published):
    said = cli("weights", "convert", "published.h5", "net.safetensors")
    assert (said.code, said.out, said.err) == (0, "net.safetensors\n", "")
    assert sorted(read_weights(home / "net.safetensors").tensors) == sorted(read_weights(published).tensors)
    assert cli("weights", "verify", "./net.safetensors", "--json").data == {
        "layers": ["relu1_1"],
        "pooling": "max",
        "padding": "zeros",
    }
    assert cli("weights", "convert", "published.h5", "again.safetensors", "--json").data == {"file": "again.safetensors"}


def test_convert_refuses_other_endings(cli, published):
    said = cli("weights", "convert", "published.h5", "net.npz")
    assert said.code == 2
    assert said.err == "error: Converted weights are written as .safetensors; the target is 'net.npz'.\n"
