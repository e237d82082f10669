"""A stage pack of somebody else, installed by pip, is used by a recipe like our own."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow  # processes

TOYS = Path(__file__).parent / "toys"
INFO = {
    "METADATA": "Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "entry_points.txt": "[stylepipe.stages]\ntoys = toys\n",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder into which pip has installed the wheel `toys`."""
    if find_spec("pip") is None:
        pytest.skip("pip is not installed here")
    wheel = tmp_path / "toys-1.0-py3-none-any.whl"
    files = {"toys/__init__.py": "", **{f"toys/{path.name}": path.read_text() for path in TOYS.glob("*.py")}}
    files |= {f"toys-1.0.dist-info/{name}": text for name, text in INFO.items()}
    files["toys-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in (*files, "toys-1.0.dist-info/RECORD"))
    with ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", tmp_path / "site", wheel], check=True)
    return tmp_path / "site"


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
