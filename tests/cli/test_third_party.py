"""Packages of somebody else, installed by pip: a pack of stages, and one that extends all that can be extended."""

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow  # processes

TOYS = Path(__file__).parent / "toys"
SAMPLE = Path(__file__).parent / "sample"


class Environment(NamedTuple):
    """The interpreter of a virtual environment, and the folder of its packages."""

    python: Path
    site: Path


def installed(folder: Path, name: str, modules: dict[str, str], points: dict[str, dict[str, str]]) -> Path:
    """Returns a folder into which pip has installed a wheel of these modules and entry points."""
    if find_spec("pip") is None:
        pytest.skip("pip is not installed here")
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    groups = ("\n".join([f"[{group}]", *(f"{key} = {value}" for key, value in each.items())]) for group, each in points.items())
    info = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": "\n".join(groups),
    }
    files = modules | {f"{name}-1.0.dist-info/{file}": text for file, text in info.items()}
    files[f"{name}-1.0.dist-info/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{name}-1.0.dist-info/RECORD"))
    with ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", folder / "site", wheel], check=True)
    return folder / "site"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder into which pip has installed the wheel `toys`."""
    modules = {"toys/__init__.py": "", **{f"toys/{path.name}": path.read_text() for path in TOYS.glob("*.py")}}
    return installed(tmp_path, "toys", modules, {"stylepipe.stages": {"toys": "toys"}})


@pytest.fixture(scope="module")
def sample_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the sample extension, built by its own build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(SAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    built = subprocess.run([sys.executable, "-c", code], cwd=folder / "source", capture_output=True, text=True, check=True)
    return folder / built.stdout.split()[-1]


@pytest.fixture
def environment(tmp_path: Path, sample_wheel: Path) -> Environment:
    """A virtual environment into which pip has installed the sample extension; it sees the packages of this one."""
    if find_spec("pip") is None:
        pytest.skip("pip is not installed here")
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    (site,) = folder.rglob("site-packages")
    seen = [path for path in sys.path if path.endswith("site-packages")]
    (site / "outer.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in seen))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--disable-pip-version-check", sample_wheel], check=True)
    return Environment(python, site)


def stylepipe(
    home: Path, *arguments: str, site: Path | None = None, python: str | Path = sys.executable
) -> subprocess.CompletedProcess[str]:
    command = [python, "-c", "from stylepipe.cli import main; main()", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if site:
        environment["PYTHONPATH"] = str(site)
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)


def test_a_pack_that_pip_installed(home: Path, site: Path) -> None:
    recipe = home / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("use: brighten, image: $dark", "use: sharpen, image: $dark"))
    listed = stylepipe(home, "stages", site=site).stdout
    assert "brighten  " in listed
    assert "sharpen  " in listed
    ran = stylepipe(home, "run", "recipe.yaml", site=site)
    assert ran.returncode == 0, ran.stderr
    assert (home / ran.stdout.strip()).is_file()

    without = stylepipe(home, "validate", "recipe.yaml")
    assert without.returncode == 2
    assert "error: recipe.yaml:6:17: There is no stage 'brighten'." in without.stderr


def test_an_extension_that_pip_installed(home: Path, environment: Environment) -> None:
    (home / "sample.yaml").write_text((SAMPLE / "recipe.yaml").read_text())
    python = environment.python
    assert "\nmean_color\n" in stylepipe(home, "losses", python=python).stdout
    parameters = stylepipe(home, "stages", "stylize", python=python).stdout
    assert all(f"kind {kind}" in parameters for kind in ("mean_color", "heavy_ball", "edges"))
    assert "edges and corners" in stylepipe(home, "weights", "list", python=python).stdout
    verified = stylepipe(home, "weights", "verify", "sample-edges", python=python)
    assert (verified.stdout, verified.stderr) == ("sample-edges is sound: edges … corners.\n", "")
    assert stylepipe(home, "doctor", python=python).stderr == ""
    ran = stylepipe(home, "run", "sample.yaml", "--json", python=python)
    assert ran.returncode == 0, ran.stderr
    record = (home / json.loads(ran.stdout)["folder"] / "record.json").read_text()
    assert all(f'"{name}"' in record for name in ("posterize", "mean_color", "heavy_ball", "edges", "sample-edges"))

    without = stylepipe(home, "validate", "sample.yaml")
    assert without.returncode == 2
    assert "error: sample.yaml:18:16: stages.stylized.losses[1].kind is 'mean_color'; expected one of" in without.stderr


MISTAKES = {
    "stage": ("stages/posterize.py", "The stage 'posterize' cannot be imported from 'sample_extension.stages.posterize': "),
    "loss": ("mean_color.py", "The loss 'mean_color' of the package 'sample-extension' cannot be imported from "),
    "optimizer": ("heavy_ball.py", "The optimizer 'heavy_ball' of the package 'sample-extension' cannot be imported from "),
    "encoder": ("edges.py", "The encoder 'edges' of the package 'sample-extension' cannot be imported from "),
    "weights": (
        "weights.py",
        "The entry for the weights 'sample-edges' of the package 'sample-extension' cannot be imported from ",
    ),
}
"""By registry: the module that a mistake is made in, and the beginning of the sentence that names the package."""


@pytest.mark.parametrize("registry", MISTAKES)
def test_a_mistake_in_an_extension(home: Path, environment: Environment, registry: str) -> None:
    (home / "sample.yaml").write_text((SAMPLE / "recipe.yaml").read_text())
    module, sentence = MISTAKES[registry]
    (environment.site / "sample_extension" / module).write_text("import no_such_module\n")
    said = stylepipe(home, "plan", "sample.yaml", python=environment.python)
    reason = "ModuleNotFoundError: No module named 'no_such_module'."
    assert said.returncode == 2
    (error,) = [line for line in said.stderr.splitlines() if sentence in line]
    assert error.startswith("error: sample.yaml:")
    assert error.endswith(reason)
    listed = stylepipe(home, "losses", python=environment.python)
    assert listed.returncode == 0
    assert "\ngram\n" in listed.stdout
    assert any(sentence in line for line in stylepipe(home, "doctor", python=environment.python).stderr.splitlines())
