"""Loads recipes; the entry point of the package."""

from collections.abc import Mapping
from pathlib import Path

from stylepipe.recipe.check_recipe import check
from stylepipe.recipe.extends import read_recipe
from stylepipe.recipe.resolved import ResolvedRecipe


def load_recipe(path: Path, *, overrides: Mapping[str, str] | None = None) -> ResolvedRecipe:
    """Loads and checks the recipe in a file, and resolves its references.

    `overrides` are new values for its params, each as one YAML scalar, flow list or flow mapping. Whether the files that the
    recipe names exist is not checked. Raises RecipeError with all problems at once.
    """
    source, text = read_recipe(path)
    return check(source, text=text, root=path.parent, overrides=overrides or {})
