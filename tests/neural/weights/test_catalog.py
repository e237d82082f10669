"""Names of weights, and downloads from a server on this machine."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h5py
import numpy as np
import pytest
from safetensors import safe_open

from stylepipe.errors import WeightsError
from stylepipe.neural.encoders.vgg_layout import Vgg
from stylepipe.neural.networks.transformation_layout import Transformation, applied
from stylepipe.neural.networks.upscaler_layout import Upscaler
from stylepipe.neural.weights import catalog

SHIPPED = {
    name: catalog._SHIPPED / f"{name}.safetensors" for name in ("vgg19-slim", "vgg19-shallow", "upscaler", "swirls-embers")
}
FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, no folder of weights, nothing said about the network."""
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("STYLEPIPE_WEIGHTS", raising=False)
    monkeypatch.delenv("STYLEPIPE_OFFLINE", raising=False)
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def body(tmp_path, monkeypatch) -> bytes:
    """A small network in the published layout, which the catalog is made to expect."""
    path = tmp_path / "made.h5"
    draw = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["block1_conv1/block1_conv1_W_1:0"] = draw.normal(size=(3, 3, 3, 4)).astype(np.float32)
        file["block1_conv1/block1_conv1_b_1:0"] = np.zeros(4, np.float32)
    made = path.read_bytes()
    entry = catalog.weights_catalog().entries["vgg19"]
    published = replace(entry.published, md5=hashlib.md5(made).hexdigest())
    monkeypatch.setitem(catalog.weights_catalog().entries, "vgg19", replace(entry, published=published))
    return made


@pytest.fixture
def serve():
    """Starts a server that answers one request after another as the given functions do; gives its address, and its requests."""
    servers = []

    def start(*answers: Callable[[BaseHTTPRequestHandler], None]) -> tuple[str, list[str]]:
        requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                answers[min(len(requests), len(answers)) - 1](self)

            def log_message(self, *_):
                pass

        servers.append(server := ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def whole(body: bytes, length: int | None = None):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def refusal(status: int):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def is_left(cache) -> list[str]:
    return [path.name for path in cache.iterdir()] if cache.exists() else []


# --- download -----------------------------------------------------------------------------------------------------------


def test_pull_then_find(serve, body, cache):
    server, requests = serve(whole(body))
    told = []
    path = catalog.pull("vgg19", server=server, progress=lambda *bytes_: told.append(bytes_))
    assert path == catalog.find("vgg19") == cache / FILE
    assert path.read_bytes() == body
    assert requests == [f"/vgg19/{FILE}"]
    assert told[-1] == (len(body), len(body))
    assert catalog.pull("vgg19", server=server) == path
    assert len(requests) == 1, "what is there is not downloaded again"
    assert catalog.verify("vgg19") == catalog.verify(str(path)) == Vgg((1,), "max", "zeros")


@pytest.mark.parametrize(
    "first", [refusal(503), whole(b"other"), lambda handler: handler.connection.close()], ids=["503", "checksum", "closed"]
)
def test_a_failed_download_is_tried_again(serve, body, cache, first):
    server, requests = serve(first, whole(body))
    assert catalog.pull("vgg19", server=server).read_bytes() == body
    assert len(requests) == 2
    assert is_left(cache) == [FILE]


def test_truncated_download_is_tried_again(serve, body, cache):
    server, requests = serve(whole(body[:100], len(body)), whole(body))
    assert catalog.pull("vgg19", server=server).read_bytes() == body
    assert len(requests) == 2
    assert is_left(cache) == [FILE]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            refusal(404),
            r"/vgg19_\w+.h5 cannot be downloaded: the server answers 404 Not Found. Check the connection, or put vgg19_",
        ),
        (refusal(503), "the server answers 503 Service Unavailable"),
        (whole(b"half", 1000), "cannot be downloaded: the connection failed"),
        (whole(b"other"), r"is not what was published: its MD5 sum is not [0-9a-f]{32}. Try again later."),
    ],
)
def test_a_download_that_keeps_failing_leaves_nothing(serve, body, cache, answer, message):
    server, requests = serve(answer)
    with pytest.raises(WeightsError, match=message):
        catalog.pull("vgg19", server=server, retries=2)
    assert len(requests) == 3
    assert is_left(cache) == []


def without_end(handler):
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(bytes(2**20))
            sent.append(2**20)


sent: list[int] = []


@pytest.mark.parametrize("answer", [without_end, whole(b"x", 10**12)], ids=["without end", "stated"])
def test_a_server_that_sends_more_than_was_published(serve, body, cache, monkeypatch, answer):
    entry = catalog.weights_catalog().entries["vgg19"]
    monkeypatch.setitem(
        catalog.weights_catalog().entries, "vgg19", replace(entry, published=replace(entry.published, megabytes=2))
    )
    server, requests = serve(answer)
    with pytest.raises(WeightsError, match=r"is not what was published: it has more than 2 MB\. Try again later\."):
        catalog.pull("vgg19", server=server)
    assert len(requests) == 1
    assert is_left(cache) == []
    assert sum(sent) < 30e6, "what is on its way when the connection is closed is all that comes besides"


def test_no_server(body, cache):
    with pytest.raises(WeightsError, match="cannot be downloaded: the connection failed"):
        catalog.pull("vgg19", server="http://127.0.0.1:9", retries=0)
    assert is_left(cache) == []


def test_interrupted_download_leaves_nothing(serve, body, cache):
    def interrupt(*_):
        raise KeyboardInterrupt

    server, _ = serve(whole(body))
    with pytest.raises(KeyboardInterrupt):
        catalog.pull("vgg19", server=server, progress=interrupt)
    assert is_left(cache) == []


def test_unwritable_cache(serve, body, cache):
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    server, _ = serve(whole(body))
    with pytest.raises(WeightsError, match=f"{FILE} cannot be written to "):
        catalog.pull("vgg19", server=server)


def test_a_damaged_file_is_replaced(serve, body, cache):
    server, _ = serve(whole(body))
    path = catalog.pull("vgg19", server=server)
    path.write_bytes(body[:-1])
    with pytest.raises(WeightsError, match=rf"'{FILE}' is damaged: its MD5 sum is .* Delete it, and pull it again"):
        catalog.verify("vgg19")
    assert catalog.pull("vgg19", server=server).read_bytes() == body


@pytest.mark.parametrize(("variable", "flag"), [("1", False), ("0", True), ("", True)])
def test_offline(serve, body, monkeypatch, variable, flag):
    server, requests = serve(whole(body))
    monkeypatch.setenv("STYLEPIPE_OFFLINE", variable)
    with pytest.raises(
        WeightsError, match=f"'vgg19' are not on this machine, and downloads are turned off. .* put {FILE} into"
    ):
        catalog.pull("vgg19", server=server, offline=flag)
    assert requests == []


def test_offline_is_no_hindrance_to_what_is_there(serve, body):
    server, _ = serve(whole(body))
    path = catalog.pull("vgg19", server=server)
    assert catalog.pull("vgg19", server=server, offline=True) == path


# --- names --------------------------------------------------------------------------------------------------------------


def test_published_sums():
    """As the publisher states them."""
    sums = {name: entry.published.md5 for name, entry in catalog.weights_catalog().entries.items() if entry.published}
    assert sums == {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}


def test_own_folder_comes_before_the_cache(tmp_path, monkeypatch, cache):
    own = tmp_path / "own"
    for folder in (own, cache):
        folder.mkdir(parents=True)
        (folder / FILE).touch()
    assert catalog.list_weights() == {"vgg16": None, "vgg19": cache / FILE, **SHIPPED}
    monkeypatch.setenv("STYLEPIPE_WEIGHTS", str(own))
    (own / "vgg19-slim.safetensors").touch()
    expected = {"vgg16": None, "vgg19": own / FILE, **SHIPPED, "vgg19-slim": own / "vgg19-slim.safetensors"}
    assert catalog.list_weights() == expected
    (own / "vgg19.safetensors").touch()
    assert catalog.find("vgg19") == own / "vgg19.safetensors"


def test_the_networks_that_come_with_stylepipe():
    assert catalog.verify("vgg19-slim") == Vgg((2, 2, 4, 4, 1), "max", "reflect")
    assert catalog.verify("vgg19-shallow") == Vgg((2, 2, 4), "max", "zeros")
    assert catalog.verify("upscaler") == Upscaler(4, 64)
    assert catalog.verify("swirls-embers") == applied(Transformation(16, 5, 2))
    assert catalog.find("vgg19-slim").stat().st_size < 4e6
    assert catalog.find("vgg19-shallow").stat().st_size < 5e6
    assert catalog.find("upscaler").stat().st_size < 2e6
    assert catalog.find("swirls-embers").stat().st_size < 1.5e6


def test_the_files_state_their_license_and_whose_work_is_in_them():
    text = SHIPPED["upscaler"].with_name("LICENSES.md").read_text(encoding="utf-8")
    for name, path in SHIPPED.items():
        entry = catalog.weights_catalog().entries[name]
        with safe_open(path, framework="numpy") as file:
            assert (file.metadata()["license"], file.metadata()["attribution"]) == (entry.license, entry.attribution)
        assert path.name in text
    assert "K. Simonyan and A. Zisserman (CC BY 4.0)" in catalog.weights_catalog().entries["vgg19-slim"].attribution
    assert "Karen Simonyan and Andrew Zisserman" in text
    assert "https://creativecommons.org/licenses/by/4.0/" in text


def test_finding_weights_needs_no_jax():
    code = "import sys; from stylepipe.neural.weights.catalog import find; find('upscaler'); print('jax' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


@pytest.mark.parametrize("act", [catalog.find, catalog.pull, catalog.verify])
def test_unknown_name(act):
    with pytest.raises(WeightsError, match=r"no weights 'vgg91'\. Did you mean 'vgg19'\?"):
        act("vgg91")


@pytest.mark.parametrize("act", [catalog.find, catalog.pull, catalog.verify])
def test_a_shipped_network_that_is_missing(act, monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "_SHIPPED", tmp_path)
    with pytest.raises(WeightsError, match=r"'vgg19-slim' come with stylepipe, and are missing\. Install stylepipe again\."):
        act("vgg19-slim")


def test_published_network_that_is_not_here():
    message = r"'vgg16' are not on this machine. 'stylepipe weights pull vgg16' downloads them \(59 MB\)."
    with pytest.raises(WeightsError, match=message):
        catalog.find("vgg16")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.h5", r"There is no file '.*/net\.h5'\. Check its name and its folder\."),
        ("net", r"'net' is no file of weights that can be read; allowed is \.safetensors, \.npz, \.h5\."),
    ],
)
def test_verify_a_file_that_is_not_there(tmp_path, name, message):
    with pytest.raises(WeightsError, match=message):
        catalog.verify(str(tmp_path / name))
