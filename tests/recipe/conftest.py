"""A stage pack of its own for the tests of the language, found as any other; and recipes by their text."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stylepipe import entry_points, plugins
from stylepipe.errors import RecipeError
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.resolved import ResolvedRecipe

PACK = Path(__file__).parent / "pack"


@pytest.fixture(scope="module", autouse=True)
def pack() -> Iterator[Path]:
    """The folder that holds the package `sketches` and its entry point, on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PACK)
        entry_points._installed.cache_clear()
        plugins.stage_modules.cache_clear()
        plugins.find_stage.cache_clear()
        yield PACK
    entry_points._installed.cache_clear()
    plugins.stage_modules.cache_clear()
    plugins.find_stage.cache_clear()
    for module in [name for name in sys.modules if name.partition(".")[0] == "sketches"]:
        del sys.modules[module]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ResolvedRecipe]:
    """Loads a recipe's text as recipe.yaml in the current folder, with overrides as keywords."""
    monkeypatch.chdir(tmp_path)

    def loaded(text: str, /, **overrides: str) -> ResolvedRecipe:
        Path("recipe.yaml").write_text(text, encoding="utf-8")
        return load_recipe(Path("recipe.yaml"), overrides=overrides)

    return loaded


@pytest.fixture
def problems(load: Callable[..., ResolvedRecipe]) -> Callable[..., list[str]]:
    """What is wrong with a recipe's text: one line for each problem."""

    def found(text: str, /, **overrides: str) -> list[str]:
        with pytest.raises(RecipeError) as caught:
            load(text, **overrides)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [str(problem) for problem in caught.value.problems]

    return found
