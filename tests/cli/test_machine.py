"""--version and doctor."""

import os
from collections import namedtuple

import jax

from stylepipe import __version__


def test_version(cli):
    said = cli("--version")
    assert (said.code, said.out, said.err) == (0, f"{__version__}\n", "")


def test_doctor_says_what_is_here(cli, home, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    said = cli("doctor")
    assert (said.code, said.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["stylepipe"] == __version__
    assert lines["jax"] == jax.__version__
    assert lines["backend"] == "cpu"
    assert lines["cache"].startswith(f"{home.parent / 'cache'}, ")
    assert lines["weights"] == "swirls-embers, upscaler, vgg16 (missing), vgg19 (missing), vgg19-shallow, vgg19-slim"
    assert "brighten" in lines["stages"].split(", ")
    found = cli("doctor", "--json").data
    assert found.pop("problems") == []
    assert {name: str(value) for name, value in found.items()}.keys() == lines.keys()


def test_doctor_says_what_is_missing_and_what_to_do(cli, home, install_pack, monkeypatch):
    install_pack("broken", {"ruin": "import no_such_module\n"})
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 9, 10**8))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setattr("stylepipe.neural.weights.catalog._SHIPPED", home)
    said = cli("doctor")
    assert said.code == 1
    assert said.err.splitlines() == [
        "error: There is less than 1 GB of space left for the cache.",
        "hint: 'stylepipe cache gc --days 30' removes results that were not used for a month.",
        "error: The weights 'swirls-embers' come with stylepipe, and are missing.",
        "hint: Install stylepipe again.",
        "error: The stage 'ruin' cannot be imported from 'broken.ruin': ModuleNotFoundError: No module named 'no_such_module'.",
    ]
    said = cli("doctor", "--json")
    assert said.code == 1
    assert [problem["hint"] is None for problem in said.data["problems"]] == [False, False, True]


def test_doctor_on_a_cache_that_cannot_be_used(cli):
    said = cli("doctor", "--cache", "photo.png")
    assert said.code == 1
    assert said.err.startswith("error: The cache 'photo.png' cannot be used: it is not a folder.\nhint: Set STYLEPIPE_CACHE")


def test_doctor_without_a_device(cli, monkeypatch):
    def none() -> None:
        raise RuntimeError("Unable to initialize backend 'cuda'")

    monkeypatch.setattr(jax, "default_backend", none)
    assert "error: JAX finds no device: Unable to initialize backend 'cuda'\nhint: Unset JAX_PLATFORMS" in cli("doctor").err


def test_doctor_notices_a_gpu_that_is_not_used(cli, monkeypatch):
    exists = os.path.exists
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setattr("pathlib.Path.exists", lambda path, **_: str(path) == "/dev/nvidia0" or exists(path))
    assert "error: There is an NVIDIA GPU, and JAX computes on the CPU.\n" in cli("doctor").err
