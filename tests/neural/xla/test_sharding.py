"""Pictures over several devices: which they are, and that the loss and its steps are those of one device."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylepipe.neural.xla import sharding

from . import spread_run


def test_all_devices_take_part_where_each_gets_enough_rows(monkeypatch):
    monkeypatch.setattr(jax, "local_devices", lambda: [None] * 8)
    assert [sharding.count(height) for height in (512, 2047, 2048, 5001)] == [1, 1, 8, 8]


def test_a_small_picture_stays_where_it_is():
    tree = {"pixels": jnp.zeros((20, 30, 3))}
    assert sharding.spread(tree, (20, 30)) is tree


def both(tmp_path: Path, height: int, way: str):
    """What comes of it on eight devices, and as a whole on one."""
    file = tmp_path / "eight.npz"
    variables = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, spread_run.__file__, file, str(height), way], check=True, env={**os.environ, **variables})
    return dict(np.load(file)), spread_run.run(height, "adam" if way == "adam" else "whole")


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.slow  # the time to compile for eight devices
@pytest.mark.parametrize(("height", "way"), [(32, "whole"), (43, "whole"), (43, "tiles"), (43, "adam")])
def test_eight_devices_come_to_what_one_does(tmp_path, height, way):
    eight, one = both(tmp_path, height, way)
    assert relative(eight["loss"][0], one["loss"][0]) < 1e-5
    if way != "adam":
        assert relative(eight["gradient"], one["gradient"]) < 1e-5
    np.testing.assert_allclose(eight["loss"], one["loss"], rtol=1e-5)
    np.testing.assert_allclose(eight["result"], one["result"], atol=1e-5)
    assert (eight["parts"] == eight["parts"][0]).all()  # the state stays where it lies, so that each program compiles once
    assert {*eight["parts"][0]} == {8 if height % 8 == 0 else 1}
