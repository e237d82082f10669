"""Loads recipes; the entry point of the package."""

from collections.abc import Mapping
from pathlib import Path

from stylepipe.recipe.check_recipe import check
from stylepipe.recipe.extends import RecipeDocument, read_recipe
from stylepipe.recipe.resolved import ResolvedRecipe


def load_recipe(recipe: Path | RecipeDocument, *, overrides: Mapping[str, str] | None = None) -> ResolvedRecipe:
    """Loads a recipe, or the one in a file, checked, with every reference resolved.

    `overrides` are new values for its params, each as one YAML scalar, flow list or flow mapping. Whether the files that the
    recipe names exist is not checked. Raises RecipeError with all problems at once.
    """
    source, text, root = read_recipe(recipe) if isinstance(recipe, Path) else recipe
    return check(source, text=text, root=root, overrides=overrides or {})
