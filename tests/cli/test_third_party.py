"""Packages of somebody else, installed by pip: a pack of stages, and one that extends all that can be extended."""

import json
import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from stylepipe.artifacts import Weights, save

pytestmark = pytest.mark.slow  # processes

TOYS = Path(__file__).parent / "toys"
SAMPLE = Path(__file__).parent / "sample"


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


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A folder into which pip has installed the sample extension."""
    modules = {str(path.relative_to(SAMPLE)): path.read_text() for path in SAMPLE.rglob("*.py")}
    points = tomllib.loads((SAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    return installed(tmp_path, "sample_extension", modules, points)


@pytest.fixture
def own_recipe(home: Path) -> Path:
    """The sample's recipe, and weights for its encoder."""
    draw = np.random.default_rng(0)
    tensors = {"edges": draw.normal(size=(3, 3, 3, 4)), "corners": draw.normal(size=(3, 3, 4, 6))}
    save(Weights({name: np.float32(tensor) for name, tensor in tensors.items()}), home / "edges.safetensors")
    path = home / "sample.yaml"
    path.write_text((SAMPLE / "recipe.yaml").read_text())
    return path


def stylepipe(home: Path, *arguments: str, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from stylepipe.cli import main; main()", *arguments]
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


def test_an_extension_that_pip_installed(home: Path, sample: Path, own_recipe: Path) -> None:
    assert "\nmean_color\n" in stylepipe(home, "losses", site=sample).stdout
    assert "kind heavy_ball" in stylepipe(home, "stages", "stylize", site=sample).stdout
    assert "kind mean_color" in stylepipe(home, "stages", "stylize", site=sample).stdout
    assert stylepipe(home, "doctor", site=sample).stderr == ""
    ran = stylepipe(home, "run", "sample.yaml", "--json", site=sample)
    assert ran.returncode == 0, ran.stderr
    record = json.loads((home / json.loads(ran.stdout)["folder"] / "record.json").read_text())
    assert '"mean_color"' in json.dumps(record)
    assert '"heavy_ball"' in json.dumps(record)
    assert '"edges"' in json.dumps(record)

    without = stylepipe(home, "validate", "sample.yaml")
    assert without.returncode == 2
    assert "error: sample.yaml:18:16: stages.stylized.losses[1].kind is 'mean_color'; expected one of" in without.stderr


def test_a_mistake_in_an_extension(home: Path, sample: Path, own_recipe: Path) -> None:
    (sample / "sample_extension" / "mean_color.py").write_text("import no_such_module\n")
    sentence = (
        "The loss 'mean_color' of the package 'sample_extension' cannot be imported from "
        "'sample_extension.mean_color:MeanColor': ModuleNotFoundError: No module named 'no_such_module'."
    )
    said = stylepipe(home, "validate", "sample.yaml", site=sample)
    assert (said.returncode, said.stderr) == (2, f"error: sample.yaml:18:9: stages.stylized.losses[1]: {sentence}\n")
    assert stylepipe(home, "validate", "recipe.yaml", site=sample).returncode == 2  # toys are not installed here
    listed = stylepipe(home, "losses", site=sample)
    assert (listed.returncode, listed.stderr) == (0, f"warning: {sentence}\n")
    assert "\ngram\n" in listed.stdout
