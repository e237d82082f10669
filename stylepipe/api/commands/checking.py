"""Checks and draws recipes: the functions behind `stylepipe validate` and `stylepipe graph`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylepipe.api.sources.recipe_objects import Recipe, document_of
from stylepipe.api.sources.user_paths import recipe_path, user_path
from stylepipe.api.sources.values import as_overrides
from stylepipe.errors import UsageError
from stylepipe.recipe.drawing import Drawing
from stylepipe.recipe.load import load_recipe
from stylepipe.recipe.load_variants import has_sweep, load_sweep
from stylepipe.recipe.resolved import ResolvedRecipe


@dataclass(frozen=True)
class CheckedRecipe:
    """A recipe without problems: `recipe` has its stages, outputs and warnings; `variants` are the names of its sweep's.

    `file` is its file, None for a recipe built in Python.
    """

    file: Path | None
    recipe: ResolvedRecipe
    variants: tuple[str, ...]


def validate(recipe: str | Path | Recipe, /, *, params: Mapping[str, str] | None = None, **values: Any) -> CheckedRecipe:
    """Checks a recipe, and each variant of its sweep, without reading its inputs. The arguments are as in `run`.

    Raises RecipeError with all problems.
    """
    document = document_of(recipe)
    with as_overrides(values, params) as overrides:
        checked = load_recipe(document, overrides=overrides)
        variants = load_sweep(document, overrides=overrides).variants if has_sweep(document) else ()
    file = None if isinstance(recipe, Recipe) else recipe_path(recipe)
    return CheckedRecipe(file, checked, tuple(variant.name for variant in variants))


def graph(
    recipe: str | Path | Recipe,
    /,
    *,
    params: Mapping[str, str] | None = None,
    output: str | Path | None = None,
    **values: Any,
) -> Drawing:
    """Returns a drawing of a recipe's graph, as SVG or for Mermaid; notebooks show it. The arguments are as in `run`.

    `output` is a file to write it to as well, *.svg or *.mmd. Raises RecipeError with all problems, and UsageError for another
    ending and for a file that cannot be written.
    """
    with as_overrides(values, params) as overrides:
        drawing = Drawing.of(load_recipe(document_of(recipe), overrides=overrides))
    if output is None:
        return drawing
    target, texts = user_path(output), {".svg": drawing.svg, ".mmd": drawing.mermaid}
    if target.suffix not in texts:
        raise UsageError(f"'{target}' does not end in .svg or .mmd.", hint=f"Name it {target.stem}.svg.")
    from stylepipe.engine.cache.atomic_files import output_errors

    with output_errors(target.parent):
        target.write_text(texts[target.suffix], encoding="utf-8")
    return drawing
