"""The recipes that come with stylepipe: found by their names, listed, copied, and in the wheel."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.shipped import find_shipped, shipped_folder, shipped_name, shipped_recipes

ROOT = Path(__file__).parents[2]
MOST_MEGABYTES = 14


def test_they_are_those_of_the_checkout():
    assert shipped_folder() == ROOT / "recipes"
    assert {"gatys", "ancient_city", "train/upscaler"} <= set(shipped_recipes())
    assert shipped_name(find_shipped("ancient-city")) == "ancient_city"
    assert shipped_name(Path("ancient_city.yaml")) is None


def test_recipes_are_listed_with_what_they_make(cli):
    said = cli("recipes")
    assert "gatys  " in said.out
    assert "One content in the manner of one style." in said.out
    data = {each["name"]: each["description"] for each in cli("recipes", "--json").data}
    assert data["ancient_city"] == "Masked multi-scale transfer, then every finishing technique."
    assert all(data.values())


def test_a_bare_name_is_a_shipped_recipe_unless_there_is_such_a_file(cli, home):
    said = cli("plan", "gatys", "-p", "content=photo.png", "--json")
    assert [stage["name"] for stage in said.data] == ["stylized@256", "stylized@512"]
    assert cli("validate", "style-weights").code == 0
    assert "recipes/gatys.yaml" in cli("validate", "gatys").out
    (home / "gatys").write_text((home / "recipe.yaml").read_text())
    assert cli("validate", "gatys").out == "gatys: 4 stages, no problems.\n"


@pytest.mark.parametrize(
    ("name", "hint"), [("gattys", "Did you mean 'gatys'?"), ("zzz", "Known: ancient_city"), ("train/upscale", "Did you mean")]
)
def test_an_unknown_name(cli, name, hint):
    said = cli("run", name)
    assert said.code == 2
    missing = f"There is no file '{name}', no recipe of that name comes with stylepipe, and it is not a run in 'outputs'."
    assert f"error: {missing}\nhint: {hint}" in said.err


def test_a_path_is_no_name(cli):
    assert "There is no file gatys.yaml" in cli("run", "gatys.yaml").err
    assert "There is no file 'gatys'" in cli("run", "./gatys").err


def test_its_run_is_called_by_its_name(cli, home):
    said = cli("run", "fast", "-q", "-p", "content=photo.png", "--json")
    assert said.code == 0, said.err
    assert said.data["folder"].startswith("outputs/")
    command = said.data["record"]["command"]
    assert command[:3] == ["stylepipe", "run", "fast"]
    again = cli(*shlex.split(shlex.join(command))[1:], "-q", "--json")
    assert again.data["record"]["outputs"] == said.data["record"]["outputs"]


@pytest.mark.parametrize("name", ["ancient_city", "silhouette", "style_mix", "masked"])
def test_init_copies_a_recipe_with_what_it_needs(cli, home, name):
    assert cli("init", "--from", name, f"mine/{name}.yaml").code == 0
    copied = load_recipe(home / "mine" / f"{name}.yaml")
    assert copied.document == load_recipe(find_shipped(name)).document
    assert all((file.root / file.reference).is_file() for file in copied.inputs.values() if file.is_picture)
    assert cli("plan", f"mine/{name}.yaml").code == 0
    assert cli("init", "--from", name, f"mine/{name}.yaml").code == 0  # the same files stay


def test_init_overwrites_nothing(cli, home):
    (home / "gatys.yaml").write_text("mine")
    said = cli("init", "--from", "gatys")
    assert (said.code, said.err.splitlines()[0]) == (2, "error: 'gatys.yaml' exists already.")
    assert not (home / "assets").exists()
    assert cli("init", "--from", "gatys", "yours.yaml").code == 0
    assert (home / "assets" / "lighthouse.jpg").is_file()
    assert "no such recipe comes with stylepipe" in cli("init", "--from", "gattys", "x.yaml").err


@pytest.mark.slow
def test_the_wheel_has_them_and_stays_small(tmp_path):
    code = f"import os; os.chdir({str(ROOT)!r}); from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    built = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wheel = tmp_path / built.stdout.split()[-1]
    assert wheel.stat().st_size < MOST_MEGABYTES * 10**6
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert not (tmp_path / "site" / "recipes").exists()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "STYLEPIPE_CACHE": str(tmp_path / "cache")}
    code = "from stylepipe.cli import main; main(['plan', 'ancient_city', '--json'])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    code = "from stylepipe.recipe.shipped import shipped_folder; print(shipped_folder())"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(tmp_path / "site" / "stylepipe" / "shipped_recipes")
