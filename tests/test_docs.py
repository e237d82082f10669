"""The documents agree with the program: commands, recipes, reference."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from stylepipe import __version__
from stylepipe.cli import build
from stylepipe.plugins import stage_modules
from stylepipe.recipe.language_reference import reference
from stylepipe.recipe.load import load_recipe

ROOT = Path(__file__).parents[1]
RECIPES = sorted(ROOT.glob("recipes/**/*.yaml"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
ARCHITECTURE = [page for page in PAGES if "architecture" in str(page.relative_to(ROOT))]


def _section(page: str, heading: str) -> str:
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)[1]


def test_the_reference_is_what_the_stages_say():
    assert (ROOT / "docs/recipe-reference.md").read_text() == reference(), (
        "run: stylepipe stages --reference > docs/recipe-reference.md"
    )


@pytest.mark.parametrize("heading", ["Run", "Test"])
def test_each_readme_command_is_one_line(heading):
    """CI runs the second as it stands, so it must be found by the same rule."""
    commands = re.findall(r"^```sh\n(.*?)^```", _section((ROOT / "README.md").read_text(), heading), re.DOTALL | re.MULTILINE)
    assert len(commands) == 1
    assert len(commands[0].splitlines()) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page):
    known: Any = typer.main.get_command(build())
    for line in re.findall(
        r"(?:^(?:\$ | {4}|(?:\w+=\S+ )+)|`)stylepipe ([^`#\n]+)", page.read_text().replace("\\\n", " "), re.MULTILINE
    ):
        words = shlex.split(line)
        command = known
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert command is not known or words[0].startswith("-"), line
        options = {option for param in command.params for option in param.opts + param.secondary_opts}
        assert {word for word in words if word.startswith("-")} <= options | {"--help"}, line


def test_the_readme_lists_every_recipe():
    listed = set(re.findall(r"\]\((recipes/\w+\.yaml)\)", _section((ROOT / "README.md").read_text(), "Recipes")))
    assert listed == {str(path.relative_to(ROOT)) for path in RECIPES if path.parent.name == "recipes"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ARCHITECTURE, ids=lambda page: page.name)
def test_the_architecture_names_modules_and_functions_that_exist(page):
    """Paths start from the repository or from the package; a bare name of a file stands beside the one named before."""
    named = re.findall(r"`([\w/]+\.py)(?::(\w+))?`", page.read_text())
    folder = Path()
    for file, function in named:
        path = next((root / file for root in (ROOT, ROOT / "stylepipe", folder) if (root / file).is_file()), None)
        assert path is not None, file
        folder = path.parent
        assert not function or re.search(rf"def {function}\b", path.read_text()), f"{file}:{function}"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_checked_commented_and_uses_files_that_exist(path):
    recipe = load_recipe(path)
    assert recipe.warnings == ()
    assert path.read_text().startswith("# ")
    # What a network is trained with is the user's own.
    files = [found for found in recipe.inputs.values() if found.is_picture and path.parent.name != "train"]
    assert [found.reference for found in files if not (found.root / found.reference).is_file()] == []


def test_the_example_of_the_guide_is_a_recipe(tmp_path):
    example = re.search(r"^```yaml\n(stylepipe: 1.*?)^```", (ROOT / "docs/recipes.md").read_text(), re.DOTALL | re.MULTILINE)[1]
    path = tmp_path / "look.yaml"
    path.write_text(example)
    assert load_recipe(path).warnings == ()


def test_the_api_reference_has_every_public_name():
    page = (ROOT / "docs/api-reference.md").read_text()
    public = re.findall(r"^from (\S+) import (\w+) as", (ROOT / "stylepipe/__init__.pyi").read_text(), re.MULTILINE)
    assert len(public) > 20
    assert [name for module, name in public if not re.search(rf"^::: {module}\.{name}$", page, re.MULTILINE)] == []


def test_the_citation_names_this_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__


def test_the_starter_recipe_is_a_recipe():
    assert load_recipe(ROOT / "stylepipe/recipe/starter.yaml").warnings == ()


def test_every_stage_of_ours_has_a_test():
    missing = {name for name, module in stage_modules().items() if module.startswith("stages.")} - {
        path.stem.removeprefix("test_") for path in ROOT.glob("tests/stages/test_*.py")
    }
    assert missing == set()
