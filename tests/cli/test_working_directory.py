"""An audit: in a folder full of modules that bear the names of others, no process of stylepipe runs one of them."""

import os
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.image.files.io import write_image

pytestmark = pytest.mark.slow  # processes

SCRIPT = Path(sysconfig.get_path("scripts")) / "stylepipe"
ALIKE = ["jax_plugins", "libtpu", "sitecustomize", "stages", "stylepipe", "usercustomize"]

RECIPE = """\
stylepipe: 1
name: look
params: {amount: 0.5}
inputs: {photo: {image: photo.png}}
stages:
  sharp: {use: sharpen, image: $photo, amount: $params.amount}
  soft: {use: denoise, image: $sharp}
output: $soft
"""

COMMANDS = [
    "--version",
    "stages",
    "losses",
    "schema",
    "init new",
    "validate look.yaml",
    "plan look.yaml",
    "explain look.yaml soft",
    "run look.yaml",
    "runs",
    "show look --open",
    "export look -o bundle.stylepipe",
    "import bundle.stylepipe -o imported",
    "verify look",
    "diff look look",
    "sweep sweep.yaml",
    "sweep sweep.yaml --jobs 2 --force all",
    "weights list",
    "cache ls",
    "cache gc --days 30",
    "cache verify",
    "doctor",
]


class Trap:
    """A folder with a recipe, and modules that leave their names when they are imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "imported.txt"
        folder.mkdir()
        (folder / "look.yaml").write_text(RECIPE)
        (folder / "sweep.yaml").write_text(RECIPE + "sweep: {grid: {amount: [0.1, 0.2, 0.3]}}\n")
        write_image(Image(np.full((24, 32, 3), 0.5, np.float32)), folder / "photo.png")
        for name in {*sys.stdlib_module_names, *packages_distributions(), *ALIKE} - set(sys.builtin_module_names):
            self.plant(f"{name}.py", name)
        self.plant("planted/__init__.py", "planted")
        self.plant("planted/sharpen.py", "planted.sharpen")
        info = folder / "planted-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[stylepipe.stages]\nplanted = planted\n[jax_plugins]\nplanted = planted\n")

    def plant(self, file: str, name: str) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(self.log)!r}, 'a').write('{name}\\n')\nraise ImportError('planted')\n")

    def start(self, *command: str | Path, **environment: str) -> subprocess.Popen[str]:
        outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
        env = {**outside, "STYLEPIPE_CACHE": str(self.folder.parent / "cache"), "BROWSER": "true", **environment}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True)

    def run(self, *command: str | Path) -> str:
        """What the command prints, which is to succeed without importing anything from its folder."""
        with self.start(*command) as process:
            out, err = process.communicate(timeout=120)
        assert self.imported == [], command
        assert process.returncode == 0, (command, err)
        return out

    @property
    def imported(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    if not SCRIPT.exists():
        pytest.skip("the command is not installed")
    return Trap(tmp_path / "stranger")


def test_worker_processes_import_nothing_from_the_current_folder(trap):
    trap.run(SCRIPT, "sweep", "sweep.yaml", "--jobs", "2", "-q")


def test_python_m_imports_nothing_from_the_current_folder(trap):
    """What runpy needs is imported before any module of ours; `-P` is the way to keep those from the folder, too."""
    first = subprocess.check_output([sys.executable, "-P", "-c", "import runpy, sys; print(*sys.modules)"], text=True)
    for name in {"stylepipe", *(module.partition(".")[0] for module in first.split())}:
        (trap.folder / f"{name}.py").unlink(missing_ok=True)
    listed = trap.run(sys.executable, "-m", "stylepipe", "stages")
    assert "sharpen" in listed
    trap.run(sys.executable, "-m", "stylepipe", "run", "look.yaml", "-q")


def test_python_p_m_imports_nothing_from_a_folder_with_its_own_stylepipe(trap):
    trap.run(sys.executable, "-P", "-m", "stylepipe", "stages")


def test_processes_that_a_library_starts_import_nothing_from_the_current_folder(trap, install_pack):
    site = install_pack("spawning", {"spawner": SPAWNER})
    (trap.folder / "spawns.yaml").write_text(
        RECIPE.replace("use: sharpen", "use: spawner").replace(", amount: $params.amount", "")
    )
    with trap.start(SCRIPT, "run", "spawns.yaml", "-q", PYTHONPATH=str(site)) as process:
        _, err = process.communicate(timeout=120)
    assert trap.imported == []
    assert process.returncode == 0, err


SPAWNER = '''
import multiprocessing

from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


@stage(version=1)
def spawner(image: Image, params: Params) -> Image:
    """Asks another process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(abs, [-1]) == [1]
    return image
'''


def test_no_command_imports_anything_from_the_current_folder(trap):
    for command in COMMANDS:
        trap.run(SCRIPT, *command.split())


@pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")
def test_a_cluster_started_as_documented_imports_nothing_from_the_current_folder(trap):
    from distributed.utils import json_load_robust

    dask = SCRIPT.with_name("dask")
    if not dask.exists():
        dask = Path(sys.executable)
    command = [dask] if dask.name == "dask" else [dask, "-m", "dask"]
    file = trap.folder.parent / "scheduler.json"
    ends = ("--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1")
    processes = [trap.start(*command, "scheduler", *ends, "--port", "0", PYTHONSAFEPATH="1")]
    try:
        while not file.exists():
            assert processes[0].poll() is None
            time.sleep(0.05)
        options = (*ends, "--nthreads", "1", "--memory-limit", "0", "--local-directory", str(trap.folder.parent))
        processes.append(trap.start(*command, "worker", *options, PYTHONSAFEPATH="1"))
        scheduler = json_load_robust(file, timeout=60)  # which may be half written
        address = scheduler["address"].replace("tcp://", "dask://")
        trap.run(SCRIPT, "sweep", "sweep.yaml", "-q", "--executor", address)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.communicate(timeout=30)
    assert trap.imported == []
