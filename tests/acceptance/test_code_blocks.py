"""Every block of code in the pages runs, or a comment before it says why not: `<!-- not run: the reason -->`.

The shell commands of the README are run by test_tour.py.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from stylepipe.cli import main
from stylepipe.recipe.extends import recipe_document
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.load_variants import has_sweep, load_sweep

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
SAMPLE = [path.read_text() for path in (ROOT / "tests/cli/sample").rglob("*") if path.suffix in (".py", ".toml")]
"""The files of the sample package, which tests/cli/test_third_party.py installs and runs."""
RUN_ID = r"\d{8}-\d{6}-[0-9a-f]{6}"


@dataclass(frozen=True)
class Block:
    """A block of code, and the comment before it."""

    page: str
    line: int
    comment: str
    language: str
    text: str

    @property
    def is_run(self) -> bool:
        return not self.comment.startswith("not run: ")


def _blocks(page: Path) -> list[Block]:
    text, name = page.read_text(), str(page.relative_to(ROOT))
    found = re.finditer(r"(?:^ *<!-- (.*?) -->\n)?^( *)```(\w+)\n(.*?)^\2```$", text, re.DOTALL | re.MULTILINE)
    return [Block(name, text.count("\n", 0, each.end()), each[1] or "", each[3], each[4]) for each in found]


BLOCKS = [block for page in PAGES for block in _blocks(page)]


def blocks(language: str, *pages: str):
    """Parametrizes a test with the blocks of a language that run, in these pages or in all."""
    chosen = [block for block in BLOCKS if block.is_run and block.language == language and (not pages or block.page in pages)]
    return pytest.mark.parametrize("block", chosen, ids=[f"{block.page}:{block.line}" for block in chosen])


def test_every_block_has_a_test_or_a_reason():
    tested = {("README.md", "sh"), ("README.md", "console"), ("docs/gallery.md", "sh"), ("docs/recipes.md", "sh")}
    tested |= {(page, language) for page in ("README.md", "docs/extending.md") for language in ("python", "toml")}
    tested |= {("docs/python.md", "python"), ("docs/tutorials/artists.md", "sh")}
    left = [
        block for block in BLOCKS if block.is_run and block.language != "yaml" and (block.page, block.language) not in tested
    ]
    assert left == []
    assert [block for block in BLOCKS if not block.is_run and len(block.comment) < len("not run: x")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_blocks(page):
    outside = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"^ {4}(?:\$ )?(?:stylepipe|python|pip|import) .*", outside, re.MULTILINE) == []


@blocks("yaml")
def test_yaml_is_a_recipe_or_a_part_of_one(block):
    """A part fits the file that the comment names, else the first recipe of its page, else it is one but for its name."""
    whole = next(
        (yaml.safe_load(each.text) for each in BLOCKS if each.page == block.page and "stylepipe: 1" in each.text), None
    )
    if part_of := re.fullmatch(r"part of (.+)", block.comment):
        whole = yaml.safe_load((ROOT / part_of[1]).read_text())
    text = yaml.safe_dump(_merged(whole or {"stylepipe": 1, "name": "page"}, yaml.safe_load(block.text)), sort_keys=False)
    document = recipe_document(text, file=f"{block.page}:{block.line}", root=ROOT / "recipes")
    assert load_recipe(document).stages
    assert not has_sweep(document) or load_sweep(document).variants


def _merged(whole, part):
    if not (isinstance(whole, dict) and isinstance(part, dict)):
        return part
    return {**whole, **{key: _merged(whole.get(key), value) for key, value in part.items()}}


@blocks("python", "README.md", "docs/extending.md")
def test_python_of_extensions_is_that_of_the_sample_package(block):
    assert [text for text in SAMPLE if block.text in text]


@blocks("toml")
def test_toml_is_that_of_the_sample_package(block):
    assert [text for text in SAMPLE if block.text in text]


@blocks("sh", "docs/gallery.md")
def test_the_gallery_is_planned(block, tmp_path, monkeypatch, capsys):
    """test_recipes.py runs its recipes in small."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main([*block.text.split()[1:], "--dry-run"])
    assert not ended.value.code, capsys.readouterr().err


@pytest.fixture
def pictures(clone) -> Path:
    """The clone, with the pictures that the pages name."""
    for name in (
        "home/holiday.jpg",
        "a.jpg",
        "b.jpg",
        "paintings/a.jpg",
        "photos/a.jpg",
        "photos/b/c.jpg",
        "my [2024] pics/d.jpg",
    ):
        (clone / name).parent.mkdir(exist_ok=True)
        shutil.copy(clone / "photo.jpg", clone / name)
    shutil.copy(clone / "photo.jpg", clone / "content.jpg")
    shutil.copy(clone / "painting.jpg", clone / "style.jpg")
    return clone


@pytest.mark.slow
def test_the_commands_of_recipes_run(desk, pictures, make_small):
    """In their order, with the recipe that `stylepipe init` writes, in small."""
    look = pictures / "look.yaml"
    starter = (ROOT / "stylepipe/recipe/starter.yaml").read_text().replace("name: first-look", "name: look")
    look.write_text(starter.replace("    size: $item\n", "    size: $item\n    iterations: 2\n"))
    make_small(look)
    environment = {**desk.environment, "HOME": str(pictures / "home")}
    for block in (each for each in BLOCKS if each.is_run and (each.page, each.language) == ("docs/recipes.md", "sh")):
        runs = sorted(pictures.glob("outputs/look/*"))
        script = re.sub(RUN_ID, runs[0].name, block.text) if runs else block.text
        done = subprocess.run(
            ["bash", "-euc", script], cwd=pictures, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_the_commands_of_the_tutorial_for_artists_run(desk, pictures):
    """In their order, with smaller scales."""
    shutil.copy(pictures / "photo.jpg", pictures / "holiday.jpg")
    page = (each.text for each in BLOCKS if each.is_run and each.page == "docs/tutorials/artists.md")
    script = "".join(page).replace("scales=[256, 512, 1024]", "scales=[128, 192]")
    done = subprocess.run(
        ["bash", "-euc", script], cwd=pictures, env=desk.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert all((pictures / name).is_file() for name in ("first.png", "part.png", "large.png", "holiday.png"))


SHIPPED_IN_SMALL = """
from pathlib import Path
from stylepipe.recipe import shipped

shipped.shipped_folder = lambda: Path("recipes").resolve()
"""


@pytest.mark.slow
@pytest.mark.parametrize("direct", [False, True], ids=["recipes", "stages called directly"])
def test_the_python_of_the_page_runs(desk, pictures, direct):
    """In its order. Recipes run with the small network; stages are called with vgg19-slim, whose deep layers the page names."""
    page = (each.text for each in BLOCKS if each.page == "docs/python.md" and each.is_run)
    code = "\n".join(text for text in page if ("stylepipe.stylize(" in text) is direct)
    (pictures / "page.py").write_text(f"{SHIPPED_IN_SMALL}\nimport stylepipe\n{code.replace('iterations=200', 'iterations=2')}")
    environment = {name: value for name, value in desk.environment.items() if not (direct and name == "STYLEPIPE_WEIGHTS")}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=pictures, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ("Progress(done=2, total=2" if direct else "RunEnded") in done.stdout
