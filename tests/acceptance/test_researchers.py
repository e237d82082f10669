"""The tutorial for researchers: its code runs as a notebook, as a script, and in IPython."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs/tutorials/researchers.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, "executed.ipynb")
"""
SESSION = """
import json, sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell

shell = TerminalInteractiveShell.instance(simple_prompt=True)
for cell in json.loads(sys.argv[1]):
    shell.run_cell(cell, store_history=True).raise_error()
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """The cache of all tests here: what one has compiled is not compiled again."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def python(tmp_path, monkeypatch, cache):
    """Runs a program in a process and a folder of its own; returns what it prints."""
    monkeypatch.setenv("STYLEPIPE_CACHE", str(cache))
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")  # most of the time goes into compiling
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")

    def call(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_the_notebook_comes_without_outputs():
    assert [cell["outputs"] for cell in CELLS if cell["cell_type"] == "code" and cell["outputs"]] == []


@pytest.mark.slow
def test_the_executed_notebook_has_the_picture_and_the_loss_curve(python, tmp_path):
    python("-c", EXECUTE, str(NOTEBOOK))
    cells = [cell for cell in json.loads((tmp_path / "executed.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    (shown,) = ("".join(output["data"]["text/html"]) for output in cells[1]["outputs"])
    assert "data:image/png;base64," in shown
    assert shown.count("<path") == 4  # the loss and its three terms
    assert [kind for cell in cells for output in cell["outputs"] for kind in output.get("data", ()) if kind == "image/png"]
    assert [output for cell in cells for output in cell["outputs"] if output.get("name") == "stderr"] == []


@pytest.mark.slow
def test_its_code_is_a_script(python, tmp_path):
    (tmp_path / "script.py").write_text("\n\n".join(CODE))
    assert "use: stylize" in python("script.py")


@pytest.mark.slow
def test_its_code_runs_in_ipython(python):
    said = python("-c", SESSION, json.dumps(CODE))
    assert "Out[3]: \n{'loss': " in said or "Out[3]: {'loss': " in said
