"""What is known of the machine, and how JAX is treated."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from stylepipe.engine import environment


def test_the_number_of_threads_is_that_of_the_cores_we_may_use():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    code += "from stylepipe.engine.environment import threads; print(threads())"
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=variables)
    assert done.stdout == "1\n"


def test_jax_is_asked_for_the_number_of_devices_only_where_there_may_be_several(monkeypatch):
    monkeypatch.setattr(jax, "local_device_count", lambda: 8)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.delenv("JAX_NUM_CPU_DEVICES", raising=False)
    monkeypatch.setattr(environment, "backend", lambda: "cpu")
    assert environment.devices() == 1
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    assert environment.devices() == 8
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(environment, "backend", lambda: "gpu")
    assert environment.devices() == 8


def test_nothing_names_the_machine_or_its_user():
    found = environment.environment()
    assert os.uname().nodename not in str(found)
    assert set(map(type, found.values())) == {str, int}


def test_compiled_programs_are_kept_in_the_cache(lab):
    lab.run(lab.chain())
    assert jax.config.values["jax_compilation_cache_dir"] == str(lab.store.root / "xla")


def test_a_folder_that_the_user_chose_for_compiled_programs_stays(lab):
    jax.config.update("jax_compilation_cache_dir", "/chosen")
    lab.run(lab.chain())
    assert jax.config.values["jax_compilation_cache_dir"] == "/chosen"


def test_stages_multiply_in_float32_on_every_device(lab):
    jax.config.update("jax_default_matmul_precision", None)
    lab.run(lab.chain())
    assert "precision = [HIGHEST, HIGHEST]" in jax.jit(jnp.matmul).lower(jnp.ones((2, 2)), jnp.ones((2, 2))).as_text()


@pytest.mark.skipif(environment.backend() != "cpu", reason="where there are other devices, JAX is asked for them")
def test_planning_listing_and_cached_runs_need_no_jax(worker, place):
    root = place("walks")
    assert '"jax": true' in worker("run", root).communicate()[0]
    assert '"jax": false' in worker("run", root).communicate()[0]
    assert worker("look", root).communicate()[0] == "cached 2 True\n"
