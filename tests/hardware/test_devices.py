"""The class of the device, with JAX and without."""

import jax
import pytest

from stylepipe.errors import UsageError
from stylepipe.hardware import devices


def test_the_backend_is_jax_s_own():
    assert devices.backend() == jax.default_backend()


def test_jax_is_asked_where_there_may_be_another_device(monkeypatch):
    monkeypatch.setattr(devices, "find_spec", lambda name: object() if name == "jax_plugins" else None)
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    assert devices.backend.__wrapped__() == "tpu"


def test_a_device_that_is_not_there(monkeypatch):
    def refuse() -> str:
        raise RuntimeError("Unable to initialize backend 'cuda'")

    monkeypatch.setattr(jax, "default_backend", refuse)
    with pytest.raises(UsageError, match=r"JAX finds no device: Unable to initialize backend 'cuda' Unset JAX_PLATFORMS"):
        devices.jax_backend()
