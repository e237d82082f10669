"""The public names: few, lazy, and those of the stub."""

import ast
import subprocess
import sys
from pathlib import Path

import stylepipe


def test_importing_stylepipe_imports_next_to_nothing():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, stylepipe; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in loaded if name.startswith("stylepipe")] == ["stylepipe"]
    assert not {"jax", "numpy", "pydantic", "PIL"}.intersection(loaded)


def test_all_names_are_there_and_in_the_stub():
    stub = ast.parse((Path(stylepipe.__file__).with_suffix(".pyi")).read_text())
    named = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted([*named, "__version__"]) == sorted(dir(stylepipe))
    for name in dir(stylepipe):
        value = getattr(stylepipe, name)
        assert value is not None
        assert isinstance(value, str) or value.__doc__


def test_another_name_is_an_attribute_error():
    assert not hasattr(stylepipe, "nonsense")
